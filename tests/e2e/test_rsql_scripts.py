"""`rsql` runs scripts on the warehouse: output, errors, flow and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.launcher import Sandbox
from sandbox.paths import REPOSITORY, emulator_python
from sandbox.warehouse import DSN_FILE, read_dsn

pytestmark = pytest.mark.emulator

COMMAND = [str(emulator_python()), "-m", "sandbox.rsql"]

# The commands of the sample's scripts (rsql-orchestration), as the host's shell hands them over.
SAMPLE = """
\\echo '\\n ******************* MAIN EXECUTION LOG STARTS FROM HERE ********************* \\n'
begin ;
/* SET QUERY Group */
SET query_group to 'rsql_blog_querygroup';
\\echo '\\n ----Inserting data into blog table--------- \\n'
INSERT INTO "{schema}"."blog_table" VALUES
(
    2,
    'rsql_blog_script_4.sh',
    CURRENT_TIMESTAMP(0)
);
\\if :ERROR <> 0
 \\echo 'Insert Statement Failed with Below Details'
 \\echo 'Error Code -'
 \\echo :ERRORCODE
 \\remark :LAST_ERROR_MESSAGE
 \\exit 12
\\else
 \\echo :ACTIVITYCOUNT
 \\remark '\\n **** Statement Executed Successfully **** \\n'
\\endif
commit ;
\\exit 0
"""


class Rsql:
    """Runs the shim as a host does: the connection in the environment, nothing secret on the command line."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        secret = read_dsn(sandbox.state_dir / DSN_FILE).secret()
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "PGHOST": str(secret["host"]),
            "PGPORT": str(secret["port"]),
            "PGUSER": str(secret["username"]),
            "PGPASSWORD": str(secret["password"]),
            "PGDATABASE": str(secret["dbname"]),
            **sandbox.environment("data"),
        }

    def __call__(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            input=script,
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def value(self, sql: str) -> str:
        return self("", "-t", "-A", "-c", sql).stdout.strip()


@pytest.fixture
def rsql(sandbox: Sandbox, tmp_path: Path) -> Rsql:
    return Rsql(sandbox, tmp_path)


@pytest.fixture
def schema(rsql: Rsql) -> Iterator[str]:
    name = f"r_{uuid.uuid4().hex[:10]}"
    assert rsql(f"create schema {name};").returncode == 0
    yield name
    rsql(f"drop schema {name} cascade;")


def test_the_samples_script_inserts_its_row(rsql: Rsql, schema: str) -> None:
    rsql(
        f"create table {schema}.blog_table (script_id int, script_name varchar(100), inserted timestamp) "
        "diststyle all;"
    )
    done = rsql(SAMPLE.format(schema=schema))

    assert (done.returncode, done.stderr) == (0, "")
    assert "**** Statement Executed Successfully ****" in done.stdout
    assert "\nINSERT 0 1\n1\n" in done.stdout
    assert rsql.value(f"select script_id, script_name from {schema}.blog_table") == "2|rsql_blog_script_4.sh"


def test_the_samples_script_fails_with_its_code(rsql: Rsql, schema: str) -> None:
    done = rsql(SAMPLE.format(schema=schema))

    assert done.returncode == 12
    message = f'relation "{schema}.blog_table" does not exist'
    assert done.stderr == f"rsql: ERROR: {message}\n"
    assert done.stdout.endswith(
        f"Insert Statement Failed with Below Details\nError Code -\n42P01\n{message}\n"
    )


def test_a_table_looks_as_in_psql(rsql: Rsql) -> None:
    done = rsql("select 1 as id, 'x' as name union all select 20, null order by 1;")

    assert done.stdout == " id | name \n----+------\n  1 | x\n 20 |\n(2 rows)\n\n"


@pytest.mark.parametrize(
    ("script", "arguments", "code"),
    [
        ("select 1;", [], 0),
        ("select nope; select 1;", [], 0),
        ("select nope; \\exit 5", [], 5),
        ("\\set ON_ERROR_STOP on\nselect nope; \\exit 5", [], 3),
        ("select nope; \\exit 5", ["-v", "ON_ERROR_STOP=1"], 3),
        ("", ["-c", "select nope"], 1),
        ("", ["-c", "select 1", "-c", "select nope", "-c", "select 2"], 1),
        ("", ["-f", "missing.sql"], 1),
        ("", ["--colour"], 1),
        ("\\rset errorlevel 42703 severity 12\n\\rset maxerror 7\nselect nope; \\exit 0", [], 12),
        ("\\rset errorlevel 42703 severity 2\n\\rset maxerror 7\nselect nope; \\exit 0", [], 0),
        ("\\rset maxerror 7\nselect nope; \\exit 0", [], 8),
        ("\\QUIT", [], 0),
        ("\\exit 256", [], 0),
        ("\\exit twelve", [], 1),
        ("select pg_terminate_backend(pg_backend_pid());", [], 2),
    ],
)
def test_exit_codes(rsql: Rsql, script: str, arguments: list[str], code: int) -> None:
    done = rsql(script, *arguments)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_no_connection_is_code_two_and_one_sentence(rsql: Rsql) -> None:
    wrong = rsql("select 1;", PGPASSWORD="wrong")
    closed = rsql("select 1;", "-h", "127.0.0.1", "-p", "1")

    assert (wrong.returncode, closed.returncode) == (2, 2)
    assert wrong.stderr == (
        'rsql: error: could not connect to server: password authentication failed for user "awsuser"\n'
    )
    assert len(closed.stderr.splitlines()) == 1


def test_an_error_after_begin_undoes_the_transaction(rsql: Rsql, schema: str) -> None:
    done = rsql(
        f"create table {schema}.t (a int);\nbegin;\ninsert into {schema}.t values (1);\nselect nope;\n"
        f"insert into {schema}.t values (2);\n\\echo :ERRORCODE\ncommit;\nselect count(*) from {schema}.t;",
        "-t",
        "-A",
        "-q",
    )

    assert done.stdout.split() == ["25P02", "0"]


def test_goto_leaves_commands_out(rsql: Rsql) -> None:
    done = rsql(
        "select count(*) as cnt from generate_series(1, 5) \\gset\n"
        "\\if :cnt > 4\n    \\goto LABELB\n\\endif\n"
        "select 'not run';\n\\label LABELA\n\\remark 'this is label LABELA'\n\\label LABELB\n"
        "\\remark 'this is//label LABELB'\n"
    )

    assert done.stdout == "\\label LABELA ignored\n\\label LABELB processed\nthis is\nlabel LABELB\n"


def test_a_label_that_is_not_there(rsql: Rsql) -> None:
    done = rsql("\\goto NOWHERE\n\\echo no\n")

    assert (done.stdout, done.stderr) == ("", "rsql: ERROR: \\label NOWHERE not found\n")


def test_branches_and_counts(rsql: Rsql) -> None:
    done = rsql(
        "select viewname from pg_views where schemaname = 'not_existing_schema';\n"
        "\\if :ACTIVITYCOUNT = 0\n\\remark 'views do not exist'\n\\elseif :ACTIVITYCOUNT = 1\n\\echo one\n"
        "\\else\n\\exit 9\n\\endif\n"
    )

    assert (done.returncode, done.stdout) == (0, " viewname \n----------\n(0 rows)\n\nviews do not exist\n")


def test_variables_come_from_the_command_line(rsql: Rsql) -> None:
    done = rsql(
        'select :\'name\' as n, :"col" from (select 1 as "a b") t;', "-v", "name=it's", "-v", "col=a b", "-tA"
    )

    assert done.stdout == "it's|1\n"


def test_files_are_included(rsql: Rsql) -> None:
    (rsql.folder / "inner.sql").write_text("-- header\n-- header\n\\echo inner :x\n\\if 1\n")
    done = rsql("\\set x 5\n\\i inner.sql\n\\run file=inner.sql skip=2\n\\i gone.sql\n\\echo end\n")

    assert done.stdout == "inner 5\n2 records skipped in RUN file.\ninner 5\nend\n"
    assert done.stderr.count("reached EOF without finding closing \\endif(s)") == 2
    assert "rsql: ERROR: gone.sql: No such file or directory" in done.stderr


def test_a_file_that_includes_itself_ends(rsql: Rsql) -> None:
    (rsql.folder / "loop.sql").write_text("\\i loop.sql\n")

    assert "more than 50 deep" in rsql("\\i loop.sql").stderr


def test_output_goes_where_the_script_says(rsql: Rsql) -> None:
    done = rsql("\\o out.txt\nselect 1 as a;\n\\qecho told\n\\o\n\\export report file='rep.txt'\nselect 2 as b;\n\\export reset\n", "-q")  # fmt: skip  # noqa: E501

    assert (rsql.folder / "out.txt").read_text() == " a \n---\n 1\n(1 row)\n\ntold\n"
    assert (rsql.folder / "rep.txt").read_text() == " b \n---\n 2\n(1 row)\n\n"
    assert done.stdout == "(exported 1 row)\n"


def test_settings_wait_for_rformat(rsql: Rsql) -> None:
    done = rsql("\\pset format unaligned\nselect 1 as a;\n\\rset rformat on\nselect 1 as a;\n")

    assert (
        "Output format is unaligned. (Changes will take effect after RFORMAT is switched ON)" in done.stdout
    )
    assert done.stdout.endswith(" a \n---\n 1\n(1 row)\n\nRformat is on.\na\n1\n(1 row)\n")


def test_descriptions(rsql: Rsql, schema: str) -> None:
    rsql(f"create table {schema}.t (a int not null, b varchar(9));")
    done = rsql(f"\\d {schema}.t\n\\dt {schema}.*\n\\dn {schema}\n\\d {schema}.nothing\n")

    assert f'Table "{schema}.t"' in done.stdout
    assert " b      | character varying(9) |" in done.stdout
    assert "List of relations" in done.stdout
    assert done.stderr == "Did not find any relations.\n"


def test_a_password_in_a_script_is_refused(rsql: Rsql) -> None:
    done = rsql("\\logon dev awsuser 127.0.0.1 5439 Secret123\n\\conninfo\n")

    assert "a password is not taken from a script" in done.stderr
    assert "Secret123" not in done.stdout + done.stderr
    assert 'connected to database "dev" as user "awsuser"' in done.stdout


def test_an_unknown_command_is_named(rsql: Rsql) -> None:
    done = rsql("\\frobnicate now\n\\echo on\n")

    assert (done.stdout, done.stderr) == ("on\n", "rsql: ERROR: invalid command \\frobnicate\n")


def test_redshifts_dialect_and_the_lack_of_it(rsql: Rsql) -> None:
    done = rsql("select nvl(null, decode(1, 1, 'one')) as x, dateadd(day, 1, '2020-02-28') as d;\ncreate external schema x;", "-tA")  # fmt: skip  # noqa: E501

    assert done.stdout == "one|2020-02-29 00:00:00\n"
    assert "rsql: ERROR: CREATE EXTERNAL SCHEMA is not available in the sandbox's warehouse" in done.stderr


def test_copy_and_unload_use_the_hosts_account(rsql: Rsql, schema: str, aws: Callable[..., Any]) -> None:
    s3, bucket = aws("s3"), f"rsql-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=bucket, Key="in/a", Body=b"1,x\n2,y\n")
    role = "iam_role 'arn:aws:iam::111111111111:role/load'"
    done = rsql(
        f"create table {schema}.t (a int, b varchar(5));\n"
        f"copy {schema}.t from 's3://{bucket}/in/' {role} csv;\n\\echo :ACTIVITYCOUNT\n"
        f"unload ('select * from {schema}.t order by 1') to 's3://{bucket}/out/' {role} "
        "csv header parallel off;\n"
    )

    assert (done.returncode, done.stdout.split()) == (0, ["CREATE", "TABLE", "COPY", "2", "UNLOAD"]), (
        done.stderr
    )
    assert s3.get_object(Bucket=bucket, Key="out/000")["Body"].read() == b"a,b\n1,x\n2,y\n"


def test_nothing_secret_is_on_the_command_line_and_sigterm_ends_the_query(rsql: Rsql) -> None:
    process = subprocess.Popen(
        [*COMMAND, "-c", "select pg_sleep(60) as stop_me"],
        cwd=rsql.folder,
        env=rsql.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60) as stop_me'"
    deadline = time.monotonic() + 60
    while rsql.value(running) != "1":
        assert time.monotonic() < deadline
    assert rsql.environment["PGPASSWORD"] not in Path(f"/proc/{process.pid}/cmdline").read_text()

    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert rsql.value(running) == "0"


def test_the_wire_format_of_the_secret_is_what_the_shim_reads(
    sandbox: Sandbox, aws: Callable[..., Any]
) -> None:
    value = json.loads(
        aws("secretsmanager").get_secret_value(SecretId="landfall/sandbox/warehouse")["SecretString"]
    )

    assert {"username", "password", "host", "port", "dbname", "engine"} <= value.keys()
    assert value["engine"] == "redshift"
