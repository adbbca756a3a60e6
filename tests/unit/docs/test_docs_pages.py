"""README and docs say what is so: links, commands, config examples, generated pages, words."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from docs_pages import DOCS, ROOT, Block, anchors, blocks, command_lines, links, pages, prose
from ruamel.yaml import YAML

from landfall.cli import reference
from landfall.cli.main import app
from landfall.config import load_file, report
from sandbox.faults import read_rules

PAGES = pages()
BASE_DEFINITION = "blog_test_workflow"


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [
            (page.parent / target.partition("#")[0]).resolve()
            for target in links(page)
            if not target.startswith(("http", "#"))
        ]
    assert [named(page) for page in PAGES if page not in seen and page.parent != ROOT / "examples"] == []


COMMAND = typer.main.get_command(app)


def commands_of(page: Path) -> Iterator[list[str]]:
    """The words of each `landfall …` that a page tells its reader to type."""
    for line in command_lines(page):
        for found in re.findall(r"(?:^|[\s(/])landfall((?: +(?!is\b|takes\b)[^\s)|;]+)*)", line):
            words = re.sub(r"\[.*?\]", "", found).split()
            if words and re.fullmatch(r"[a-z]+|--debug", words[0]):
                yield words


def problem(words: list[str]) -> str | None:
    """Why these words are no command line; None when they are one."""
    command: Any = COMMAND
    options = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}
    for word in words:
        if word.startswith("-"):
            name = word.partition("=")[0]
            if name not in options:
                return f"{' '.join(words)}: {command.name} has no option {name}"
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"{' '.join(words)}: {command.name} has no command {word}"
            command = command.commands[word]
            options |= {
                name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]
            }
    return None


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_exists(page: Path) -> None:
    assert [said for words in commands_of(page) if (said := problem(words))] == []


def test_the_check_of_commands_can_fail() -> None:
    assert problem(["workflow", "runn", "x"])
    assert problem(["demo", "--keeep"])
    assert problem(["sandbox", "up", "--no-deploy"]) is None
    assert len(list(commands_of(ROOT / "README.md"))) >= 10


def test_the_readme_names_every_group_of_commands_somewhere() -> None:
    said = {words[0] for page in PAGES for words in commands_of(page)}
    assert said >= set(COMMAND.commands) - {"schema"}  # type: ignore[attr-defined]


def test_every_make_target_exists() -> None:
    known = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    said: set[str] = set()
    for page in PAGES:
        for line in command_lines(page):
            if line.startswith("make "):
                said |= {word for word in shlex.split(line)[1:] if "=" not in word}
    assert said >= {"demo", "test"}
    assert said - known == set()


EXAMPLES = [
    block for page in PAGES for block in blocks(page) if block.info in ("yaml stack", "yaml definitions")
]
FAULT_FILES = [block for page in PAGES for block in blocks(page) if block.info == "yaml faults"]


def stack_file(block: Block, folder: Path) -> Path:
    """A stack file with the block in it, and the scripts that it names beside it."""
    yaml = YAML(typ="safe")
    example = yaml.load(block.body)
    if block.info == "yaml stack":
        values = example
    else:
        values = yaml.load((ROOT / "stacks" / "Pulumi.sandbox.yaml").read_text(encoding="utf-8"))
        workflows = values["config"]["landfall:workflows"]
        workflows["definitions"], workflows["scripts"] = example, "scripts"
        (folder / "scripts").mkdir()
        for name in files_of(example):
            (folder / "scripts" / name).write_text("select 1;\n", encoding="utf-8")
            (folder / "scripts" / name).chmod(0o755)
    path = folder / "Pulumi.example.yaml"
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(values, out)
    return path


def files_of(definitions: dict[str, Any]) -> Iterator[str]:
    for definition in definitions.values():
        for stage in definition["workflow_stages"]:
            for job in stage["scripts"]:
                if isinstance(job, str):
                    yield job
                elif name := job.get("script") or job.get("file"):
                    yield name


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_every_config_example_is_valid(block: Block, tmp_path: Path) -> None:
    result = load_file(stack_file(block, tmp_path))
    assert report(result.issues) == ""
    assert result.ok


@pytest.mark.parametrize("block", FAULT_FILES, ids=str)
def test_every_file_of_faults_is_valid(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(block.body, encoding="utf-8")
    assert read_rules(file)


def test_every_marked_config_block_is_of_a_kind_that_is_checked() -> None:
    marked = {block.info for page in PAGES for block in blocks(page) if block.info.startswith("yaml ")}
    assert marked == {"yaml stack", "yaml definitions", "yaml faults"}


def test_the_examples_show_every_kind_of_job_and_precondition() -> None:
    text = "\n".join(block.body for block in EXAMPLES)
    kinds = ("rsql", "sql", "lambda", "glue", "emr_serverless", "state_machine")
    conditions = ("s3_object", "table_rows", "workflow_completed", "time_window")
    assert [kind for kind in (*kinds, *conditions) if not re.search(rf"kind: {kind}\b", text)] == []


def test_unmarked_config_blocks_are_only_on_generated_pages() -> None:
    unmarked = {named(page) for page in PAGES for block in blocks(page) if block.info == "yaml"}
    assert {page for page in unmarked if not page.startswith("docs/errors/")} <= {"docs/guardrails.md"}


def test_the_shortest_workflow_has_twelve_lines() -> None:
    page = DOCS / "workflows.md"
    first = next(block for block in blocks(page) if block.info == "yaml definitions")
    assert "Twelve lines" in prose(page)
    assert len(first.body.splitlines()) == 12


def test_generated_pages_are_up_to_date() -> None:
    assert reference.stale() == (), f"run: {reference.COMMAND}"


def test_staleness_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "limits.md").write_text((DOCS / "limits.md").read_text(encoding="utf-8"), encoding="utf-8")
    assert "config-reference.md" in reference.stale(docs)
    reference.write(docs)
    assert reference.stale(docs) == ()
    for name in ("config-reference.md", "limits.md", "guardrails.md", "images/prod.svg"):
        text = (docs / name).read_text(encoding="utf-8")
        (docs / name).write_text(re.sub(r"e(?=[^e]*\Z)", "E", text[:-200]) + text[-200:], encoding="utf-8")
    changed = (docs / "limits.md").read_text(encoding="utf-8").replace("| dynamodb |", "| dynamo |")
    (docs / "limits.md").write_text(changed, encoding="utf-8")
    assert reference.stale(docs) == ("config-reference.md", "guardrails.md", "images/prod.svg", "limits.md")
    assert reference.main(["--nonsense"]) == 2
    assert "usage" in capsys.readouterr().err


def test_limits_without_its_marks_are_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        reference.with_gaps("# Limits\n")


def test_the_config_reference_tells_what_kinds_share_only_once() -> None:
    page = reference.config_reference()
    assert page.count("| `heartbeat_seconds` |") == 1
    assert page.count("| `poll_seconds` |") == 1
    assert page.count("| `application_id` |") == 1
    assert "| `id` | text | **required** | Twelve-digit account id, in quotes. |" in page
    assert "| `flow_log_retention_days` | whole number | `90` |" in page


def test_the_demo_in_the_readme_is_whole() -> None:
    demo = next(
        block.body for block in blocks(ROOT / "README.md") if block.body.startswith("$ landfall demo")
    )
    assert re.search(r"(?m)^6 Completed jobs, 1 Completed workflow, 4 rows$", demo)
    assert re.search(
        r"(?m)^13 state transitions and 0 Lambda invocations; the source's design takes 41", demo
    )
    assert len(re.findall(r"(?m)^\d +rsql_blog_script_\d\.sh +rsql +Completed", demo)) == 6
    assert "\x1b" not in demo


def test_the_readme_gives_a_reason_for_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    names = {re.split(r"[\[<>=!~ ]", requirement)[0] for requirement in wanted}
    told = set(
        re.findall(
            r"`([A-Za-z0-9_.-]+)`",
            "\n".join(
                line.split("|")[1]
                for line in prose(ROOT / "README.md").splitlines()
                if line.startswith("| `")
            ),
        )
    )
    assert names - told == set()


def test_every_path_that_a_table_names_exists() -> None:
    missing = []
    for page in (
        ROOT / "README.md",
        DOCS / "contributing.md",
        DOCS / "architecture.md",
        DOCS / "security.md",
    ):
        for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", prose(page)):
            if path.split("/")[0] in {entry.name for entry in ROOT.iterdir()} and not path.startswith("."):
                missing += [f"{named(page)}: {path}"] if not (ROOT / path).exists() else []
    assert missing == []


FORBIDDEN = {
    "a path of one machine": r"/(?:work|root|home/\w+)/|/tmp/",
    "a package index": r"pypi\.|files\.pythonhosted|proxy\.golang|registry\.npm|index-url",
    "an unfinished thought": r"\b(?:TODO|FIXME|TBD|XXX)\b",
    "how it was made": r"(?i)\bissue #?\d+|\bhelpers?\b(?! that)|\bthis session\b",
    "an emoji": r"[\U0001F300-\U0001FAFF\u2705\u274C\u26A0]",
    "marketing": r"(?i)\b(?:blazing|seamless|effortless|powerful|cutting-edge|best-in-class)\b",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_page_has(what: str) -> None:
    found = {
        named(page): hits
        for page in [*PAGES, ROOT / "Makefile", ROOT / "pyproject.toml"]
        if (hits := re.findall(FORBIDDEN[what], page.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_the_license_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert len(text.splitlines()) >= 200
