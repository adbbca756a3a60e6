"""A change of a stack is ranked against git, against a file, and against what is deployed: real commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
from must_show import COPIED, FILES, ROOT, Tree, clean_environment

from landfall.risk import snapshot
from sandbox.engines.cli import ensure_cli
from sandbox.engines.pulumi_engine import PulumiEngine

pytestmark = pytest.mark.engine


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A clone in which somebody has edited the production stack, and not committed it yet."""
    folder = tmp_path_factory.mktemp("clone")
    for name in (*COPIED, "sandbox"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "as it was")
    tree = Tree(folder, clean_environment())
    tree.edit("stacks/Pulumi.prod.yaml", "log_retention_days: 400", "log_retention_days: 90")
    tree.edit(
        "stacks/Pulumi.prod.yaml",
        "availability_zones: [eu-west-1a, eu-west-1b, eu-west-1c]",
        "availability_zones: [eu-west-1a, eu-west-1b]",
    )
    tree.edit(
        "stacks/Pulumi.prod.yaml",
        "{retention_days: 400, replica_regions: [eu-west-1]}",
        "{retention_days: 400}",
    )
    return tree


def test_a_pull_request_is_ranked_against_the_branch_that_it_goes_to(changed: Tree) -> None:
    ended = changed.landfall("preview", "prod", "--against", "main", "--json", "-")
    assert ended.code == 0, ended.err
    document = ended.json
    risk, cost = document["risk"], document["cost"]
    assert risk["against"] == "main"
    lost = {(one["rule"], change["path"]) for one in risk["findings"] for change in one["properties"]}
    assert ("guard-removed", "retentionInDays") in lost
    assert ("guard-removed", "replicas") in lost
    severities = [one["severity"] for one in risk["findings"]]
    assert severities == sorted(severities, key=["critical", "high", "medium", "low"].index)
    assert 0 < risk["changes"]["update"] < 60
    assert cost["against"]["difference"] < -70  # ten endpoints in one Availability Zone fewer
    assert (changed.root / "stacks" / "Pulumi.prod.yaml").read_text().count("log_retention_days: 90") == 1


def test_the_real_engine_is_ranked_against_a_file_and_says_the_same(changed: Tree, tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    whole = Tree(ROOT, clean_environment())
    assert whole.landfall("preview", "dev", "--json", str(before)).code == 0
    arguments = ("preview", "dev", "--engine", "pulumi", "--against", str(before), "--json", str(after))
    ended = whole.landfall(*arguments, "--fail-on", "low")
    assert ended.code == 0, ended.err
    assert f"Against {before}: no change, nothing dangerous" in ended.out
    document = json.loads(after.read_text(encoding="utf-8"))
    assert (document["engine"], document["risk"]["findings"]) == ("pulumi", [])
    assert document["cost"]["monthly"] == json.loads(before.read_text(encoding="utf-8"))["cost"]["monthly"]


PROGRAM = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config("small")
data = aws.Provider("data", region="eu-central-1", allowed_account_ids=["111111111111"])
at = pulumi.ResourceOptions(provider=data)
aws.secretsmanager.Secret("password", name="s", region=config.require("region"), opts=at)
aws.rds.Instance("db", identifier="db", instance_class="db.t4g.micro", engine="postgres",
    publicly_accessible=config.get_bool("open"), skip_final_snapshot=True, opts=at)
aws.glue.CatalogDatabase("old", name="old", opts=at)
"""


def test_a_digest_and_a_state_of_the_real_engine_are_ranked(tmp_path: Path) -> None:
    """Types without a provisioner are only recorded, so that no cloud is needed to deploy them."""
    root = tmp_path / "project"
    (root / "stacks").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text("name: small\nruntime: python\nmain: .\nstackConfigDir: stacks\n")
    (root / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    settings = root / "stacks" / "Pulumi.dev.yaml"
    settings.write_text("config:\n  small:region: eu-central-1\n")
    engine = PulumiEngine(tmp_path / "state", root=root, cli=ensure_cli(lambda line: None))
    engine.up("dev", environment={})
    deployed = snapshot.read({"deployment": {"resources": engine.resources("dev")}})
    assert {item.name: (item.account, item.region) for item in deployed.resources.values()} == dict.fromkeys(
        ("db", "old", "password"), ("111111111111", "eu-central-1")
    )
    settings.write_text("config:\n  small:region: eu-west-1\n  small:open: true\n")
    made = subprocess.run(
        ["pulumi", "preview", "--json", "--show-sames", "--stack", "dev", "--non-interactive",
         "--config-file", str(engine.settings_copy("dev", tmp_path / "settings"))],
        cwd=root, env=engine.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    digest = tmp_path / "digest.json"
    digest.write_text(made.stdout[made.stdout.index("{") :])
    ended = Tree(ROOT, clean_environment()).landfall("preview", "dev", "--digest", str(digest), "--json", "-")
    assert ended.code == 0, ended.err
    found = {(one["rule"], one["component"]): one for one in ended.json["risk"]["findings"]}
    assert found["stateful-replaced", "password"]["properties"] == [
        {"path": "region", "old": "eu-central-1", "new": "eu-west-1"}
    ]
    assert found["public-database", "db"]["severity"] == "critical"
    assert found["public-database", "db"]["account"] == "111111111111"
    unchanged = [one["name"] for one in ended.json["resources"] if one["type"].startswith("aws:")]
    assert sorted(unchanged) == ["db", "old", "password"]
