"""One mistake anywhere is one error, there: every key of a file is deleted, misspelt and given wrong values.

The engine's values are changed instead of the text, for speed; places in the text are tested with the cases
of `test_one_error_per_cause`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from landfall.config import ConfigError, ConfigIssue, LoadResult, load, load_file, report
from landfall.config.errors import CONTRADICTION
from landfall.config.loader import shown_path
from landfall.config.shape import literals_at, model_at
from landfall.config.stack import StackConfig
from tests.unit.config.conftest import BASE

type Check = Callable[[str | bytes], LoadResult]
type KeyPath = tuple[str | int, ...]

ROOT = Path(__file__).parents[3]
FREE_FORM = ("args", "pattern", "parameters", "tags")
"""Mappings whose keys are the user's, with hardly a rule."""
WRONG: tuple[Any, ...] = (7, True, None, 3.5, "zzz qqq", [], ["zzz qqq"], [[1]], {}, {"zzz": 1})


def key_paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key of a mapping and the first entries of every list."""
    inner = (
        value.items()
        if isinstance(value, Mapping)
        else enumerate(value[:2])
        if isinstance(value, list)
        else ()
    )
    for key, below in inner:
        yield (*path, key)
        yield from key_paths(below, (*path, key))


def at(values: Any, path: KeyPath) -> Any:
    for part in path:
        values = values[part]
    return values


def misspelt(word: str) -> str:
    """The word with its last but one letter doubled: near to it, and no other key."""
    return f"{word[:-1]}{word[-2:]}"


def issues_of(values: Mapping[str, Any], source: Any) -> tuple[ConfigIssue, ...]:
    try:
        load(values, source)
    except ConfigError as error:
        return error.issues
    return ()


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> LoadResult:
    """A file with every kind of job and precondition, its scripts beside it."""
    folder = tmp_path_factory.mktemp("rich")
    (folder / "scripts").mkdir()
    (folder / "stacks").mkdir()
    for name in ("load.sh", "it's größer.sh"):
        (folder / "scripts" / name).write_text("#!/bin/bash\n")
    (folder / "scripts" / "stage.sql").write_text("select 1;\n")
    path = folder / "stacks" / "Pulumi.dev.yaml"
    path.write_text(
        BASE.replace(
            "      weekly:\n",
            "      hourly:\n"
            "        workflow_stages:\n"
            "          - execution_type: parallel\n"
            "            preconditions:\n"
            "              - {kind: table_rows, table: sales.orders, minimum: 2}\n"
            "            scripts:\n"
            "              - {kind: glue, job: clean, args: {--day: x}}\n"
            "              - {kind: state_machine, state_machine: other}\n"
            "          - execution_type: parallel\n"
            "            scripts:\n"
            "              - kind: emr_serverless\n"
            "                application_id: 00abc\n"
            '                execution_role_arn: "arn:aws:iam::111111111111:role/x"\n'
            "                entry_point: s3://bucket/main.py\n"
            "      weekly:\n",
        )
    )
    result = load_file(path)
    assert report(result.issues) == ""
    return result


@pytest.fixture(scope="module", params=["rich", "prod"])
def valid(request: pytest.FixtureRequest, rich: LoadResult) -> LoadResult:
    """A valid file to break: one with everything, and the largest shipped one."""
    return rich if request.param == "rich" else load_file(ROOT / "stacks" / "Pulumi.prod.yaml")


def is_users_key(path: KeyPath, values: Mapping[str, Any]) -> bool:
    """Whether the last part of a path is a name that the user chose."""
    model = model_at(path[:-1], values) if path[:-1] else StackConfig
    return model is None or path[-1] not in model.model_fields


def single(found: tuple[ConfigIssue, ...], what: str) -> ConfigIssue:
    assert len(found) == 1, f"{what}\n{report(found)}"
    return found[0]


def test_a_deleted_key_is_one_error_or_none(valid: LoadResult) -> None:
    values = dict(valid.source.values)
    required = 0
    for path in key_paths(values):
        changed = copy.deepcopy(values)
        del at(changed, path[:-1])[path[-1]]
        found = issues_of(changed, valid.source)
        model = model_at(path[:-1], values) if path[:-1] else StackConfig
        field = model.model_fields.get(str(path[-1])) if model else None
        if field is not None and field.is_required():
            required += 1
            issue = single(found, f"deleted {shown_path(path)}")
            # A mapping that is left empty is one error; a job without its script may be of any kind.
            places = (path, path[:-1], (*path[:-1], "kind"))
            assert issue.code == "LF0111"
            assert issue.key_path in map(shown_path, places)
        else:
            assert len(found) <= 1, f"deleted {shown_path(path)}\n{report(found)}"
    assert required > 20


def test_a_misspelt_key_is_one_error_at_the_key(valid: LoadResult) -> None:
    values = dict(valid.source.values)
    seen = 0
    for path in key_paths(values):
        key = path[-1]
        if (
            not isinstance(key, str)
            or is_users_key(path, values)
            or any(part in FREE_FORM for part in path[:-1])
        ):
            continue
        seen += 1
        changed = copy.deepcopy(values)
        parent = at(changed, path[:-1])
        items = [(misspelt(key) if name == key else name, value) for name, value in parent.items()]
        parent.clear()
        parent.update(items)
        issue = single(issues_of(changed, valid.source), f"misspelt {shown_path(path)}")
        assert (issue.code, issue.key_path) == ("LF0101", shown_path((*path[:-1], misspelt(key))))
        assert str(issue.suggestion).removeprefix("landfall:") == key
    assert seen > 30


def test_a_misspelt_name_is_one_error_for_all_that_refer_to_it(valid: LoadResult) -> None:
    values = dict(valid.source.values)
    for section in (("accounts",), ("network",), ("workflows", "definitions")):
        for name in list(at(values, section)):
            changed = copy.deepcopy(values)
            parent = at(changed, section)
            parent[misspelt(name)] = parent.pop(name)
            if section[-1] == "definitions":
                parent[misspelt(name)].pop("workflow_id", None)
            found = issues_of(changed, valid.source)
            assert len(found) <= 1, f"{shown_path((*section, name))}\n{report(found)}"
            if found:
                assert found[0].code == "LF0104"
                assert name in found[0].message


def test_a_wrong_value_is_one_error_at_its_key_or_below(valid: LoadResult) -> None:
    values = dict(valid.source.values)
    for path in key_paths(values):
        for wrong in WRONG:
            changed = copy.deepcopy(values)
            at(changed, path[:-1])[path[-1]] = copy.deepcopy(wrong)
            found = issues_of(changed, valid.source)
            if wrong == {"zzz": 1} and isinstance(at(values, path), Mapping):
                # A mapping of something else: a strange key, and what is needed in its place.
                assert {issue.code for issue in found} <= {"LF0101", "LF0102", "LF0104", "LF0111", "LF0112"}
                continue
            assert len(found) <= 1, f"{shown_path(path)}: {wrong!r}\n{report(found)}"
            # Two values that contradict each other are one error, at either.
            if found and isinstance(wrong, int | float) and found[0].code != CONTRADICTION:
                assert found[0].key_path.startswith(shown_path(path)), report(found)


def test_a_value_outside_a_closed_list_is_one_error_at_the_value(valid: LoadResult) -> None:
    values = dict(valid.source.values)
    seen = 0
    for path in key_paths(values):
        allowed = literals_at(path, values)
        if allowed:
            seen += 1
            changed = copy.deepcopy(values)
            at(changed, path[:-1])[path[-1]] = misspelt(at(values, path))
            issue = single(issues_of(changed, valid.source), shown_path(path))
            assert (issue.code, issue.key_path) == ("LF0103", shown_path(path))
            assert issue.allowed
    assert seen > 3
