"""SARIF of `landfall validate`: the parts of the 2.1.0 schema that are used, and what GitHub asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from landfall.cli import stacks as stack_files
from landfall.cli import validate as validate_command
from landfall.config.codes import CODES

Landfall = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[3]


class Part(BaseModel):
    """An object of the schema: nothing that it does not know, and all that it requires.

    Source: OASIS, sarif-schema-2.1.0.json, `definitions`; each has `additionalProperties: false`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


class Message(Part):
    text: Annotated[str, Field(min_length=1)]


class Help(Message):
    markdown: str


class Configuration(Part):
    level: Literal["none", "note", "warning", "error"]


class Properties(Part):
    precision: Literal["very-high", "high", "medium", "low"]
    severity: Annotated[Literal["error", "warning", "recommendation"], Field(alias="problem.severity")]
    tags: Annotated[list[str], Field(max_length=20)]


class Rule(Part):
    id: str
    name: Annotated[str, Field(max_length=255)]
    shortDescription: Message
    fullDescription: Message
    help: Help
    defaultConfiguration: Configuration
    properties: Properties


class Driver(Part):
    name: str
    version: str
    semanticVersion: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+")]
    rules: list[Rule]


class Tool(Part):
    driver: Driver


class Artifact(Part):
    uri: Annotated[str, Field(pattern=r"^[^\s\\]+$")]
    uriBaseId: str | None = None


class Region(Part):
    startLine: Annotated[int, Field(ge=1)]
    startColumn: Annotated[int, Field(ge=1)]


class Physical(Part):
    artifactLocation: Artifact
    region: Region


class Logical(Part):
    fullyQualifiedName: str
    kind: str


class Location(Part):
    id: Annotated[int, Field(ge=-1)] = -1
    physicalLocation: Physical
    logicalLocations: list[Logical] = []
    message: Message | None = None


class Result(Part):
    ruleId: str
    ruleIndex: Annotated[int, Field(ge=-1)]
    level: Literal["none", "note", "warning", "error"]
    message: Message
    locations: Annotated[list[Location], Field(min_length=1, max_length=1)]
    relatedLocations: list[Location] = []
    partialFingerprints: dict[str, str]


class Automation(Part):
    id: Annotated[str, Field(pattern="/$")]


class Base(Part):
    description: Message


class Run(Part):
    tool: Tool
    automationDetails: Automation
    columnKind: Literal["utf16CodeUnits", "unicodeCodePoints"]
    originalUriBaseIds: dict[str, Base]
    results: list[Result]


class Log(Part):
    schema_: Annotated[str, Field(alias="$schema", pattern="sarif.*2.1.0")]
    version: Literal["2.1.0"]
    runs: Annotated[list[Run], Field(min_length=1, max_length=1)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stack file that cannot be read, and one with mistakes, one of them in two places."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    text = (ROOT / "stacks/Pulumi.dev.yaml").read_text(encoding="utf-8")
    text = text.replace("environment: dev", "environment: dve").replace("account: data", "account: dtaa")
    text = text.replace("workgroup: etl", "workgroup: etl, password: hunter2")
    (folder / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    (folder / "Pulumi.größer 1.yaml").write_text("config:\n\tx: 1\n", encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.setattr(stack_files, "STACKS", folder)
    monkeypatch.setattr(validate_command, "ROOT", tmp_path)
    return tmp_path


def test_the_log_is_sarif_with_one_result_an_issue(landfall: Landfall, project: Path) -> None:
    target = project / "out.sarif"
    ended = landfall("validate", "--sarif", str(target))
    assert ended.code == 2
    assert "LF0103" in ended.out, "the report is printed as well"
    assert f"wrote {target}" in ended.err
    issues = json.loads(landfall("validate", "--json").out)["issues"]
    (run,) = Log.model_validate_json(target.read_text(encoding="utf-8")).runs
    assert len(run.results) == len(issues) >= 4
    assert [rule.id for rule in run.tool.driver.rules] == [code.code for code in CODES]
    for result in run.results:
        assert run.tool.driver.rules[result.ruleIndex].id == result.ruleId
        assert result.locations[0].physicalLocation.artifactLocation.uriBaseId in run.originalUriBaseIds
    places = {
        (result.ruleId, result.locations[0].physicalLocation.region.startLine): result
        for result in run.results
    }
    assert {(issue["code"], issue["line"]) for issue in issues} == set(places)
    uris = {result.locations[0].physicalLocation.artifactLocation.uri for result in run.results}
    assert uris == {"stacks/Pulumi.dev.yaml", "stacks/Pulumi.gr%C3%B6%C3%9Fer%201.yaml"}
    assert len({json.dumps(result.partialFingerprints) for result in run.results}) == len(run.results)


def test_further_places_are_related_locations(landfall: Landfall, project: Path) -> None:
    (run,) = Log.model_validate_json(landfall("validate", "--format", "sarif", "dev").out).runs
    (result,) = (result for result in run.results if result.ruleId == "LF0104")
    lines = [location.physicalLocation.region.startLine for location in result.relatedLocations]
    text = (project / "stacks/Pulumi.dev.yaml").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert all("dtaa" in text[line - 1] for line in lines)


def test_no_secret_is_in_the_log(landfall: Landfall, project: Path) -> None:
    assert "hunter2" not in landfall("validate", "--format", "sarif").out


def test_a_valid_stack_has_a_log_without_results(landfall: Landfall) -> None:
    ended = landfall("validate", "--format", "sarif")
    assert ended.code == 0
    (run,) = Log.model_validate_json(ended.out).runs
    assert run.results == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--format", "srif"),
            'unknown format "srif"; allowed are: text, json, sarif. Did you mean "sarif"?',
        ),
        (("--json", "--format", "sarif"), "--json and --format sarif contradict each other"),
        (("--sarif", "/nowhere/out.sarif"), "cannot write /nowhere/out.sarif: No such file or directory"),
    ],
)
def test_wrong_usage_is_one_sentence(landfall: Landfall, arguments: tuple[str, ...], sentence: str) -> None:
    ended = landfall("validate", *arguments)
    assert ended.code == 2
    assert sentence in ended.err
    assert ended.out == ""


def test_a_project_without_stacks_is_told(
    landfall: Landfall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_files, "STACKS", tmp_path)
    ended = landfall("validate")
    assert ended.code == 2
    assert "no stack file" in ended.err


def test_a_stack_that_is_named_twice_is_checked_once(landfall: Landfall) -> None:
    assert landfall("validate", "dev", "dev").out == "1 stack file valid: dev\n"
