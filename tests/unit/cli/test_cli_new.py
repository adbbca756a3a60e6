"""``landfall new`` and ``landfall catalog``: valid blocks, nothing else changed, wrong names refused."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landfall.catalog.kinds import JOB_MODELS, KINDS
from landfall.catalog.stack_file import environment_of
from landfall.cli import new_file
from landfall.cli import stacks as stack_files
from landfall.cli.exits import CommandError
from landfall.config import load_file, report
from landfall.config.schema import reference

ROOT = Path(__file__).resolve().parents[3]
STACKS = ("dev", "prod", "sandbox")
Landfall = Callable[..., Any]
BLOCKS = [kind.name for kind in KINDS if kind.path]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped stacks with their scripts; the current folder."""
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.setattr(stack_files, "STACKS", tmp_path / "stacks")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "stacks"


def words(kind: str) -> tuple[str, ...]:
    """Arguments that create one of a kind in any shipped stack."""
    if kind == "job":
        return ("job", "extra", "--workflow", "blog_test_workflow")
    if kind in ("schedule", "trigger"):
        return (kind, "plain")
    return (kind, "plain")


def valid(file: Path) -> None:
    result = load_file(file)
    assert report(result.issues) == ""
    assert result.ok


def without(before: str, after: str, diff: str) -> str:
    """The text after a change, with the lines that a unified diff added taken out again."""
    added = [line[1:] for line in diff.splitlines()[2:] if line.startswith("+")]
    assert not [line for line in diff.splitlines()[2:] if line.startswith("-")]
    return after.replace("".join(f"{line}\n" for line in added), "", 1)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", BLOCKS)
def test_the_block_of_every_kind_is_valid_in_every_shipped_stack_and_changes_nothing_else(
    landfall: Landfall, tree: Path, kind: str, stack: str
) -> None:
    file = tree / f"Pulumi.{stack}.yaml"
    if kind in ("schedule", "trigger"):
        assert landfall("new", "workflow", "plain", "--stack", stack).code == 0
    before = file.read_text(encoding="utf-8")
    ended = landfall("new", *words(kind), "--stack", stack, "--json")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    assert document["written"] and document["file"] == f"stacks/Pulumi.{stack}.yaml"
    after = file.read_text(encoding="utf-8")
    assert "#" in document["diff"]
    assert without(before, after, document["diff"]) == before
    valid(file)


@pytest.mark.parametrize("kind", [kind for kind in BLOCKS if kind != "job"])
def test_every_line_that_is_commented_out_is_valid_when_it_is_used(
    landfall: Landfall, tree: Path, kind: str
) -> None:
    file = tree / "Pulumi.prod.yaml"
    if kind in ("schedule", "trigger"):
        landfall("new", "workflow", "plain", "--stack", "prod")
    diff = json.loads(landfall("new", *words(kind), "--stack", "prod", "--json").out)["diff"]
    added = [line[1:] for line in diff.splitlines() if line.startswith("+")]
    lines = file.read_text(encoding="utf-8").splitlines()
    keys = {row.key.rpartition(".")[2] for row in reference()}
    waiting = [
        number
        for number, line in enumerate(lines)
        if line in added and line.lstrip().startswith("# ")
        if line.lstrip()[2:].partition(":")[0] in keys
    ]
    for number in waiting:
        used = [line.replace("# ", "", 1) if at == number else line for at, line in enumerate(lines)]
        file.write_text("\n".join(used) + "\n", encoding="utf-8")
        valid(file)
    if kind == "workflow":
        assert len(waiting) >= 3


def test_optional_keys_stay_with_the_block_that_they_belong_to(landfall: Landfall, tree: Path) -> None:
    file = tree / "Pulumi.dev.yaml"
    landfall("new", "workflow", "plain", "--stack", "dev")
    for more in (
        ("schedule", "plain"),
        ("trigger", "plain"),
        ("waiver", "late", "--set", "rule=log-retention"),
    ):
        before = file.read_text(encoding="utf-8")
        assert landfall("new", *more, "--stack", "dev").code == 0
        assert file.read_text(encoding="utf-8").startswith(before), more


@pytest.mark.parametrize("kind", JOB_MODELS)
@pytest.mark.parametrize("stage", [(), ("--stage", "2")], ids=["new stage", "stage 2"])
def test_every_kind_of_job_can_be_added(
    landfall: Landfall, tree: Path, kind: str, stage: tuple[str, ...]
) -> None:
    ended = landfall("new", *words("job"), "--stack", "dev", "--kind", kind, *stage)
    assert ended.code == 0, ended.err
    result = load_file(tree / "Pulumi.dev.yaml")
    assert result.config is not None and result.config.workflows is not None
    stages = result.config.workflows.definitions["blog_test_workflow"].workflow_stages
    assert len(stages) == (3 if stage else 4)
    job = stages[1 if stage else 3].jobs[-1]
    assert (job.kind, job.name) == (kind, "extra")


def test_a_new_stack_is_valid_and_short(landfall: Landfall, tree: Path) -> None:
    ended = landfall("new", "stack", "sales-prod")
    assert ended.code == 0
    assert "landfall:accounts.data.id is a placeholder" in ended.err
    file = tree / "Pulumi.sales-prod.yaml"
    valid(file)
    text = file.read_text(encoding="utf-8")
    assert "environment: prod" in text
    assert len(text.splitlines()) < 55
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    again = landfall("new", "stack", "sales-prod")
    assert again.code == 2
    assert "LF0106" in again.err and 'Did you mean "sales-prod-2"?' in again.err


def test_ranges_of_new_networks_are_free_in_all_stacks(landfall: Landfall, tree: Path) -> None:
    landfall("new", "stack", "staging")
    landfall("new", "network", "lab", "--stack", "dev")
    cidrs = [
        network.cidr
        for file in tree.glob("Pulumi.*.yaml")
        if (config := load_file(file).config) is not None
        for network in config.network.values()
    ]
    assert len(cidrs) == len(set(cidrs)) == 6


def test_values_can_be_given_and_taken_away(landfall: Landfall, tree: Path) -> None:
    ended = landfall(
        "new", "account", "lake", "-s", "dev", "--set", "id=305871460299", "--set", "description="
    )
    assert ended.code == 0
    assert "placeholder" not in ended.err
    config = load_file(tree / "Pulumi.dev.yaml").config
    assert config is not None
    assert (config.accounts["lake"].id, config.accounts["lake"].description) == ("305871460299", None)
    deep = landfall("new", "stack", "staging", "--set", "accounts.data.id=305871460298")
    assert "placeholder" not in deep.err
    assert '"305871460298"' in (tree / "Pulumi.staging.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("workflwo", "x"), 'Did you mean "workflow"?'),
        (("workflow", "x"), "name the stack with --stack"),
        (("workflow", "x", "-s", "dve"), 'unknown stack "dve"'),
        (("workflow", "blog_test_workflow", "-s", "dev"), "LF0106  landfall:workflows.definitions."),
        (("workflow", "blog_test_workflow", "-s", "dev"), 'Did you mean "blog_test_workflow_2"?'),
        (("workflow", "my flow", "-s", "dev"), 'LF0112  landfall:workflows.definitions.my flow'),
        (("workflow", "my flow", "-s", "dev"), 'Did you mean "my_flow"?'),
        (("network", "Lab", "-s", "dev"), 'Did you mean "lab"?'),
        (("network", "x" * 31, "-s", "dev"), "at most 30 characters"),
        (("network", "lab", "-s", "dev", "--set", "cidr=10.24.0.0/20"), "LF0105"),
        (("network", "lab", "-s", "dev", "--set", "cdir=x"), 'Did you mean "cidr"?'),
        (("network", "lab", "-s", "dev", "--set", "cidr"), "--set takes KEY=VALUE"),
        (("network", "lab", "-s", "dev", "--workflow", "x"), "for jobs only"),
        (("schedule", "blog_test_workflow", "-s", "prod"), "the schedule is already in line"),
        (("schedule", "blog_tset_workflow", "-s", "dev"), 'Did you mean "blog_test_workflow"?'),
        (("job", "x", "-s", "dev"), "name its workflow with --workflow"),
        (("job", "x", "-s", "dev", "--workflow", "y"), 'unknown workflow "y"'),
        (("job", "x", "-s", "dev", "--workflow", "blog_test_workflow", "--kind", "sqll"),
         'Did you mean "sql"?'),
        (("job", "x", "-s", "dev", "--workflow", "blog_test_workflow", "--stage", "9"), "has 3 stages"),
        (("job", "rsql_blog_script_1.sh", "-s", "dev", "--workflow", "blog_test_workflow"), "LF0106"),
        (("waiver", "x", "-s", "dev", "--set", "rule=log-retentoin"), 'Did you mean "log-retention"?'),
        (("waiver", "x", "-s", "dev", "--set", "rule="), "LF0111"),
        (("stack", "x", "-s", "dev"), "leave --stack out"),
        (("stack", "Dev"), 'Did you mean "dev"?'),
        (("stack", "x", "--set", "accounts.dta.id=1"), 'unknown key "accounts.dta.id"'),
    ],
)  # fmt: skip
def test_what_cannot_be_created_is_refused_and_nothing_is_written(
    landfall: Landfall, tree: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    before = {path.name: path.read_bytes() for path in tree.iterdir()}
    ended = landfall("new", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err
    assert {path.name: path.read_bytes() for path in tree.iterdir()} == before


def test_a_dry_run_shows_the_change_and_writes_nothing(landfall: Landfall, tree: Path) -> None:
    before = {path.name: path.read_bytes() for path in tree.iterdir()}
    ended = landfall("new", "workflow", "daily_orders", "--stack", "dev", "--dry-run")
    assert ended.code == 0
    assert "+      daily_orders:\n" in ended.out
    assert "nothing was written" in ended.err
    assert {path.name: path.read_bytes() for path in tree.iterdir()} == before


def test_a_stack_with_errors_is_not_touched(landfall: Landfall, tree: Path) -> None:
    file = tree / "Pulumi.dev.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("owner:", "ownr:"), encoding="utf-8")
    ended = landfall("new", "workflow", "daily_orders", "--stack", "dev")
    assert ended.code == 2
    assert "LF0101" in ended.err


def test_a_stack_without_workflows_cannot_get_one(landfall: Landfall, tree: Path) -> None:
    file = tree / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.index("  landfall:workflows:")], encoding="utf-8")
    ended = landfall("new", "workflow", "daily_orders", "--stack", "dev")
    assert ended.code == 2
    assert "has no landfall:workflows" in ended.err


def test_rights_and_links_of_the_file_stay(landfall: Landfall, tree: Path) -> None:
    file = tree / "Pulumi.dev.yaml"
    real = tree / "real.yaml"
    file.rename(real)
    real.chmod(0o640)
    file.symlink_to(real.name)
    assert landfall("new", "network", "lab", "--stack", "dev").code == 0
    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "lab:" in real.read_text(encoding="utf-8")


def test_a_file_that_was_changed_meanwhile_is_left_alone(tree: Path) -> None:
    file = tree / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8")
    with pytest.raises(CommandError, match="changed by somebody else"):
        new_file.write_checked(file, text + "# old\n", text, dry_run=False)
    assert file.read_text(encoding="utf-8") == text
    assert sorted(path.name for path in tree.glob(".*")) == []


def test_the_catalogue_lists_every_kind_with_command_example_and_page(landfall: Landfall) -> None:
    ended = landfall("catalog", "--json")
    listed = json.loads(ended.out)
    assert [kind["kind"] for kind in listed] == [kind.name for kind in KINDS]
    for kind in listed:
        assert kind["command"].startswith(f"landfall new {kind['kind']} ")
        assert kind["minimal"] and kind["what"]
        page, _, heading = kind["documentation"].partition("#")
        text = (ROOT / page).read_text(encoding="utf-8")
        anchors = {new_anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
        assert not heading or heading in anchors
    plain = landfall("catalog")
    assert all(kind.name in plain.out for kind in KINDS)


def new_anchor(heading: str) -> str:
    from landfall.config.explain import anchor

    return anchor(heading)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_the_catalogue_shows_keys_and_an_example_of_one_kind(landfall: Landfall, kind: str) -> None:
    document = json.loads(landfall("catalog", kind, "--json").out)
    assert document["example"] and document["keys"]
    assert all({"key", "type", "required", "default", "meaning"} == set(row) for row in document["keys"])
    shown = landfall("catalog", kind)
    assert shown.code == 0
    assert all(line.strip() in shown.out for line in document["example"].splitlines())


def test_an_unknown_kind_of_the_catalogue_is_refused(landfall: Landfall) -> None:
    ended = landfall("catalog", "netwrok")
    assert ended.code == 2
    assert 'Did you mean "network"?' in ended.err


def test_every_mapping_of_the_config_that_holds_things_can_be_created() -> None:
    mappings = {row.key.removeprefix("landfall:") for row in reference() if row.type == "mapping of mapping"}
    assert mappings == {".".join(map(str, kind.path[:-1])) for kind in KINDS if kind.keyed and kind.path
                        and kind.name != "job"}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("staging", "staging"),
        ("sales-prod", "prod"),
        ("dev-two", "dev"),
        ("lab", "dev"),
        ("sandbox", "sandbox"),
    ],
)
def test_a_stacks_name_says_its_environment(name: str, environment: str) -> None:
    assert environment_of(name) == environment
