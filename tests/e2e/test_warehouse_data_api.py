"""The Redshift Data API of the sandbox, through boto3 and through a state machine."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.launcher import Sandbox

pytestmark = pytest.mark.emulator

Aws = Callable[..., Any]
ENDED = ("FINISHED", "FAILED", "ABORTED")
TARGET = {"WorkgroupName": "etl", "Database": "dev", "SecretArn": "landfall/sandbox/warehouse"}


@pytest.fixture
def api(aws: Aws) -> Any:
    return aws("redshift-data")


@pytest.fixture
def schema(api: Any) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:10]}"
    run(api, f"create schema {name}")
    yield name
    run(api, f"drop schema {name} cascade")


def wait(api: Any, identifier: str, seconds: float = 30.0) -> dict[str, Any]:
    """The statement once it has ended."""
    deadline = time.monotonic() + seconds
    while (found := api.describe_statement(Id=identifier))["Status"] not in ENDED:
        assert time.monotonic() < deadline, f"{identifier} is still {found['Status']}"
        time.sleep(0.02)
    return dict(found)


def start(api: Any, sql: str, **more: Any) -> str:
    return str(api.execute_statement(Sql=sql, **{**TARGET, **more})["Id"])


def run(api: Any, sql: str, **more: Any) -> dict[str, Any]:
    """Run a statement that must succeed."""
    found = wait(api, start(api, sql, **more))
    assert found["Status"] == "FINISHED", found.get("Error")
    return found


def records(api: Any, sql: str, **more: Any) -> list[list[Any]]:
    """Rows of a query, one Python value a field."""
    page = api.get_statement_result(Id=run(api, sql, **more)["Id"])
    return [
        [None if field.get("isNull") else next(iter(field.values())) for field in row]
        for row in page["Records"]
    ]


def refused(call: Callable[..., Any], **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return dict(error.value.response)


def test_fields_are_typed_and_columns_described(api: Any) -> None:
    done = run(
        api,
        "select 1::bigint i, 1.5::float8 f, true b, 2.50::numeric(5,2) n, 'é' s, null::int z, "
        "date '2020-01-31' d",
    )
    page = api.get_statement_result(Id=done["Id"])

    assert page["Records"] == [[
        {"longValue": 1}, {"doubleValue": 1.5}, {"booleanValue": True}, {"stringValue": "2.50"},
        {"stringValue": "é"}, {"isNull": True}, {"stringValue": "2020-01-31"},
    ]]  # fmt: skip
    columns = page["ColumnMetadata"]
    assert [c["label"] for c in columns] == ["i", "f", "b", "n", "s", "z", "d"]
    assert [c["typeName"] for c in columns] == [
        "int8",
        "float8",
        "bool",
        "numeric",
        "varchar",
        "int4",
        "date",
    ]
    assert (columns[3]["precision"], columns[3]["scale"]) == (5, 2)
    assert page["TotalNumRows"] == 1


def test_a_description_says_what_happened(api: Any, schema: str) -> None:
    made = run(api, f"create table {schema}.t (a int identity(1,1) distkey, b varchar(max)) sortkey (a)")
    filled = run(api, f"insert into {schema}.t (b) values ('x'), ('y')", StatementName="fill")
    read = run(api, f"select * from {schema}.t")

    assert (made["HasResultSet"], made["ResultRows"]) == (False, 0)
    assert (filled["HasResultSet"], filled["ResultRows"]) == (False, 2)
    assert (read["HasResultSet"], read["ResultRows"], read["ResultSize"]) == (True, 2, 4)
    assert read["Duration"] > 100_000  # nanoseconds
    assert read["RedshiftPid"] > 0
    assert read["QueryString"] == f"select * from {schema}.t"
    assert (read["WorkgroupName"], read["Database"]) == ("etl", "dev")


def test_an_error_of_the_database_is_the_statements(api: Any) -> None:
    failed = wait(api, start(api, "select * from nowhere"))

    assert (failed["Status"], failed["Error"]) == ("FAILED", 'ERROR: relation "nowhere" does not exist')
    assert failed["ResultRows"] == -1
    response = refused(api.get_statement_result, Id=failed["Id"])
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    assert response["ResourceId"] == failed["Id"]


def test_the_api_answers_before_the_statement_ends(api: Any) -> None:
    identifier = start(api, "select pg_sleep(600)")

    assert api.describe_statement(Id=identifier)["Status"] in ("SUBMITTED", "PICKED", "STARTED")
    assert api.cancel_statement(Id=identifier)["Status"] is True
    assert wait(api, identifier)["Status"] == "ABORTED"


def test_a_batch_is_one_transaction(api: Any, schema: str) -> None:
    run(api, f"create table {schema}.t (a int)")
    texts = [f"insert into {schema}.t values (1)", "select 1/0", f"insert into {schema}.t values (2)"]
    failed = wait(api, api.batch_execute_statement(Sqls=texts, **TARGET)["Id"])

    assert failed["Status"] == "FAILED"
    assert failed["Error"] == "Query #2 failed with ERROR: division by zero"
    assert [s["Status"] for s in failed["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert failed["SubStatements"][1]["Error"] == "ERROR: division by zero"
    assert records(api, f"select count(*) from {schema}.t") == [[0]]


def test_a_batchs_results_are_found_by_part(api: Any, schema: str) -> None:
    texts = [
        f"create table {schema}.t (a int)",
        f"insert into {schema}.t values (7)",
        f"select a from {schema}.t",
    ]
    identifier = api.batch_execute_statement(Sqls=texts, **TARGET)["Id"]
    done = wait(api, identifier)

    assert [s["Id"] for s in done["SubStatements"]] == [f"{identifier}:{n}" for n in (1, 2, 3)]
    assert [s["ResultRows"] for s in done["SubStatements"]] == [0, 1, 1]
    assert api.get_statement_result(Id=f"{identifier}:3")["Records"] == [[{"longValue": 7}]]
    assert api.describe_statement(Id=f"{identifier}:2")["QueryString"] == texts[1]
    assert (
        refused(api.get_statement_result, Id=f"{identifier}:1")["Error"]["Code"]
        == "ResourceNotFoundException"
    )
    assert (
        refused(api.describe_statement, Id=f"{identifier}:4")["Error"]["Code"] == "ResourceNotFoundException"
    )


@pytest.mark.parametrize("value", ["x", "'; drop table t; --", "$1 :a ::b", "\\'", "é\n"])
def test_parameters_are_bound_never_put_into_the_text(api: Any, value: str) -> None:
    rows = records(api, "select :a || ':a', :b::int + 1", Parameters=[{"name": "a", "value": value}, {"name": "b", "value": "41"}])  # fmt: skip  # noqa: E501

    assert rows == [[f"{value}:a", 42]]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"WorkgroupName": None}, "Either ClusterIdentifier or WorkgroupName needs to be specified."),
        ({"ClusterIdentifier": "c"}, "cannot both be specified"),
        ({"WorkgroupName": "other"}, "Redshift endpoint doesn't exist in this region."),
        (
            {"WorkgroupName": None, "ClusterIdentifier": "other"},
            "Redshift endpoint doesn't exist in this region.",
        ),
        ({"Database": None}, "Database name is required."),
        ({"DbUser": "u"}, "SecretArn and DbUser cannot both be specified."),
        ({"SecretArn": "missing"}, "Secrets Manager can't find the specified secret."),
        (
            {"SecretArn": "arn:aws:secretsmanager:eu-central-1:222222222222:secret:x"},
            "Secrets Manager can't find the specified secret.",
        ),
        ({"Sql": " "}, "SQL statement cannot be empty."),
        ({"Sql": f"select '{'x' * 102_400}'"}, "100 KB"),
        ({"Sql": "select :a", "Parameters": [{"name": "b", "value": "1"}]}, "Cannot find parameter: a"),
        (
            {"Sql": "select :a", "Parameters": [{"name": "a", "value": "1"}, {"name": "b", "value": "1"}]},
            r"Unused parameters: [b]",
        ),
        ({"SessionId": str(uuid.UUID(int=1))}, "cannot be specified together with SessionId"),
    ],
)
def test_bad_requests_are_refused_in_the_services_words(api: Any, more: dict[str, Any], message: str) -> None:
    request = {
        key: value for key, value in {"Sql": "select 1", **TARGET, **more}.items() if value is not None
    }
    response = refused(api.execute_statement, **request)

    assert response["Error"]["Code"] == "ValidationException"
    assert message in response["Error"]["Message"]


def test_a_batch_has_at_most_forty_statements(api: Any) -> None:
    done = wait(api, api.batch_execute_statement(Sqls=["select 1"] * 40, **TARGET)["Id"])
    assert (done["Status"], len(done["SubStatements"])) == ("FINISHED", 40)

    response = refused(api.batch_execute_statement, Sqls=["select 1"] * 41, **TARGET)
    assert response["Error"]["Code"] == "ValidationException"


def test_two_statements_in_one_text_are_refused(api: Any) -> None:
    failed = wait(api, start(api, "select 1; select 2"))

    assert failed["Error"] == "ERROR: cannot insert multiple commands into a prepared statement"


def test_the_secrets_credentials_are_what_connects(api: Any, aws: Aws) -> None:
    secrets = aws("secretsmanager")
    value = json.loads(secrets.get_secret_value(SecretId=TARGET["SecretArn"])["SecretString"])
    name = f"wrong-{uuid.uuid4().hex}"
    arn = secrets.create_secret(Name=name, SecretString=json.dumps({**value, "password": "wrong"}))["ARN"]
    empty = secrets.create_secret(Name=f"{name}-empty", SecretString=json.dumps({"username": "awsuser"}))[
        "ARN"
    ]

    failed = wait(api, start(api, "select 1", SecretArn=arn))
    assert failed["Error"] == 'FATAL: password authentication failed for user "awsuser"'
    response = refused(api.execute_statement, **{**TARGET, "Sql": "select 1", "SecretArn": empty})
    assert response["Error"]["Message"] == "username and password in secret cannot be empty"
    assert records(api, "select current_user") == [["awsuser"]]


def test_without_a_secret_the_callers_identity_is_the_user(api: Any) -> None:
    identifier = api.execute_statement(Sql="select current_user", WorkgroupName="etl", Database="dev")["Id"]
    wait(api, identifier)

    assert api.get_statement_result(Id=identifier)["Records"] == [[{"stringValue": "IAM:root"}]]


def test_accounts_and_regions_are_separate(api: Any, aws: Aws) -> None:
    identifier = start(api, "select 1")

    for other in (aws("redshift-data", "ops"), aws("redshift-data", "data", "us-east-1")):
        assert (
            refused(other.describe_statement, Id=identifier)["Error"]["Code"] == "ResourceNotFoundException"
        )
        response = refused(other.execute_statement, Sql="select 1", **TARGET)
        assert response["Error"]["Message"] == "Redshift endpoint doesn't exist in this region."


def test_cancel_ends_the_statement_in_the_database(api: Any) -> None:
    mark = uuid.uuid4().hex
    identifier = start(api, f"select pg_sleep(60) as x_{mark}")
    running = f"select count(*) from pg_stat_activity where state = 'active' and query like '%x_{mark}%' and pid <> pg_backend_pid()"  # noqa: E501
    deadline = time.monotonic() + 60
    while records(api, running) != [[1]]:
        assert time.monotonic() < deadline

    assert api.cancel_statement(Id=identifier)["Status"] is True
    assert wait(api, identifier)["Status"] == "ABORTED"
    assert records(api, running) == [[0]]
    again = refused(api.cancel_statement, Id=identifier)
    assert again["Error"]["Message"] == "Could not cancel a query that is already in ABORTED state."


def test_a_cancel_that_comes_at_once_counts_too(api: Any) -> None:
    identifiers = [start(api, "select pg_sleep(30)") for _ in range(10)]
    for identifier in identifiers:
        api.cancel_statement(Id=identifier)

    assert {wait(api, identifier)["Status"] for identifier in identifiers} == {"ABORTED"}


def test_results_come_in_pages(api: Any) -> None:
    done = run(api, "select i, repeat('x', 10) from generate_series(1, 2500) as g (i)")
    pages = list(api.get_paginator("get_statement_result").paginate(Id=done["Id"]))

    assert [len(page["Records"]) for page in pages] == [1000, 1000, 500]
    assert [row[0]["longValue"] for page in pages for row in page["Records"]] == list(range(1, 2501))
    response = refused(api.get_statement_result, Id=done["Id"], NextToken="bogus")
    assert response["Error"]["Message"] == "NextToken is not valid."


def test_a_result_of_more_than_100_mb_fails(api: Any) -> None:
    failed = wait(api, start(api, "select repeat('x', 1048576) from generate_series(1, 101)"), seconds=60)

    assert (failed["Status"], "100 MB" in failed["Error"]) == ("FAILED", True)


def test_csv_results(api: Any) -> None:
    identifier = start(api, "select 1 a, 'x,y' b union all select 2, null order by 1", ResultFormat="CSV")
    wait(api, identifier)
    page = api.get_statement_result_v2(Id=identifier)

    assert page["Records"] == [{"CSVRecords": 'a,b\r\n1,"x,y"\r\n2,\r\n'}]
    assert refused(api.get_statement_result, Id=identifier)["Error"]["Code"] == "ValidationException"


def test_a_client_token_starts_one_statement(api: Any, schema: str) -> None:
    run(api, f"create table {schema}.t (a int)")
    token = uuid.uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        identifiers = set(
            pool.map(lambda _: start(api, f"insert into {schema}.t values (1)", ClientToken=token), range(8))
        )
    assert len(identifiers) == 1
    wait(api, identifiers.pop())

    assert records(api, f"select count(*) from {schema}.t") == [[1]]


def test_statements_are_listed_by_name_and_state(api: Any) -> None:
    prefix = f"n-{uuid.uuid4().hex}"
    for number in range(3):
        run(api, f"select {number}", StatementName=f"{prefix}-{number}")
    wait(api, start(api, "select nope", StatementName=f"{prefix}-bad"))

    listed = api.list_statements(StatementName=prefix)["Statements"]
    assert [s["StatementName"] for s in listed] == [f"{prefix}-{n}" for n in (2, 1, 0)]
    assert len(api.list_statements(StatementName=prefix, Status="ALL")["Statements"]) == 4
    assert len(api.list_statements(StatementName=prefix, Status="FAILED")["Statements"]) == 1
    assert api.list_statements(StatementName=prefix, Database="other")["Statements"] == []
    pages = api.get_paginator("list_statements").paginate(StatementName=prefix, MaxResults=2)
    assert [len(page["Statements"]) for page in pages] == [2, 1]


def test_the_catalog(api: Any, schema: str) -> None:
    run(api, f"create table {schema}.t (a int not null, b varchar(7) default 'x', c numeric(9,3), s super)")
    run(api, f"create view {schema}.v as select 1 as one")

    assert "dev" in api.list_databases(**TARGET)["Databases"]
    assert api.list_schemas(SchemaPattern=f"{schema[:6]}%", **TARGET)["Schemas"] == [schema]
    tables = api.list_tables(SchemaPattern=schema, **TARGET)["Tables"]
    assert [(t["name"], t["type"]) for t in tables] == [("t", "TABLE"), ("v", "VIEW")]
    assert len(api.list_tables(SchemaPattern=schema, MaxResults=1, **TARGET)["Tables"]) == 1
    columns = api.describe_table(Schema=schema, Table="t", **TARGET)["ColumnList"]
    assert [(c["name"], c["typeName"], c["nullable"]) for c in columns] == [
        ("a", "int4", 0), ("b", "varchar", 1), ("c", "numeric", 1), ("s", "super", 1),
    ]  # fmt: skip
    assert (columns[1]["length"], columns[2]["scale"]) == (7, 3)
    assert (
        refused(api.describe_table, Table="nowhere", **TARGET)["Error"]["Code"] == "ResourceNotFoundException"
    )


def test_a_session_keeps_its_temporary_tables(api: Any) -> None:
    first = api.execute_statement(Sql="create temp table mine (a int)", SessionKeepAliveSeconds=60, **TARGET)
    wait(api, first["Id"])
    session = {"SessionId": first["SessionId"]}
    wait(api, api.execute_statement(Sql="insert into mine values (5)", **session)["Id"])
    read = api.execute_statement(Sql="select a from mine", **session)["Id"]

    assert wait(api, read)["Status"] == "FINISHED"
    assert api.get_statement_result(Id=read)["Records"] == [[{"longValue": 5}]]
    assert wait(api, start(api, "select a from mine"))["Status"] == "FAILED"


@pytest.mark.parametrize(
    ("sql", "state", "rows"), [("select 1 union select 2", "FINISHED", 2), ("select nope", "FAILED", 0)]
)
def test_the_end_is_told_to_the_default_bus(api: Any, aws: Aws, sql: str, state: str, rows: int) -> None:
    events, queues = aws("events"), aws("sqs")
    name = f"ended-{uuid.uuid4().hex[:12]}"
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.redshift-data"],
        "detail-type": ["Redshift Data Statement Status Change"],
        "detail": {"statementName": [name]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    identifier = start(api, sql, StatementName=name, WithEvent=True)
    messages = queues.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages", [])

    assert len(messages) == 1
    event = json.loads(messages[0]["Body"])
    assert (event["account"], event["region"]) == ("111111111111", "eu-central-1")
    detail = event["detail"]
    assert (detail["statementId"], detail["state"], detail["rows"]) == (identifier, state, rows)
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    queues.delete_queue(QueueUrl=url)


def test_fifty_statements_at_once(api: Any) -> None:
    identifiers = [start(api, f"select {number}, pg_sleep(0.2)") for number in range(50)]

    assert {wait(api, identifier)["Status"] for identifier in identifiers} == {"FINISHED"}
    values = {api.get_statement_result(Id=i)["Records"][0][0]["longValue"] for i in identifiers}
    assert values == set(range(50))


def test_a_state_machine_runs_sql_and_catches_the_services_error(
    aws: Aws, sandbox: Sandbox, schema: str
) -> None:
    states, iam = aws("stepfunctions"), aws("iam")
    name = f"warehouse-{uuid.uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    call = "arn:aws:states:::aws-sdk:redshiftdata:"
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Start",
        "States": {
            "Start": {
                "Type": "Task",
                "Resource": f"{call}executeStatement",
                "Arguments": {
                    **TARGET,
                    "Sql": "select :who as who",
                    "Parameters": [{"Name": "who", "Value": "{% $states.input.who %}"}],
                },
                "Assign": {"id": "{% $states.result.Id %}"},
                "Next": "Look",
            },
            "Look": {
                "Type": "Task",
                "Resource": f"{call}describeStatement",
                "Arguments": {"Id": "{% $id %}"},
                "Output": "{% $states.result.Status %}",
                "Next": "Ended",
            },
            "Ended": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input = 'FINISHED' %}", "Next": "Read"}],
                "Default": "Pause",
            },
            "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
            "Read": {
                "Type": "Task",
                "Resource": f"{call}getStatementResult",
                "Arguments": {"Id": "{% $id %}"},
                "Output": "{% $states.result.Records[0][0].StringValue %}",
                "Next": "Refused",
            },
            "Refused": {
                "Type": "Task",
                "Resource": f"{call}executeStatement",
                "Arguments": {"Sql": "select 1"},
                "Catch": [
                    {
                        "ErrorEquals": ["RedshiftData.ValidationException"],
                        "Output": {"who": "{% $states.input %}", "error": "{% $states.errorOutput.Error %}"},
                        "Next": "Done",
                    }
                ],
                "Next": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    }  # fmt: skip
    machine = states.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=role["Role"]["Arn"]
    )
    execution = states.start_execution(
        stateMachineArn=machine["stateMachineArn"], input=json.dumps({"who": "it's me"})
    )["executionArn"]
    deadline = time.monotonic() + 60
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert found["status"] == "SUCCEEDED", found.get("cause")
    assert json.loads(found["output"]) == {"who": "it's me", "error": "RedshiftData.ValidationException"}
    states.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
    iam.delete_role(RoleName=name)
