from __future__ import annotations

import json
from typing import Any

import pytest

from ..plans import SECRET, UNKNOWN, messages, resource

RULE = "no-secrets-in-environment"
FUNCTION = "aws:lambda/function:Function"
TASKS = "aws:ecs/taskDefinition:TaskDefinition"
BATCH = "aws:batch/jobDefinition:JobDefinition"
BUILD = "aws:codebuild/project:Project"
GLUE = "aws:glue/job:Job"


def function(**variables: Any) -> dict[str, Any]:
    return resource(FUNCTION, {"environment": {"variables": variables}})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TABLE", "landfall-prod-jobs"),
        ("TABLE", UNKNOWN),
        ("WAREHOUSE_SECRET_ID", "landfall/prod/warehouse"),
        ("WAREHOUSE_SECRET_ARN", UNKNOWN),
        ("WAREHOUSE_SECRET", "arn:aws:secretsmanager:eu-central-1:111111111111:secret:w"),
        ("TOKEN_TTL", "60"),
        ("PASSWORD", ""),
        ("ENDPOINT", "https://example.com:443/path"),
    ],
)
def test_passes_settings_and_references(name: str, value: str) -> None:
    assert messages(RULE, function(**{name: value})) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PGPASSWORD", "hunter2", "PGPASSWORD is named like a secret"),
        ("API_KEY", UNKNOWN, "API_KEY is named like a secret and is not known before the update"),
        ("AWS_ACCESS_KEY_ID", "x", "AWS_ACCESS_KEY_ID is named like a secret"),
        ("MODE", "AKIAIOSFODNN7EXAMPLE", "MODE holds an AWS access key"),
        ("DSN", "host=db password=hunter2", "DSN holds a password"),
        ("DSN", '{"password": "hunter2"}', "DSN holds a password"),
        ("URL", "postgresql://etl:hunter2@db/dev", "URL holds a connection string with a password"),
        ("PEM", "-----BEGIN RSA PRIVATE KEY-----", "PEM holds a private key"),
        ("GIT", "ghp_0123456789abcdef", "GIT holds an access token"),
        ("ARGS", "PGPASSWORD=hunter2", "ARGS holds a password"),
        ("MODE", SECRET, "MODE holds a value that Pulumi keeps secret"),
        ("SECRET_ARN", SECRET, "SECRET_ARN holds a value that Pulumi keeps secret"),
    ],
)
def test_reports_secrets_by_name_and_by_value(name: str, value: str, said: str) -> None:
    assert messages(RULE, function(**{name: value})) == [f"environment variable {said}"]


def test_never_repeats_the_value() -> None:
    assert "hunter2" not in " ".join(messages(RULE, function(PASSWORD="hunter2", DSN="password=hunter2")))


def test_reports_variables_that_are_unknown_as_a_whole() -> None:
    (said,) = messages(RULE, resource(FUNCTION, {"environment": UNKNOWN}))
    assert said.startswith("the environment variables are not known before the update")


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (
            TASKS,
            {"containerDefinitions": json.dumps([{"environment": [{"name": "PASSWORD", "value": "x"}]}])},
        ),
        (BATCH, {"containerProperties": json.dumps({"environment": [{"name": "PASSWORD", "value": "x"}]})}),
        (BUILD, {"environment": {"environmentVariables": [{"name": "PASSWORD", "value": "x"}]}}),
        (GLUE, {"defaultArguments": {"--password": "x"}}),
        (GLUE, {"nonOverridableArguments": {"--password": "x"}}),
    ],
)
def test_looks_at_every_kind_of_job(kind: str, inputs: dict[str, Any]) -> None:
    (said,) = messages(RULE, resource(kind, inputs))
    assert said.lower().endswith("password is named like a secret")


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (TASKS, {"containerDefinitions": UNKNOWN}),
        (BATCH, {"containerProperties": "{"}),
        (BUILD, {"environment": {"environmentVariables": UNKNOWN}}),
        (GLUE, {"defaultArguments": UNKNOWN}),
    ],
)
def test_reports_what_cannot_be_read(kind: str, inputs: dict[str, Any]) -> None:
    assert len(messages(RULE, resource(kind, inputs))) == 1


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (TASKS, {}),
        (BATCH, {"containerProperties": json.dumps({"image": "x"})}),
        (
            BUILD,
            {
                "environment": {
                    "environmentVariables": [
                        {"name": "PASSWORD", "value": "landfall/pypi", "type": "SECRETS_MANAGER"}
                    ]
                }
            },
        ),
        (GLUE, {"defaultArguments": {"--table": UNKNOWN}}),
        ("aws:sqs/queue:Queue", {"environment": {"variables": {"PASSWORD": "x"}}}),
    ],
)
def test_passes_jobs_without_secrets(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []
