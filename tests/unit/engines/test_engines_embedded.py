"""The embedded engine: URNs, unknowns, configuration, refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from sandbox.engines import embedded
from sandbox.engines.errors import EngineError, ProgramError
from sandbox.engines.plan import Plan, PlannedResource, Violation
from sandbox.engines.project import Project
from sandbox.paths import REPOSITORY

PROVIDER = """
import json
import pulumi
import pulumi_aws as aws

data = aws.Provider("data", region="eu-central-1", allowed_account_ids=["111111111111"],
                    default_tags={"tags": {"owner": "platform", "layer": "all"}})
at = pulumi.ResourceOptions(provider=data)
"""
STACK = "urn:pulumi:dev::small::pulumi:pulumi:Stack::small-dev"


def write_project(root: Path, program: str, config: str = "{}", **stacks: str) -> Path:
    """A project with one program and one stack `dev`."""
    root.mkdir(exist_ok=True)
    (root / "stacks").mkdir(exist_ok=True)
    (root / "Pulumi.yaml").write_text(
        textwrap.dedent("""
            name: small
            runtime: python
            main: .
            stackConfigDir: stacks
            config:
              small:list: {type: array, items: {type: string}, default: [a, b]}
              pulumi:disable-default-providers: {value: [aws]}
        """)
    )
    (root / "__main__.py").write_text(program)
    (root / "stacks" / "Pulumi.dev.yaml").write_text(f"config: {config}\n")
    return root


def plan_of(root: Path, program: str, config: str = "{}") -> Plan:
    return embedded.plan(write_project(root, program, config), "dev")


def by_name(plan: Plan) -> dict[str, PlannedResource]:
    return {resource.name: resource for resource in plan.resources}


def test_urns_nest_the_types_of_components_but_not_the_stack(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        PROVIDER
        + textwrap.dedent("""
            class Plane(pulumi.ComponentResource):
                def __init__(self, name, opts=None):
                    super().__init__("small:plane:Plane", name, None, opts)
                    inner = pulumi.ComponentResource("small:part:Part", "part", None,
                                                     pulumi.ResourceOptions(parent=self))
                    self.queue = aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(parent=inner))
                    self.register_outputs({})
            Plane("plane", pulumi.ResourceOptions(providers=[data]))
        """),
    )
    queue = by_name(plan)["queue"]
    assert queue.urn == "urn:pulumi:dev::small::small:plane:Plane$small:part:Part$aws:sqs/queue:Queue::queue"
    assert queue.parent == "urn:pulumi:dev::small::small:plane:Plane$small:part:Part::part"
    assert by_name(plan)["plane"].parent == STACK
    assert by_name(plan)["small-dev"].parent is None
    assert queue.provider == "urn:pulumi:dev::small::pulumi:providers:aws::data"


def test_what_only_the_provider_knows_stays_unknown(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        PROVIDER
        + textwrap.dedent("""
            first = aws.sqs.Queue("first", name="one", tags={"layer": "own"}, opts=at)
            aws.sns.Topic("second", name=first.name, display_name=first.arn,
                          policy=pulumi.Output.json_dumps({"a": [first.arn]}), opts=at)
            pulumi.export("id", first.id)
            pulumi.export("name", first.name)
            pulumi.export("tags", first.tags_all)
        """),
    )
    assert dict(by_name(plan)["second"].inputs) == {
        "displayName": "<unknown>",
        "name": "one",
        "policy": "<unknown>",
    }
    assert by_name(plan)["second"].dependencies == (by_name(plan)["first"].urn,)
    assert set(by_name(plan)["second"].property_dependencies) == {"displayName", "name", "policy"}
    assert dict(plan.outputs) == {
        "id": "<unknown>",
        "name": "one",
        "tags": {"layer": "own", "owner": "platform"},
    }


def test_account_and_region_come_from_the_provider_and_the_resource(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        PROVIDER + 'aws.sqs.Queue("home", opts=at)\naws.sqs.Queue("away", region="eu-west-1", opts=at)\n',
    )
    assert (by_name(plan)["home"].account, by_name(plan)["home"].region) == ("111111111111", "eu-central-1")
    assert by_name(plan)["away"].region == "eu-west-1"
    assert plan.accounts == ["111111111111"]
    assert plan.regions == ["eu-central-1", "eu-west-1"]


def test_options_are_recorded_and_protect_is_inherited(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        PROVIDER
        + textwrap.dedent("""
            group = pulumi.ComponentResource("small:part:Part", "group", None,
                                             pulumi.ResourceOptions(protect=True, providers=[data]))
            aws.sqs.Queue("kept", opts=pulumi.ResourceOptions(parent=group, retain_on_delete=True,
                import_="https://example/q", ignore_changes=["policy"], aliases=[pulumi.Alias(name="old")]))
        """),
    )
    kept = by_name(plan)["kept"]
    assert kept.protect
    assert kept.retain_on_delete
    assert kept.import_id == "https://example/q"
    assert kept.ignore_changes == ("policy",)
    assert [alias["name"] for alias in kept.aliases if isinstance(alias, dict)] == ["old"]


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        PROVIDER
        + textwrap.dedent("""
            aws.ssm.Parameter("secret", type="SecureString", value=pulumi.Output.secret("hush"), opts=at)
            pulumi.export("secret", pulumi.Output.secret({"password": "hush"}))
        """),
    )
    assert by_name(plan)["secret"].inputs["value"] == "<secret>"
    assert plan.outputs["secret"] == "<secret>"
    assert "hush" not in plan.dumps()


def test_assets_are_shown_by_their_content(tmp_path: Path) -> None:
    program = PROVIDER + textwrap.dedent("""
        code = pulumi.AssetArchive({"a.py": pulumi.StringAsset("x = 1"), "lib": pulumi.FileArchive("lib")})
        aws.lambda_.Function("f", role="arn:aws:iam::111111111111:role/x", code=code, opts=at)
    """)

    def shown(root: Path, text: str) -> Any:
        (root / "lib").mkdir(parents=True)
        (root / "lib" / "b.py").write_text(text)
        return by_name(plan_of(root, program))["f"].inputs["code"]

    first = shown(tmp_path / "one", "y = 1")
    assert first["archive"].startswith("sha256:")
    assert shown(tmp_path / "two", "y = 1") == first
    assert shown(tmp_path / "three", "y = 2") != first


def test_configuration_reaches_the_program_as_strings_and_json(tmp_path: Path) -> None:
    program = (
        "import pulumi\nfrom pulumi.runtime.config import CONFIG\npulumi.export('all', dict(CONFIG.get()))"
    )
    config = '{small:word: hello, count: 3, small:on: true, small:object: {b: 1, a: [x, 2, ~], "yes": y}}'
    outputs = plan_of(tmp_path, program, config).outputs
    assert outputs["all"] == {
        "pulumi:disable-default-providers": '["aws"]',
        "small:count": "3",
        "small:list": '["a","b"]',
        "small:object": '{"a":["x",2,null],"b":1,"yes":"y"}',
        "small:on": "true",
        "small:word": "hello",
    }


def test_an_encrypted_value_is_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import pulumi
        from pulumi.runtime.config import is_config_secret
        pulumi.export("secret", is_config_secret("small:password"))
        pulumi.export("value", pulumi.Config().require("password"))
    """)
    outputs = plan_of(tmp_path, program, '{small:password: {secure: "v1:abc"}}').outputs
    assert outputs == {"secret": True, "value": "<secret>"}


def test_a_default_provider_that_is_switched_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r'aws:sqs/queue:Queue "q" must use an explicit provider'):
        plan_of(tmp_path, 'import pulumi_aws as aws\naws.sqs.Queue("q")\n')


def test_two_resources_of_one_urn_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="two resources have the URN"):
        plan_of(tmp_path, PROVIDER + 'aws.sqs.Queue("q", opts=at)\naws.sqs.Queue("q", opts=at)\n')


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ('region="eu-central-1"', "exactly one account id, this one allows: none"),
        (
            'region="eu-central-1", allowed_account_ids=["111111111111", "222222222222"]',
            "exactly one account id, this one allows: 111111111111, 222222222222",
        ),
        ('allowed_account_ids=["111111111111"]', "must name its Region"),
        (
            'region="eu-central-1", allowed_account_ids=["111111111111"], '
            'assume_roles=[{"role_arn": "arn:aws:iam::111111111111:role/x"}]',
            'no property "role_arn"; use ProviderAssumeRoleArgs',
        ),
        (
            'region="eu-central-1", allowed_account_ids=["111111111111"], '
            'assume_roles=[aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::222222222222:role/x")]',
            "is not in the allowed account 111111111111",
        ),
    ],
)
def test_a_provider_stands_for_one_account(tmp_path: Path, arguments: str, sentence: str) -> None:
    with pytest.raises(ProgramError, match=sentence):
        plan_of(tmp_path, f'import pulumi_aws as aws\naws.Provider("p", {arguments})\n')


def test_inputs_that_no_typed_class_would_take_are_refused(tmp_path: Path) -> None:
    untyped = 'pulumi.CustomResource("aws:sqs/queue:Queue", "q", {"nmae": "x"}, at)\n'
    with pytest.raises(ProgramError, match='aws:sqs/queue:Queue has no input "nmae"'):
        plan_of(tmp_path, PROVIDER + untyped)
    missing = 'pulumi.CustomResource("aws:lambda/function:Function", "f", {}, at)\n'
    with pytest.raises(ProgramError, match='aws:lambda/function:Function needs the input "role"'):
        plan_of(tmp_path, PROVIDER + missing)


def test_a_data_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="aws:index/getCallerIdentity:getCallerIdentity"):
        plan_of(tmp_path, PROVIDER + "aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=data))\n")


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("import pulumi\nraise pulumi.RunError('the config is wrong')\n", "^the config is wrong$"),
        ("\n\nwrong = 1 / 0\n", r"^__main__.py:3: ZeroDivisionError: division by zero$"),
        ("raise SystemExit('two mistakes')\n", "^two mistakes$"),
        ("import sys, pulumi\npulumi.log.error('said before')\nsys.exit(2)\n", "^said before$"),
    ],
)
def test_a_failing_program_is_one_sentence(tmp_path: Path, program: str, sentence: str) -> None:
    with pytest.raises(ProgramError, match=sentence):
        plan_of(tmp_path, program)


def test_a_failure_inside_an_apply_fails_the_plan(tmp_path: Path) -> None:
    program = (
        PROVIDER + 'q = aws.sqs.Queue("q", name="n", opts=at)\nq.name.apply(lambda name: name.nothing)\n'
    )
    with pytest.raises(ProgramError, match="AttributeError"):
        plan_of(tmp_path, program)


def test_an_unknown_stack_names_the_known_ones(tmp_path: Path) -> None:
    write_project(tmp_path, "")
    with pytest.raises(EngineError, match=r'there is no stack "prod" in stacks/; stacks: dev'):
        embedded.plan(tmp_path, "prod")


def test_broken_yaml_is_reported_with_its_place(tmp_path: Path) -> None:
    write_project(tmp_path, "", "{a: [}")
    with pytest.raises(EngineError, match=r"Pulumi\.dev\.yaml:1:\d+ is not valid YAML"):
        embedded.plan(tmp_path, "dev")


def test_guardrails_judge_the_plan(tmp_path: Path) -> None:
    def judge(resources: Any) -> list[Violation]:
        return [
            Violation(policy="no-queues", level="mandatory", message="no", urn=resource.urn)
            for resource in resources
            if resource.type == "aws:sqs/queue:Queue"
        ]

    write_project(tmp_path, PROVIDER + 'aws.sqs.Queue("q", opts=at)\n')
    plan = embedded.plan(tmp_path, "dev", guardrails=judge)
    assert [violation.urn for violation in plan.violations] == [by_name(plan)["q"].urn]
    assert plan.to_json()["violations"] == [plan.violations[0].to_json()]


def test_the_plan_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    program = (
        PROVIDER + "for n in range(40):\n    aws.sqs.Queue(f'q{n}', tags={'b': '1', 'a': '2'}, opts=at)\n"
    )
    documents = []
    for _ in range(3):
        document = plan_of(tmp_path, program).to_json()
        document["summary"]["seconds"] = {}  # type: ignore[index,call-overload]
        documents.append(json.dumps(document))
    assert documents[0] == documents[1] == documents[2]
    assert json.loads(documents[0])["summary"]["resources"] == 42


def test_programs_do_not_see_each_other(tmp_path: Path) -> None:
    before = (Path.cwd(), list(sys.path), os.environ.get("PULUMI_ERROR_OUTPUT_STRING"))
    names = []
    for word in ("one", "two"):
        root = write_project(tmp_path / word, "import pulumi, helper\npulumi.export('word', helper.WORD)\n")
        (root / "helper.py").write_text(f"WORD = {word!r}\n")
        names.append(embedded.plan(root, "dev").outputs["word"])
    assert names == ["one", "two"]
    assert (Path.cwd(), list(sys.path), os.environ.get("PULUMI_ERROR_OUTPUT_STRING")) == before


def test_warnings_of_the_program_are_kept(tmp_path: Path) -> None:
    assert plan_of(tmp_path, "import pulumi\npulumi.log.warn('careful')\n").diagnostics == ("careful",)


@pytest.mark.parametrize(
    ("program", "stack", "code", "said"),
    [
        ("import pulumi\npulumi.export('a', 1)\n", "dev", 0, ""),
        ("import pulumi\nraise pulumi.RunError('no')\n", "dev", 1, "error: no\n"),
        ("", "nowhere", 3, "error: there is no stack"),
    ],
)
def test_as_a_program_it_prints_the_plan_or_one_line(
    tmp_path: Path, program: str, stack: str, code: int, said: str
) -> None:
    write_project(tmp_path, program)
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.engines.embedded", stack, "--root", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))},
    )
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr
    if code == 0:
        assert json.loads(done.stdout)["outputs"] == {"a": 1}


def test_the_projects_keys_have_the_projects_namespace(tmp_path: Path) -> None:
    project = Project.load(write_project(tmp_path, "", "{bare: x, other:key: z}"))
    assert project.config("dev").values["small:bare"] == "x"
    assert project.config("dev").values["other:key"] == "z"
    assert project.config("dev").disabled_providers == {"aws"}
