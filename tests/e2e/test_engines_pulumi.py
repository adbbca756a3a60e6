"""The real CLI: its plan equals the embedded engine's, and a deployment lives through all its changes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.engines import embedded
from sandbox.engines.cli import ensure_cli
from sandbox.engines.compare import differences
from sandbox.engines.errors import DeploymentFailed, ProgramError
from sandbox.engines.guardrails import guardrails_for
from sandbox.engines.project import Project
from sandbox.engines.pulumi_engine import PulumiEngine
from sandbox.engines.wrappers import write_plugins
from sandbox.paths import REPOSITORY

pytestmark = pytest.mark.engine

FAKES = REPOSITORY / "tests" / "unit" / "engines"

PLANNED = """
import json
import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env

settings = pulumi.Config("small").require_object("settings")
data = aws.Provider("data", region="eu-central-1", allowed_account_ids=["111111111111"],
    assume_roles=[aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::111111111111:role/d", session_name="s")],
    default_tags=aws.ProviderDefaultTagsArgs(tags={"owner": "platform", "layer": "all"}))
ops = aws.Provider("ops", region="eu-west-1", allowed_account_ids=["222222222222"])


class Plane(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("small:plane:Plane", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.key = aws.kms.Key("key", description="k", enable_key_rotation=True, opts=child)
        self.table = aws.dynamodb.Table("table", name="t", hash_key="id", billing_mode="PAY_PER_REQUEST",
            attributes=[aws.dynamodb.TableAttributeArgs(name="id", type="S")],
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=self.key.arn),
            tags={"layer": "own"},
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True,
                aliases=[pulumi.Alias(name="old")], ignore_changes=["ttl"]))
        inner = pulumi.ComponentResource("small:part:Part", "part", None, child)
        aws.sns.Topic("topic", name="alerts", opts=pulumi.ResourceOptions(parent=inner, provider=ops))
        self.register_outputs({"table": self.table.arn})


plane = Plane("plane", pulumi.ResourceOptions(providers=[data]))
queue = aws.sqs.Queue("q", name="q", region="eu-west-1", visibility_timeout_seconds=30, delay_seconds=0,
    policy=pulumi.Output.json_dumps({"a": plane.table.arn}), tags=settings["tags"],
    opts=pulumi.ResourceOptions(provider=data, depends_on=[plane]))
secret = aws.ssm.Parameter("s", name="s", type="SecureString", value=pulumi.Output.secret("hush"),
    opts=pulumi.ResourceOptions(provider=data))
aws.lambda_.Function("f", name="f", role="arn:aws:iam::111111111111:role/x", handler="a.b",
    runtime="python3.13", environment={"variables": {"A": queue.arn, "B": secret.value}},
    code=pulumi.AssetArchive({"a.py": pulumi.StringAsset("x = 1"), "d": pulumi.FileArchive("stacks")}),
    opts=pulumi.ResourceOptions(provider=data))
aws.s3.BucketObjectv2("o", bucket="b", key="k", source=pulumi.FileAsset("Pulumi.yaml"),
    opts=pulumi.ResourceOptions(provider=data, protect=False))
pulumi.export("arn", queue.arn)
pulumi.export("nested", {"name": queue.name, "secret": secret.value, "tags": plane.table.tags_all})
pulumi.export("settings", settings)
pulumi.export("config", get_config_env() or dict(CONFIG.get()))
pulumi.log.warn("careful")
"""
SETTINGS = """
small:settings:
    flag: y
    off: no
    date: 2027-01-31
    moment: 2027-01-31T06:30:00Z
    number: 7
    float: 1.5
    whole: 1e3
    account: "111111111111"
    octal: 0o17
    time: 06:00
    empty:
    list: [1, "2", true, ~]
    tags: {b: "<&>", a: "ä"}
small:word: hello
count: 3
small:on: true
small:day: 2027-01-31
small:pi: 3.10
"""

DEPLOYED = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config("small")
data = aws.Provider("data", region="eu-central-1", allowed_account_ids=["111111111111"],
    default_tags=aws.ProviderDefaultTagsArgs(tags={"owner": config.get("owner") or "platform"}))
at = pulumi.ResourceOptions(provider=data)
topic = aws.sns.Topic("topic", name=config.get("topic") or "alerts", opts=at)
queue = aws.sqs.Queue("queue", name=config.get("queue") or "jobs", delay_seconds=config.get_int("delay") or 1,
    policy=pulumi.Output.json_dumps({"Resource": topic.arn}), opts=at)
generated = aws.sqs.Queue("generated", opts=pulumi.ResourceOptions(provider=data, depends_on=[queue]))
hidden = aws.sqs.Queue("hidden", name="hidden", policy=config.get_secret("policy") or
    pulumi.Output.secret("hush-hush"), opts=at)
aws.kms.Key("key", description="only recorded", opts=at)
pulumi.export("queue", queue.arn)
pulumi.export("hidden", hidden.policy)
"""


@dataclass
class Bench:
    """A project, an engine on it, and the fake cloud that its plugin uses."""

    root: Path
    cloud: Path
    engine: PulumiEngine
    environment: dict[str, str] = field(default_factory=dict)

    def configure(self, **values: str) -> None:
        lines = "".join(f"  small:{key}: {value}\n" for key, value in values.items())
        (self.root / "stacks" / "Pulumi.dev.yaml").write_text(f"config:\n{lines or '  small:x: y\n'}")

    def up(self, **options: Any) -> dict[str, int]:
        return dict(self.engine.up("dev", environment=self.environment, **options).changes)

    def made(self) -> list[str]:
        return sorted(path.stem for path in self.cloud.rglob("*.json"))


def write_project(root: Path, program: str, config: str = "small:x: y") -> None:
    (root / "stacks").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text(
        textwrap.dedent("""
            name: small
            runtime: {name: python}
            main: .
            stackConfigDir: stacks
            config:
              small:list: {type: array, items: {type: string}, default: [a, b]}
              pulumi:disable-default-providers: {value: [aws]}
        """)
    )
    (root / "__main__.py").write_text(program)
    (root / "stacks" / "Pulumi.dev.yaml").write_text(
        "config:\n" + textwrap.indent(config.strip(), "  ") + "\n"
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    root, cloud, plugins = tmp_path / "project", tmp_path / "cloud", tmp_path / "plugins"
    write_project(root, DEPLOYED)
    cloud.mkdir()
    plugins.mkdir()
    cli = ensure_cli(lambda line: None)
    own = write_plugins(language_host=cli.needs_language_host)
    if cli.needs_language_host:
        (plugins / "pulumi-language-python").symlink_to(own / "pulumi-language-python")
    (plugins / "pulumi").symlink_to(own / "pulumi")
    start = (
        f"import sys; sys.path[:0] = [{str(REPOSITORY)!r}, {str(FAKES)!r}]; "
        "from engines_fake_cloud import main; sys.exit(main())"
    )
    provider = plugins / "pulumi-resource-aws"
    provider.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(start)} "$@"\n')
    provider.chmod(0o755)
    engine = PulumiEngine(tmp_path / "state", root=root, cli=cli, plugins=plugins)
    return Bench(root, cloud, engine, {"FAKE_CLOUD": str(cloud)})


def tree_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def plugins_alive(folder: Path) -> list[str]:
    """Command lines of processes that were started for this test."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(entry.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def test_both_engines_plan_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [key for key in os.environ if key.startswith("AWS_")]:
        monkeypatch.delenv(name)
    write_project(tmp_path / "project", PLANNED, SETTINGS)
    before = tree_of(tmp_path / "project")
    real = PulumiEngine(tmp_path / "state", root=tmp_path / "project").preview("dev")
    ours = embedded.plan(tmp_path / "project", "dev")
    assert differences(ours, real) == []
    assert len(real.resources) == 12
    assert ours.outputs == real.outputs
    assert ours.diagnostics == real.diagnostics == ("careful",)
    assert "hush" not in real.dumps()
    assert tree_of(tmp_path / "project") == before


def test_the_comparison_sees_a_difference(tmp_path: Path) -> None:
    write_project(tmp_path / "a", PLANNED, SETTINGS)
    write_project(tmp_path / "b", PLANNED.replace("delay_seconds=0", "delay_seconds=1"), SETTINGS)
    found = differences(embedded.plan(tmp_path / "a", "dev"), embedded.plan(tmp_path / "b", "dev"))
    assert len(found) == 1
    assert "aws:sqs/queue:Queue::q: inputs.delaySeconds is 0" in found[0]


def test_a_stack_lives_through_create_update_replace_and_destroy(bench: Bench) -> None:
    before = tree_of(bench.root)
    assert bench.up()["create"] == 7
    assert bench.made() == ["queue-generated-1234567", "queue-hidden", "queue-jobs", "topic-alerts"]
    assert bench.engine.outputs("dev")["queue"] == "arn:aws:queue:eu-central-1:111111111111:jobs"
    assert [entry["name"] for entry in bench.engine.ledger.entries()] == ["key"]
    assert tree_of(bench.root) == before

    assert bench.up() == {"same": 7}

    bench.configure(delay="5")
    assert bench.up() == {"same": 6, "update": 1}

    bench.configure(delay="5", queue="work")
    changes = bench.up()
    assert changes["replace"] == 1
    assert bench.made() == ["queue-generated-1234567", "queue-hidden", "queue-work", "topic-alerts"]

    bench.configure(delay="5", queue="work", owner="somebody")
    assert bench.up()["update"] == 6  # four provisioned, one recorded, and the provider itself
    assert bench.up() == {"same": 7}

    bench.engine.destroy("dev", environment=bench.environment)
    assert bench.made() == []
    assert bench.engine.resources("dev") == []
    assert bench.engine.ledger.entries() == []
    assert wait_for(lambda: not plugins_alive(bench.cloud), 5)


def test_a_failing_call_says_what_the_service_said_and_a_rerun_goes_on(bench: Bench) -> None:
    (bench.cloud / "fail-jobs").touch()
    with pytest.raises(DeploymentFailed) as failed:
        bench.up()
    assert "CreateQueue: ServiceUnavailable: jobs cannot be served now" in str(failed.value)
    assert "Traceback" not in str(failed.value)
    assert bench.made() == ["queue-hidden", "topic-alerts"]

    (bench.cloud / "fail-jobs").unlink()
    changes = bench.up()
    assert changes["create"] == 2
    assert bench.made() == ["queue-generated-1234567", "queue-hidden", "queue-jobs", "topic-alerts"]

    (bench.cloud / "fail-jobs").touch()
    bench.configure(delay="9")
    with pytest.raises(DeploymentFailed, match="UpdateQueue: ServiceUnavailable"):
        bench.up()
    (bench.cloud / "fail-jobs").unlink()
    assert bench.up() == {"same": 6, "update": 1}
    assert bench.up() == {"same": 7}


def test_secrets_are_secret_in_the_state(bench: Bench) -> None:
    bench.up()
    state = b"".join(path.read_bytes() for path in (bench.engine._state_dir / "pulumi").rglob("*.json*"))
    assert b"hidden" in state
    assert b"hush-hush" not in state
    assert bench.engine.outputs("dev")["hidden"] == "[secret]"


def test_events_come_while_the_deployment_runs(bench: Bench) -> None:
    (bench.cloud / "slow-jobs").write_text("4")
    seen: list[tuple[float, str]] = []

    def note(event: dict[str, Any]) -> None:
        if "resOutputsEvent" in event:
            seen.append((time.monotonic(), event["resOutputsEvent"]["metadata"]["urn"].rpartition("::")[2]))

    bench.up(on_event=note)
    ended = time.monotonic()
    moments = {name: moment for moment, name in seen}
    assert ended - moments["topic"] > 1
    assert {"topic", "queue", "generated", "hidden", "key"} <= set(moments)


def test_ctrl_c_ends_everything_and_keeps_what_was_made(bench: Bench) -> None:
    (bench.cloud / "slow-jobs").write_text("3")
    script = textwrap.dedent(f"""
        from pathlib import Path
        from sandbox.engines.pulumi_engine import PulumiEngine
        engine = PulumiEngine(Path({str(bench.engine._state_dir)!r}), root=Path({str(bench.root)!r}),
                              plugins=Path({bench.engine.path_entries()[0]!r}))
        try:
            engine.up("dev", environment={bench.environment!r})
        except KeyboardInterrupt:
            raise SystemExit(130)
    """)
    child = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, start_new_session=True)
    assert wait_for(lambda: "topic-alerts" in bench.made(), 60)
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 130
    assert wait_for(lambda: not plugins_alive(bench.cloud), 5)
    (bench.cloud / "slow-jobs").unlink()
    bench.up()
    assert bench.made() == ["queue-generated-1234567", "queue-hidden", "queue-jobs", "topic-alerts"]
    assert bench.up() == {"same": 7}


def test_pulumi_works_by_hand_in_a_prepared_shell(bench: Bench) -> None:
    before = tree_of(bench.root)
    shell = bench.engine.exports(bench.environment) + textwrap.dedent("""
        set -e
        pulumi preview -s dev --non-interactive
        pulumi up -s dev --yes --skip-preview --non-interactive
        pulumi destroy -s dev --yes --skip-preview --non-interactive
    """)
    done = subprocess.run(["sh", "-c", shell], cwd=bench.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 to create" in done.stdout
    assert "7 created" in done.stdout
    assert "7 deleted" in done.stdout
    assert tree_of(bench.root) == before


def test_a_policy_pack_judges_previews_and_deployments(bench: Bench, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
    (pack / "__main__.py").write_text(
        textwrap.dedent("""
            from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

            def validate(args, report):
                if args.resource_type == "aws:sqs/queue:Queue" and args.props.get("delaySeconds") == 5:
                    report("five is too slow")

            PolicyPack("small-pack", policies=[ResourceValidationPolicy(
                name="quick-queues", description="Queues are quick.", validate=validate,
                enforcement_level=EnforcementLevel.MANDATORY)])
        """)
    )
    assert bench.engine.preview("dev", pack).violations == ()
    bench.configure(delay="5")
    (violation,) = bench.engine.preview("dev", pack).violations
    assert (violation.policy, violation.level) == ("quick-queues", "mandatory")
    assert violation.urn == "urn:pulumi:dev::small::aws:sqs/queue:Queue::queue"
    assert "five is too slow" in violation.message
    with pytest.raises(DeploymentFailed, match=r"quick-queues: .*five is too slow"):
        bench.up(policy_pack=pack)
    assert "queue-jobs" not in bench.made()
    assert wait_for(lambda: not plugins_alive(bench.cloud), 5)


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("import pulumi\nraise pulumi.RunError('the config is wrong')\n", "^the config is wrong$"),
        ("\nwrong = 1 / 0\n", r"^__main__.py:2: ZeroDivisionError: division by zero$"),
        ("raise SystemExit('two mistakes')\n", "^two mistakes$"),
        ('import pulumi_aws as aws\naws.sqs.Queue("q")\n', "Default provider for 'aws' disabled"),
    ],
)
def test_a_failing_program_is_one_sentence_here_too(tmp_path: Path, program: str, sentence: str) -> None:
    write_project(tmp_path / "project", program)
    with pytest.raises(ProgramError, match=sentence):
        PulumiEngine(tmp_path / "state", root=tmp_path / "project").preview("dev")


def test_a_refused_provider_is_refused_by_the_plugin(tmp_path: Path) -> None:
    program = 'import pulumi_aws as aws\naws.Provider("p", region="eu-central-1")\n'
    write_project(tmp_path / "project", program)
    with pytest.raises(ProgramError, match="must allow exactly one account id, this one allows: none"):
        PulumiEngine(tmp_path / "state", root=tmp_path / "project").preview("dev")


def test_the_cli_is_found_at_once_the_second_time() -> None:
    ensure_cli(lambda line: None)
    said: list[str] = []
    ensure_cli(said.append)
    assert said == []


if (REPOSITORY / "__main__.py").exists():

    @pytest.mark.parametrize("stack", Project.load(REPOSITORY).stacks())
    def test_both_engines_agree_on_every_shipped_stack(stack: str, tmp_path: Path) -> None:
        project = Project.load(REPOSITORY)
        before = project.stack_file(stack).read_bytes()
        judge = guardrails_for(project, stack, date.today())
        ours = embedded.plan(REPOSITORY, stack, guardrails=judge)
        real = PulumiEngine(tmp_path / "state").preview(stack, REPOSITORY / "policy_packs" / "guardrails")
        assert differences(ours, real) == []
        assert len(ours.resources) > 10
        said = [{(item.policy, item.urn, item.level) for item in plan.violations} for plan in (ours, real)]
        assert said[0] == said[1]
        assert project.stack_file(stack).read_bytes() == before
