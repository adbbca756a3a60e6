"""Rules that contradict themselves are refused; files tell every mistake with its place."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sandbox.faults import FaultFileError, Rule, delay, fail, hang, lose, read_rules, throttle, twice


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"effect": "fail", "first": 1, "every": 2}, "first and every exclude each other"),
        ({"effect": "fail", "share": 0.5, "from": 2}, "share and from/to exclude each other"),
        ({"effect": "fail", "from": 3, "to": 2}, "to is 2 and comes before from"),
        ({"effect": "fail", "seed": 3}, "add share"),
        ({"effect": "delay"}, "delay needs seconds"),
        ({"effect": "fail", "seconds": 1}, "fail takes no seconds"),
        ({"effect": "twice", "error": "X"}, "twice takes no error"),
        ({"effect": "lose", "status": 500}, "status needs error"),
        ({"effect": "fail", "first": 0}, "greater than or equal to 1"),
        ({"effect": "fail", "share": 0}, "greater than 0"),
        ({"effect": "fail", "status": 200}, "greater than or equal to 400"),
        ({"effect": "fail", "id": "a b"}, "pattern"),
        ({"effect": "explode"}, "fail"),
        ({"effect": "fail", "oops": 1}, "Extra inputs"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Rule.model_validate(rule)


def test_the_makers_make_what_they_say() -> None:
    rules = [
        fail("s3", "Get*", "NoSuchKey", "gone", 404, first=2),
        throttle("dynamodb", account="data"),
        hang("ssm", seconds=5, from_=2, to=3),
        delay("sns", seconds=0.5),
        twice("sqs", "SendMessage", contains="x"),
        lose("lambda", "Invoke", state="InvokeFunction", share=0.2, seed=7),
    ]
    assert [rule.wire() for rule in rules] == [
        {"effect": "fail", "service": "s3", "operation": "Get*", "error": "NoSuchKey", "message": "gone",
         "status": 404, "first": 2},
        {"effect": "throttle", "service": "dynamodb", "operation": "*", "account": "data"},
        {"effect": "hang", "service": "ssm", "operation": "*", "seconds": 5, "from": 2, "to": 3},
        {"effect": "delay", "service": "sns", "operation": "*", "seconds": 0.5},
        {"effect": "twice", "service": "sqs", "operation": "SendMessage", "contains": {"*": "x"}},
        {"effect": "lose", "service": "lambda", "operation": "Invoke", "state": "InvokeFunction",
         "share": 0.2, "seed": 7},
    ]  # fmt: skip


def test_rules_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(
        "faults:\n"
        "  - {id: slow, effect: delay, service: sns, seconds: 1}\n"
        "  - effect: throttle\n    service: dynamodb\n    operation: PutItem\n    from: 2\n    to: 4\n"
    )
    slow, throttled = read_rules(file)
    assert (slow.id, slow.seconds) == ("slow", 1)
    assert (throttled.operation, throttled.from_, throttled.to) == ("PutItem", 2, 4)


def test_a_file_tells_every_mistake_with_line_column_and_key(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(
        "faults:\n"
        "  - effect: throtle\n"
        "    service: dynamodb\n"
        "  - effect: fail\n"
        "    service: dynamdb\n"
        "  - effect: fail\n"
        "    opertion: PutItem\n"
        "    first: many\n"
        "  - {id: a, effect: hang}\n"
        "  - {id: a, effect: delay}\n"
        "  - just text\n"
        "  - {id: a, effect: twice}\n"
        "more: 1\n"
    )
    with pytest.raises(FaultFileError) as raised:
        read_rules(file)
    found = [line.removeprefix(f"{file}:") for line in raised.value.mistakes]
    assert found[0].startswith('2:13  faults[0].effect: found "throtle"; allowed: fail, throttle,')
    assert found[0].endswith('Did you mean "throttle"?')
    assert found[1] == '5:14  faults[1].service: boto3 has no service "dynamdb". Did you mean "dynamodb"?'
    assert found[2].startswith("7:5  faults[2].opertion: unknown key; allowed: id, effect, ")
    assert found[2].endswith('Did you mean "operation"?')
    assert found[3] == '8:12  faults[2].first: found "many"; expected a whole number'
    assert found[4] == "10:5  faults[4]: delay needs seconds"
    assert found[5] == '11:5  faults[5]: found "just text"; expected a mapping'
    assert found[6] == '12:10  faults[6].id: "a" is there twice'
    assert found[7] == "13:1  more: unknown key; allowed: faults"
    assert len(found) == 8


@pytest.mark.parametrize("text", ["", "[1]", "faults: 3", "faults: [", "{}", "a: &x [*x]", "\x00", "faults:"])
def test_what_is_no_fault_file_is_refused_with_a_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    with pytest.raises(FaultFileError, match=r"faults\.yaml:\d+:\d+  "):
        read_rules(file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FaultFileError, match="cannot be read: No such file"):
        read_rules(tmp_path / "none.yaml")


@given(text=st.text(alphabet=string.printable, max_size=200))
def test_no_text_makes_the_reader_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text("faults:\n  - " + text)
    try:
        read_rules(file)
    except FaultFileError as error:
        assert error.mistakes
