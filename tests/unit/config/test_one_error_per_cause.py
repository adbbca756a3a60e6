# ruff: noqa: E501 (a table of cases reads better one case a row)
"""Every single mistake gives exactly one error, at its place, with code and suggestion."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from landfall.config import LoadResult, report
from tests.unit.config.conftest import BASE, edited, line_of

type Check = Callable[[str | bytes], LoadResult]

STAGE_ONE = 'scripts: [load.sh, "it\'s größer.sh"]'
SQL = "{kind: sql, name: stage, file: stage.sql}"
LAMBDA_ARGS = 'args: {day: "2027-01-31"}'

CASES = [
    # old, new, code, piece of the file at which the error points, piece of the message
    ("landfall:network:", "landfall:netwrok:", "LF0101", "landfall:netwrok", 'Did you mean "landfall:network"?'),
    ("landfall:network:", "landfal:network:", "LF0101", "landfal:network", 'Did you mean "landfall:network"?'),
    ("  landfall:guardrails:\n", "  landfall:zzz: 1\n  landfall:guardrails:\n", "LF0101", "landfall:zzz", "allowed: landfall:platform"),
    ("    owner: data", "    ownr: data", "LF0101", "ownr", 'Did you mean "owner"?'),
    ("network: etl\n", "network: etl\n    colour: red\n", "LF0101", "colour", "Remove it"),
    ("expression: ", "expresion: ", "LF0101", "expresion", 'Did you mean "expression"?'),
    (SQL, "{kind: sql, name: stage, fil: stage.sql, sql: select 1}", "LF0101", "fil:", 'Did you mean "file"?'),
    (SQL, "{knd: sql, name: stage, file: stage.sql}", "LF0101", "knd:", 'Did you mean "kind"?'),
    ("archive_retention_days: 365", 'archive_retention_days: "365"', "LF0102", '"365"', "Did you mean 365?"),
    ("archive_retention_days: 365", "archive_retention_days: long", "LF0102", "long", "expected a whole number"),
    ("archive_retention_days: 365", "archive_retention_days: true", "LF0102", "true", "expected a whole number"),
    ("notify_on_success: false", 'notify_on_success: "no"', "LF0102", '"no"', "Did you mean false?"),
    ("notify_on_success: false", "notify_on_success: 0", "LF0102", "0\n      log", "expected true or false"),
    ("notify_on_success: false", "notify_on_success:", "LF0102", "notify_on_success:", "found nothing"),
    ('"111111111111"', "111111111111", "LF0102", "111111111111", 'Did you mean "111111111111"?'),
    ('"111111111111"', "011111111111", "LF0102", "011111111111", "without quotes"),
    ("tags: {team: etl}", "tags: [team]", "LF0102", "tags", "expected a mapping"),
    ("tags: {team: etl}", "tags: {team: 1}", "LF0102", "1}", 'Did you mean "1"?'),
    ("cost_center: cc-1000", "cost_center: 2027-01-31", "LF0102", "2027-01-31", 'Did you mean "2027-01-31"?'),
    (LAMBDA_ARGS, "args: {day: 2027-01-31}", "LF0102", "2027-01-31}, ret", 'Did you mean "2027-01-31"?'),
    (LAMBDA_ARGS, "args: {days: [1, 2027-01-31]}", "LF0102", "2027-01-31]", 'Did you mean "2027-01-31"?'),
    (LAMBDA_ARGS, "args: {mode: 0o644}", "LF0102", "0o644", "in quotes"),
    ("archive_retention_days: 365", "archive_retention_days: 1_000", "LF0102", "1_000", "plain decimal"),
    (STAGE_ONE, "scripts: load.sh", "LF0102", "load.sh", "expected a list"),
    (STAGE_ONE, "scripts: [7]", "LF0102", "7]", "a script's name or a mapping"),
    ("landfall:guardrails:\n", "landfall:guardrails: 1\n  aws:x:\n", "LF0102", "1\n  aws:x", "expected a mapping"),
    ("execution_type: sequential", "execution_type: sequental", "LF0103", "sequental", 'Did you mean "sequential"?'),
    ("environment: sandbox", "environment: test", "LF0103", "test", "allowed: sandbox, dev, staging, prod"),
    ("log_retention_days: 90", "log_retention_days: 91", "LF0103", "91", "Did you mean 120?"),
    ("regions: [eu-central-1]}\n    ops", "regions: [eu-centrl-1]}\n    ops", "LF0103", "eu-centrl-1", 'Did you mean "eu-central-1"?'),
    ("kind: lambda", "kind: lamda", "LF0103", "lamda", 'Did you mean "lambda"?'),
    ("kind: lambda", "kind: 5", "LF0103", "5, function", "allowed: rsql, sql, lambda"),
    ("kind: s3_object", "kind: s3_objct", "LF0103", "s3_objct", 'Did you mean "s3_object"?'),
    ("account: data\n      cidr: 10.20.16", "account: dta\n      cidr: 10.20.16", "LF0104", "dta", 'Did you mean "data"?'),
    ("account: ops", "account: operations", "LF0104", "operations\n", "allowed: data, ops"),
    ("network: etl", "network: elt", "LF0104", "elt", 'Did you mean "etl"?'),
    ("workflow_id: nightly", "workflow_id: nighly", "LF0104", "nighly", 'Did you mean "nightly"?'),
    ("depends_on: [stage]", "depends_on: [stagee]", "LF0104", "stagee", 'Did you mean "stage"?'),
    ("10.20.16.0/22", "10.20.8.0/22", "LF0105", "10.20.8.0/22", 'Did you mean "10.20.16.0/22"?'),
    ("name: merge", "name: stage", "LF0106", "stage, sql", 'Did you mean "stage-2"?'),
    ("    ops: {id: \"222222222222\"", "    ops: {id: \"111111111111\"", "LF0106", '"111111111111", regions: [eu-central-1]}\n  landfall:network', "account id of data"),
    ("    owner: data-platform\n", "    owner: data-platform\n    owner: etl\n", "LF0106", "owner: etl", "already in line 6"),
    ("[eu-central-1]}\n    ops", "[eu-central-1, eu-central-1]}\n    ops", "LF0106", "eu-central-1]}\n    ops", "listed twice"),
    ('"cron(0 6 * * ? *)"', '"cron(0 6 * * * *)"', "LF0107", '"cron(0 6 * * * *)"', 'Did you mean "cron(0 6 * * ? *)"?'),
    ('"cron(0 6 * * ? *)"', '"rate(5 minuts)"', "LF0107", '"rate', 'Did you mean "rate(5 minutes)"?'),
    (STAGE_ONE, "scripts: [lod.sh]", "LF0108", "lod.sh", 'Did you mean "load.sh"?'),
    ("file: stage.sql", "file: stages.sql", "LF0108", "stages.sql", 'Did you mean "stage.sql"?'),
    ("scripts: ../scripts", "scripts: ../skripts", "LF0108", "../skripts", 'Did you mean "../scripts"?'),
    ("workgroup: etl, database: dev}", "workgroup: etl, database: dev, password: hunter2}", "LF0110", "password", "never config data"),
    (LAMBDA_ARGS, "args: {db: {password: hunter2}}", "LF0110", "hunter2", "Secrets Manager"),
    (LAMBDA_ARGS, "args: {url: 'postgres://me:hunter2@host/db'}", "LF0110", "'postgres", "looks like a secret"),
    ("secret: landfall/sandbox/warehouse", "secret: {secure: v1:abc}", "LF0110", "secret: {secure", "encrypted"),
    ("landfall:guardrails:\n", "landfall:guardrails: {secure: v1:hunter2}\n  aws:x:\n", "LF0110", "landfall:guardrails", "encrypted"),
    ("secret: landfall/sandbox/warehouse", "secret: 'hunter2 it is'", "LF0112", "'hunter2", "never its value"),
    ("    cost_center: cc-1000\n", "", "LF0111", "landfall:platform", "Add cost_center: Cost center"),
    (SQL, "{name: stage, file: stage.sql}", "LF0111", "{name: stage", 'Did you mean "kind: sql"?'),
    ('"111111111111"', '"1111-1111"', "LF0112", '"1111-1111"', "twelve digits"),
    ("10.20.16.0/22", "10.20.16.1/22", "LF0112", "10.20.16.1/22", 'Did you mean "10.20.16.0/22"?'),
    ("10.20.16.0/22", "8.8.8.0/24", "LF0112", "8.8.8.0/24", "not a private range"),
    ("10.20.16.0/22", "10.21.0.0/8", "LF0112", "10.21.0.0/8", "host bits"),
    ("10.20.16.0/22", "::1/64", "LF0112", "::1/64", "expected an IPv4 range"),
    ("expires: 2027-01-31", "expires: 31.01.2027", "LF0112", "31.01.2027", "yyyy-mm-dd"),
    ("reason: Test", 'reason: " "', "LF0112", '" "', "expected one line of text"),
    ("    data: {id", "    Data_1: {id: '333333333333', regions: [eu-central-1]}\n    data: {id", "LF0112", "Data_1", "expected a key"),
    ("source: [aws.s3]", "source: aws.s3", "LF0112", "aws.s3", 'Did you mean "[aws.s3]"?'),
    ("tags: {team: etl}", "tags: {aws:team: etl}", "LF0112", "aws:team", "reserved"),
    ("retries: {count: 2}", "retries: {count: 50}", "LF0113", "50", "Did you mean 10?"),
    ("retention_days: 400}", "retention_days: 0}", "LF0113", "0}", "at least 1"),
    ("availability_zones: [eu-central-1a, eu-central-1b]\n    lab", "availability_zones: [eu-central-1a]\n    lab", "LF0113", "availability_zones", "at least 2"),
    (STAGE_ONE, "scripts: [../load.sh]", "LF0114", "../load.sh", 'Did you mean "load.sh"?'),
    (STAGE_ONE, 'scripts: ["a/b.sh"]', "LF0114", '"a/b.sh"', "plain file name"),
    (STAGE_ONE, 'scripts: ["a\\nb.sh"]', "LF0114", '"a\\nb.sh"', "control characters"),
    (STAGE_ONE, 'scripts: [".."]', "LF0114", '".."', "must not contain"),
    (STAGE_ONE, 'scripts: [""]', "LF0114", '""]', "empty"),
    ("eu-central-1b]\n    lab", "eu-central-1a]\n    lab", "LF0115", "eu-central-1a]\n    lab", 'Did you mean "eu-central-1b"?'),
    ("eu-central-1b]\n    lab", "eu-west-1b]\n    lab", "LF0115", "eu-west-1b", 'Did you mean "eu-central-1b"?'),
    ("10.20.16.0/22", "10.20.16.0/28", "LF0115", "10.20.16.0/28", 'Did you mean "10.20.16.0/27"?'),
    (STAGE_ONE, "scripts: []", "LF0116", "scripts: []", "nothing is listed"),
    ("heartbeat_seconds: 30", "heartbeat_seconds: 600", "LF0117", "600}", "Did you mean 300?"),
    (", heartbeat_seconds: 30", ", depends_on: [load.sh]", "LF0117", "depends_on: [load", "graph"),
    ("nightly:\n        schedule", "nightly:\n        workflow_id: other\n        schedule", "LF0117", "other", 'Did you mean "nightly"?'),
    ('end: "22:00"', 'end: "06:00"', "LF0117", '"06:00"}', "empty"),
    ("retention_days: 400}", "retention_days: 400, replica_regions: [eu-central-1]}", "LF0117", "eu-central-1]}\n    def", "audit tables themselves"),
    ("      account: data\n      cidr: 10.20.0", "      account: ops\n      cidr: 10.20.0", "LF0117", "etl\n    operations", 'Did you mean "lab"?'),
    (SQL, "{kind: sql, name: stage, file: stage.sql, depends_on: [merge]}", "LF0118", "merge]}\n", "wait for each other"),
    ("workflow_id: nightly", "workflow_id: weekly", "LF0118", "weekly}", "waits for itself"),
    (SQL, f"{{kind: sql, name: stage, sql: [{'select 1, ' * 41}]}}", "LF0119", "sql: [select 1, select 1", "at most 40"),
    (SQL, f"{{kind: sql, name: stage, sql: '{'select 1; ' * 41}'}}", "LF0119", "'select 1; ", "at most 40"),
    ("      weekly:\n", f"      {'w' * 60}:\n", "LF0120", "w" * 60, "shorten it by 13"),
    ("      weekly:\n", f"      {'w' * 42}:\n        trigger: {{pattern: {{source: [a]}}}}\n", "LF0120", "w" * 42, "trigger-www"),
    ("file: stage.sql", "file: stage.sql, sql: select 1", "LF0121", "{kind: sql, name: stage", "both are given"),
    (", file: stage.sql", "", "LF0121", "{kind: sql, name: stage", "neither is given"),
    ("workgroup: etl, ", "", "LF0121", "warehouse: {", "workgroup and cluster"),
    ("workgroup: etl, ", "workgroup: etl, cluster: c, ", "LF0121", "warehouse: {", "both are given"),
    (", tag_value: etl-host", "", "LF0121", "hosts: {", "tag_key and tag_value"),
    ("prefix: incoming/", "prefix: incoming/, key: a", "LF0121", "{kind: s3_object", "both are given"),
    ("timezone: Europe/Berlin", "timezone: Europe/Berlyn", "LF0122", "Europe/Berlyn", 'Did you mean "Europe/Berlin"?'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "message"),
    CASES,
    ids=[f"{case[2]}-{number}" for number, case in enumerate(CASES)],
)
def test_one_mistake_is_one_error(
    check: Check, old: str, new: str, code: str, place: str, message: str
) -> None:
    text = edited(old, new)
    result = check(text)
    assert [issue.code for issue in result.issues] == [code], report(result.issues)
    issue = result.issues[0]
    assert message in issue.message
    assert issue.suggestion is not None
    places = [index for index in range(len(text)) if text.startswith(place, index)]
    position = sum(len(line) + 1 for line in text.split("\n")[: issue.line - 1]) + issue.column - 1
    assert position in places, (issue.line, issue.column, text[position : position + 20])
    assert result.config is None
    assert "hunter2" not in report(result.issues)


def test_the_base_file_is_valid(check: Check) -> None:
    result = check(BASE)
    assert report(result.issues) == ""
    assert result.require().platform.name == "landfall"


def test_no_code_is_without_a_case() -> None:
    from landfall.config.codes import CODES

    covered = {case[2] for case in CASES} | {"LF0109"}  # syntax has a test file of its own
    assert covered == {code.code for code in CODES}


def test_all_mistakes_at_once_do_not_hide_each_other(check: Check) -> None:
    """Mistakes of different sections, put into one file, are all reported, each as it is alone."""
    chosen = [
        case
        for case in CASES
        if case[0]
        in {
            "    owner: data",
            "archive_retention_days: 365",
            "execution_type: sequential",
            "account: ops",
            "10.20.16.0/22",
            "name: merge",
            "timezone: Europe/Berlin",
            "heartbeat_seconds: 30",
            "expires: 2027-01-31",
        }
    ]
    once = {case[0]: case for case in reversed(chosen)}.values()
    text = BASE
    for old, new, *_ in once:
        text = text.replace(old, new, 1)
    issues = check(text).issues
    assert sorted(issue.code for issue in issues) == sorted(case[2] for case in once), report(issues)
    assert [(issue.line, issue.column) for issue in issues] == sorted((i.line, i.column) for i in issues)


def test_line_of_counts_from_one() -> None:
    assert line_of("config", BASE) == 1
