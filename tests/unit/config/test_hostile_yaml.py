"""Hostile or broken text: one clear error each, never a traceback, and quickly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from landfall.config import LoadResult, load_file, report
from tests.unit.config.conftest import BASE

type Check = Callable[[str | bytes], LoadResult]

LAUGHS = "config:\n  aws:l0: &l0 [a, a, a, a, a, a, a, a, a, a]\n" + "".join(
    f"  aws:l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10)
)

CASES: dict[str, tuple[str | bytes, str, tuple[int, int]]] = {
    "tab": ("config:\n\tlandfall:platform: {}\n", "a tab is used", (2, 1)),
    "open bracket": ("config: [\n", "not valid YAML", (2, 1)),
    "open quote": ('config:\n  a: "x\n', "not valid YAML", (3, 1)),
    "two values": ("config: a: b\n", "not valid YAML", (1, 10)),
    "alias bomb": (LAUGHS, "aliases expanded", (6, 61)),
    "alias of itself": ("config: &a\n  aws:b: *a\n", "inside its own anchor", (2, 10)),
    "alias of nothing": ("config: *a\n", "has no anchor", (1, 9)),
    "tag": ("config: !!python/object/apply:os.system [ls]\n", "not supported", (1, 9)),
    "deep": ("config: " + "[" * 5000, "nested deeper", (1, 48)),
    "deep blocks": (
        "config:\n" + "".join(" " * n + "a:\n" for n in range(1, 400)),
        "nested deeper",
        (41, 41),
    ),
    "too big": ("config: {}\n#" + "x" * 1_100_000, "at most 1048576", (1, 1)),
    "NUL": ("config:\n  a: b\0c\n", "control character (U+0000)", (2, 7)),
    "NUL escape": ('config:\n  a: "b\\0c"\n', "control character", (2, 6)),
    "half a character": ('config:\n  a: "\\ud800"\n', "half a character", (2, 6)),
    "not UTF-8": (b"config:\n  a: \xff\n", "not UTF-8", (2, 6)),
    "UTF-16": ("config: {}\n".encode("utf-16"), "not UTF-8", (1, 1)),
    "list": ("- config\n", "must be a mapping", (1, 1)),
    "text": ("config\n", "must be a mapping", (1, 1)),
    "empty": ("", "the file is empty", (1, 1)),
    "comment only": ("# nothing\n", "the file is empty", (1, 1)),
    "config is a list": ("config: []\n", "config: must be a mapping", (1, 9)),
    "no config": ("secretsprovider: x\n", "config: must be a mapping", (1, 1)),
    "misspelt config": ("confg: {}\n", 'Did you mean "config"?', (1, 1)),
    "two documents": (BASE + "---\n" + BASE, "several documents", (BASE.count("\n") + 1, 1)),
    "key is a list": ("config:\n  ? [a]\n  : b\n", "a key must be plain text", (2, 5)),
    "bad directive": ("%YAML 9.9\n---\nconfig: {}\n", "not valid YAML", (1, 1)),
    "merge key": (
        BASE.replace("    name: landfall\n", "    <<: {owner: x}\n    name: landfall\n"),
        "merge keys",
        (4, 5),
    ),
    "unknown neighbour": (BASE + "confg: {}\n", "unknown key", (BASE.count("\n") + 1, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_clear_error(check: Check, name: str) -> None:
    text, message, place = CASES[name]
    start = time.monotonic()
    result = check(text)
    assert time.monotonic() - start < 30
    assert len(result.issues) == 1, report(result.issues)
    issue = result.issues[0]
    assert message in issue.message
    assert (issue.line, issue.column) == place
    assert issue.suggestion
    assert result.config is None
    assert "Traceback" not in report(result.issues)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    result = load_file(tmp_path / "Pulumi.none.yaml")
    assert [issue.code for issue in result.issues] == ["LF0109"]
    assert "No such file" in result.issues[0].message


def test_a_folder_is_no_stack_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dir.yaml").mkdir()
    assert "cannot read" in load_file(tmp_path / "Pulumi.dir.yaml").issues[0].message


def test_anchors_in_reason_are_fine(check: Check) -> None:
    text = BASE.replace("tags: {team: etl}", "tags: &tags {team: etl}") + "  aws:tags: *tags\n"
    assert report(check(text).issues) == ""


def test_a_value_that_is_aliased_is_one_error(check: Check) -> None:
    text = BASE.replace(
        "availability_zones: [eu-central-1a, eu-central-1b]\n    lab",
        "availability_zones: &z [eu-central-1]\n    lab",
    ).replace("availability_zones: [eu-central-1a, eu-central-1b]\n", "availability_zones: *z\n")
    malformed = [issue for issue in check(text).issues if issue.code == "LF0112"]
    assert len(malformed) == 1


def test_byte_order_mark_and_windows_lines_are_fine(check: Check) -> None:
    assert report(check(b"\xef\xbb\xbf" + BASE.encode().replace(b"\n", b"\r\n")).issues) == ""


def test_what_pulumi_keeps_beside_the_config_is_fine(check: Check) -> None:
    text = BASE + "encryptionsalt: v1:abc\nsecretsprovider: passphrase\nenvironment: [shared]\nbackend: {}\n"
    assert report(check(text).issues) == ""


def test_other_namespaces_pass_untouched(check: Check) -> None:
    text = (
        BASE + "  aws:profile: {secure: v1:x}\n  pulumi:disable-default-providers: [aws]\n  other:x: [1, 2]\n"
    )
    assert report(check(text).issues) == ""
