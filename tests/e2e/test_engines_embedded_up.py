"""The embedded engine deploys as the real one does: make, change, replace, take away, go on after failure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "engines"))

from engines_fake_cloud import provisioners

from sandbox.engines.embedded_up import EmbeddedEngine
from sandbox.engines.errors import DeploymentFailed
from sandbox.engines.plan import Violation
from sandbox.engines.pulumi_engine import Deployment

PROGRAM = """
import pulumi, pulumi_aws as aws
settings = pulumi.Config("small")
data = aws.Provider("data", region="eu-central-1", allowed_account_ids=["111111111111"])
options = pulumi.ResourceOptions(provider=data)
topic = aws.sns.Topic("news", name=settings.require("topic"), opts=options)
if settings.get_bool("queue"):
    queue = aws.sqs.Queue("jobs", name="jobs", tags={"of": topic.arn}, opts=options)
    pulumi.export("queue", queue.arn)
pulumi.export("topic", topic.arn)
"""


class Bench:
    """A project and its fake cloud."""

    def __init__(self, folder: Path) -> None:
        self.root, self.cloud = folder / "project", folder / "cloud"
        (self.root / "stacks").mkdir(parents=True)
        self.cloud.mkdir()
        (self.root / "Pulumi.yaml").write_text(
            "name: small\nruntime: python\nmain: .\nstackConfigDir: stacks\n"
        )
        (self.root / "__main__.py").write_text(PROGRAM)
        self.engine = EmbeddedEngine(folder / "state", root=self.root, provisioners=provisioners(self.cloud))

    def up(self, topic: str = "news", queue: bool = True, **options: object) -> Deployment:
        config = f"config:\n  small:topic: {topic}\n  small:queue: {str(queue).lower()}\n"
        (self.root / "stacks" / "Pulumi.dev.yaml").write_text(config)
        return self.engine.up("dev", environment={}, **options)  # type: ignore[arg-type]

    def made(self) -> list[str]:
        return sorted(path.stem for path in self.cloud.rglob("*.json"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_first_deployment_makes_everything_and_knows_its_outputs(bench: Bench) -> None:
    deployment = bench.up()
    assert deployment.changes == {"create": 2}
    assert bench.made() == ["queue-jobs", "topic-news"]
    assert deployment.outputs["topic"].endswith(":news")


def test_a_second_deployment_changes_nothing(bench: Bench) -> None:
    bench.up()
    assert bench.up().changes == {"same": 2}


def test_a_new_name_replaces_and_what_depends_on_it_is_updated(bench: Bench) -> None:
    bench.up()
    assert bench.up(topic="gazette").changes == {"replace": 1, "update": 1}
    assert bench.made() == ["queue-jobs", "topic-gazette"]


def test_values_take_the_place_of_the_stack_files(bench: Bench) -> None:
    assert bench.up(values={"small:topic": "gazette"}).changes == {"create": 2}
    assert bench.made() == ["queue-jobs", "topic-gazette"]


def test_what_left_the_program_is_taken_away(bench: Bench) -> None:
    bench.up()
    assert bench.up(queue=False).changes == {"same": 1, "delete": 1}
    assert bench.made() == ["topic-news"]


def test_a_failed_call_fails_with_the_services_words_and_a_rerun_goes_on(bench: Bench) -> None:
    (bench.cloud / "fail-jobs").touch()
    with pytest.raises(DeploymentFailed, match="jobs cannot be served now"):
        bench.up()
    assert bench.made() == ["topic-news"]
    (bench.cloud / "fail-jobs").unlink()
    assert bench.up().changes == {"create": 1, "same": 1}


def test_a_guardrail_refuses_before_anything_is_made(bench: Bench) -> None:
    violation = Violation(policy="no-topics", level="mandatory", message="topics are not wanted")
    with pytest.raises(DeploymentFailed, match="no-topics: topics are not wanted"):
        bench.up(guardrails=lambda resources: [violation])
    assert bench.made() == []


def test_destroy_leaves_nothing(bench: Bench) -> None:
    bench.up()
    assert bench.engine.destroy("dev", environment={}).changes == {"delete": 2}
    assert bench.made() == []
    assert bench.engine.destroy("dev", environment={}).changes == {}
