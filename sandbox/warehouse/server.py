"""Start, find and stop the warehouse's PostgreSQL server.

Standard library only, so that the launcher needs no database driver: the set-up statements go through `psql`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox import processes
from sandbox.endings import note_of
from sandbox.errors import SandboxError
from sandbox.processes import MARK_VARIABLE, mark_of
from sandbox.warehouse.account import ServerAccount, server_account
from sandbox.warehouse.binaries import postgres_bin
from sandbox.warehouse.dsn import DSN_FILE, Endpoint, WarehouseDsn, read_dsn, write_dsn

SUPERUSER = "rdsdb"
ADMIN_USER = "awsuser"

_PASSWORD_PREFIX = "password-"  # noqa: S105 - of a file's name
_COMPATIBILITY = Path(__file__).parent / "compatibility.sql"
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_LEFTOVER_SECONDS = 2.0
# A sandbox's data need not survive a power cut, so nothing waits for the disk; it does survive a killed
# server, since commits reach the operating system. Redshift sessions run in UTC.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "log_statement": "none",
    "unix_socket_directories": "",
}


@dataclass(frozen=True, kw_only=True)
class WarehouseProcess:
    """A running server."""

    pid: int
    state_dir: Path
    dsn_file: Path
    dsn: WarehouseDsn

    def running(self) -> bool:
        """Whether the server is alive."""
        return _postmaster(self.state_dir / "pg" / "data") == self.pid

    def stop(self) -> None:
        """Stop the server: open sessions are ended, data is kept."""
        stop_postgres(self.state_dir)


def start_postgres(
    state_dir: Path,
    *,
    database: str = "dev",
    endpoints: Iterable[Endpoint] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> WarehouseProcess:
    """Start the warehouse of a sandbox, making it the first time; a running one is returned as it is.

    Data lives in `<state_dir>/pg/data`, the log in `<state_dir>/logs/warehouse.log` and the connection in
    `<state_dir>/warehouse.json` (mode 0600, a password generated for this sandbox). The server listens on
    loopback only, on a port that was free, and asks every session for its password. A stale lock of a killed
    server is cleared.

    Raises:
        SandboxError: PostgreSQL is missing, cannot be set up, or does not answer within a minute.
    """
    binaries = postgres_bin()
    state_dir.mkdir(parents=True, exist_ok=True)
    home = state_dir / "pg"
    data = home / "data"
    (state_dir / "logs").mkdir(exist_ok=True)
    account = server_account(binaries / "postgres", data)
    dsn_file = state_dir / DSN_FILE
    if running := attach_postgres(state_dir):
        dsn = _with_endpoints(running.dsn, endpoints)
        write_dsn(dsn_file, dsn)
        return WarehouseProcess(pid=running.pid, state_dir=state_dir, dsn_file=dsn_file, dsn=dsn)
    fresh = not (data / "PG_VERSION").exists() or not dsn_file.exists()
    if fresh:
        progress("making the warehouse's database")
        password = secrets.token_urlsafe(24)
        _initdb(binaries, account, home, data, password)
        dsn = WarehouseDsn(
            host="127.0.0.1",
            port=_free_port(),
            user=SUPERUSER,
            password=password,
            database=database,
            admin_user=ADMIN_USER,
            admin_password=secrets.token_urlsafe(24),
        )
    else:
        dsn = read_dsn(dsn_file)
    dsn = _with_endpoints(dsn, endpoints)
    progress("starting the warehouse")
    pid, dsn = _launch(binaries, account, data, state_dir / "logs" / "warehouse.log", dsn)
    try:
        if fresh:
            _set_up(binaries, dsn)
        write_dsn(dsn_file, dsn)
    except BaseException:
        _terminate(pid)
        raise
    return WarehouseProcess(pid=pid, state_dir=state_dir, dsn_file=dsn_file, dsn=dsn)


def attach_postgres(state_dir: Path) -> WarehouseProcess | None:
    """The running server of a sandbox, or `None`."""
    pid = _postmaster(state_dir / "pg" / "data")
    dsn_file = state_dir / DSN_FILE
    if pid is None or not dsn_file.exists():
        return None
    return WarehouseProcess(pid=pid, state_dir=state_dir, dsn_file=dsn_file, dsn=read_dsn(dsn_file))


def stop_postgres(state_dir: Path) -> bool:
    """Stop the server of a sandbox; False when none ran."""
    pid = _postmaster(state_dir / "pg" / "data")
    if pid is None:
        return False
    _terminate(pid)
    return True


def _with_endpoints(dsn: WarehouseDsn, endpoints: Iterable[Endpoint]) -> WarehouseDsn:
    """The same connection with the endpoints given now; none given keeps the old ones."""
    wanted = tuple(endpoints) or dsn.endpoints
    return WarehouseDsn(**{**vars(dsn), "endpoints": wanted})


def _initdb(binaries: Path, account: ServerAccount, home: Path, data: Path, password: str) -> None:
    """Make an empty cluster; what an interrupted first start left behind is replaced."""
    home.mkdir(exist_ok=True)
    if data.exists():
        data.rename(home / f"unfinished-{time.time_ns()}")
    for stale in home.glob("unfinished-*"):
        shutil.rmtree(stale, ignore_errors=True)
    for forgotten in home.glob(f"{_PASSWORD_PREFIX}*"):
        forgotten.unlink(missing_ok=True)
    data.mkdir(mode=0o700)
    account.own(data)
    # In the sandbox's own folder: what a killed start leaves of it goes with the next one.
    with tempfile.NamedTemporaryFile("w", dir=home, prefix=_PASSWORD_PREFIX, delete=True) as secret:
        Path(secret.name).chmod(0o600)
        account.own(Path(secret.name))
        secret.write(password)
        secret.flush()
        command = account.command(
            binaries / "initdb", "-D", data, "-U", SUPERUSER, "--auth=scram-sha-256",
            f"--pwfile={secret.name}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
            "--no-instructions",
        )  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", env=_environment(), check=False
        )
    if done.returncode:
        raise SandboxError(f"the warehouse could not be made: {_last_line(done.stderr or done.stdout)}")


def _launch(
    binaries: Path, account: ServerAccount, data: Path, log: Path, dsn: WarehouseDsn
) -> tuple[int, WarehouseDsn]:
    """Start the server on its old port, or on another where somebody else has taken that one meanwhile."""
    if not _port_is_free(dsn.port):
        dsn = WarehouseDsn(**{**vars(dsn), "port": _free_port()})
    # Sessions of a server that was killed may still be at a statement: two servers on one folder would
    # destroy it, and its lock, which keeps them apart, goes here. Nobody owns the lock of a server that was
    # killed; PostgreSQL refuses to start if its number is in use again.
    processes.end(processes.working_in(data.resolve()), grace=_LEFTOVER_SECONDS)
    (data / "postmaster.pid").unlink(missing_ok=True)
    settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(dsn.port)}.items()]
    command = account.command(binaries / "postgres", "-D", data, *settings)
    state_dir = data.parents[1]
    process = processes.spawn(
        command,
        env={**_environment(), MARK_VARIABLE: mark_of(state_dir)},
        log=log,
        cwd=Path("/"),
        note=note_of(state_dir, "warehouse"),
    )
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if not process.alive():
            raise SandboxError(f"the warehouse ended at once: {_last_line(log.read_text(errors='replace'))}")
        if _answers(binaries, dsn):
            return process.pid, dsn
        time.sleep(0.05)
    _terminate(process.pid)
    raise SandboxError(f"the warehouse did not answer within {_READY_SECONDS:.0f} s; see {log}")


def _set_up(binaries: Path, dsn: WarehouseDsn) -> None:
    """Compatibility functions into the template, so that every later database has them; then the first
    database."""
    _psql(binaries, dsn, "template1", _COMPATIBILITY.read_text())
    # psql's own quoting (:'x', :"x") puts the values in; they never meet the statement text here.
    statements = """
        CREATE ROLE :"admin" LOGIN CREATEDB CREATEROLE PASSWORD :'admin_password';
        GRANT pg_monitor, pg_signal_backend, pg_read_all_settings TO :"admin" WITH ADMIN OPTION;
        CREATE DATABASE :"database" OWNER :"admin";
        \\connect :"database"
        ALTER SCHEMA public OWNER TO :"admin";
        GRANT ALL ON SCHEMA public TO PUBLIC;
    """
    variables = {"admin": dsn.admin_user, "database": dsn.database}
    _psql(
        binaries, dsn, "postgres", f"\\getenv admin_password LANDFALL_ADMIN_PASSWORD\n{statements}", variables
    )


def _psql(
    binaries: Path, dsn: WarehouseDsn, database: str, statements: str, variables: dict[str, str] | None = None
) -> None:
    """Run set-up statements as the superuser; passwords travel in the environment of the child only."""
    command = [str(binaries / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    for name, value in (variables or {}).items():
        command += ["-v", f"{name}={value}"]
    environment = {
        **_environment(),
        "PGHOST": dsn.host,
        "PGPORT": str(dsn.port),
        "PGUSER": dsn.user,
        "PGPASSWORD": dsn.password,
        "PGDATABASE": database,
        "LANDFALL_ADMIN_PASSWORD": dsn.admin_password,
    }
    done = subprocess.run(
        command, input=statements, capture_output=True, text=True, env=environment, cwd="/", check=False
    )
    if done.returncode:
        raise SandboxError(f"the warehouse could not be set up: {_last_line(done.stderr)}")


def _answers(binaries: Path, dsn: WarehouseDsn) -> bool:
    """Whether the server takes connections."""
    command = [str(binaries / "pg_isready"), "-q", "-h", dsn.host, "-p", str(dsn.port)]
    return subprocess.run(command, env=_environment(), cwd="/", check=False).returncode == 0


def _postmaster(data: Path) -> int | None:
    """Process id of the server of `data`; a lock whose process is gone, or is another program, counts as
    none."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        arguments = Path(f"/proc/{pid}/cmdline")
        if arguments.parent.parent.joinpath("self").exists():
            words = arguments.read_bytes().split(b"\0")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            return pid if str(data).encode() in words and state != "Z" else None
        os.kill(pid, 0)
        return pid
    except (OSError, ValueError, IndexError):
        return None


def _terminate(pid: int) -> None:
    """Fast shutdown (SIGINT: sessions are ended), immediate shutdown (SIGQUIT) when that takes too long."""
    for sent, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, sent)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _gone(pid):
                return
            time.sleep(0.02)


def _gone(pid: int) -> bool:
    """Whether the process has ended; our own child is reaped on the way."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _environment() -> dict[str, str]:
    """A small environment: no PG* variable of the caller may reach the server or its tools."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/"}


def _free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port_is_free(port: int) -> bool:
    """Whether the port can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _last_line(text: str) -> str:
    """The last line that tells an error, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "ERROR:" in line or "FATAL:" in line]
    return (told or lines or ["no message"])[-1]
