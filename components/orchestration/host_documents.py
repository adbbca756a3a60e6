"""Systems Manager documents of the ETL hosts: run one job, install the runner.

Pure functions. Parameters reach the shell only through patterns that leave no character to quote with: a
value that does not match is refused by Systems Manager before any host sees it. (source: AWS Systems Manager
User Guide, "Data elements and parameters", `allowedPattern`; specs/rsql-orchestration "Ours" 6)
"""

from __future__ import annotations

from typing import Any, Final

from landfall.archives import LARGEST_BUNDLE, MOST_FILES

HOST_ROOT: Final = "/opt/landfall"
"""Where a host keeps runner and scripts; `LANDFALL_HOST_ROOT` in the agent's environment moves it."""

JOB_PATTERN: Final = "^[A-Za-z0-9+/=]+$"
BUCKET_PATTERN: Final = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
KEY_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,511}$"
SHA256_PATTERN: Final = "^[0-9a-f]{64}$"

LONGEST_COMMAND_SECONDS: Final = 172_800
"""Systems Manager ends a command after 48 hours at the latest; the runner enforces the job's own limit."""
_INSTALL_SECONDS: Final = 600

_INSTALLER: Final = """\
import fcntl
import hashlib
import os
import shutil
import stat
import sys
import zipfile
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

LARGEST = @LARGEST@
MOST = @MOST@


def fail(message):
    sys.stderr.write("ERROR: " + message + "\\n")
    raise SystemExit(1)


def hash_of(path):
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def unpack(archive, folder):
    # Everything is looked at before anything is written.
    entries = archive.infolist()
    if len(entries) > MOST or sum(entry.file_size for entry in entries) > LARGEST:
        fail("the bundle is too large: more than %d files or %d bytes" % (MOST, LARGEST))
    seen = set()
    for entry in entries:
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        parts = name.rstrip("/").split("/")
        if {"", ".", ".."} & set(parts) or "\\\\" in name or not name.isprintable():
            fail("the bundle holds the path " + ascii(name[:200]))
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            fail("the bundle holds something that is no plain file: " + ascii(name[:200]))
        if name in seen:
            fail("the bundle holds the path twice: " + ascii(name[:200]))
        seen.add(name)
    for entry in entries:
        target = folder.joinpath(*entry.filename.split("/"))
        if entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        target.chmod(0o755 if entry.external_attr >> 16 & stat.S_IXUSR else 0o644)


def main(bucket, key, sha256):
    os.umask(0o022)
    root = Path(os.environ.get("LANDFALL_HOST_ROOT") or "@HOST_ROOT@")
    versions = root / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    with (root / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        version = versions / sha256
        if not version.is_dir():
            part = versions / (sha256 + ".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            bundle = versions / (sha256 + ".zip")
            try:
                region = os.environ.get("AWS_SSM_REGION_NAME")
                boto3.client("s3", region_name=region).download_file(bucket, key, str(bundle))
                found = hash_of(bundle)
                if found != sha256:
                    fail("the bundle has the hash " + found + ", not the one that was announced")
                with zipfile.ZipFile(bundle) as archive:
                    unpack(archive, part)
                part.rename(version)
            finally:
                bundle.unlink(missing_ok=True)
                shutil.rmtree(part, ignore_errors=True)
        link = root / "current.part"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("versions") / sha256)
        link.replace(root / "current")
    sys.stdout.write("installed " + sha256 + "\\n")


try:
    main(*sys.argv[1:])
except (Boto3Error, BotoCoreError, ClientError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
    fail("the bundle cannot be installed: " + str(error))
except (OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
    fail("the bundle cannot be unpacked: " + str(error))
"""


def run_job_document() -> dict[str, Any]:
    """The document that runs one job; `Job` is base64 of its JSON document.

    Shell and runner are one process group, which a cancelled command ends as a whole. A runner that is killed
    alone, as where memory runs out, is reported by its guard; one that was killed before it had a guard is
    reported from here, so that nobody waits for heartbeats of the dead.
    """
    runner = f"python3 \"${{LANDFALL_HOST_ROOT:-{HOST_ROOT}}}/current/runner.pyz\" '{{{{ Job }}}}'"
    commands = [runner, "code=$?", f'[ "$code" -lt 128 ] || {runner} lost', 'exit "$code"']
    return {
        "schemaVersion": "2.2",
        "description": "Run one job of an ETL workflow on this host and report to the workflow.",
        "parameters": {
            "Job": {
                "type": "String",
                "description": "The job: base64 of a JSON document.",
                "allowedPattern": JOB_PATTERN,
            }
        },
        "mainSteps": [_shell("runJob", commands, LONGEST_COMMAND_SECONDS)],
    }


def install_runner_document() -> dict[str, Any]:
    """The document that installs a bundle: fetch, verify the hash, unpack beside, switch over.

    The switch is the rename of a symbolic link: jobs that run go on with the version they started from. An
    installed version is not fetched again.
    """
    installer = (
        _INSTALLER.replace("@HOST_ROOT@", HOST_ROOT)
        .replace("@LARGEST@", str(2 * LARGEST_BUNDLE))
        .replace("@MOST@", str(2 * MOST_FILES))
    )
    lines = [
        "exec python3 - '{{ Bucket }}' '{{ Key }}' '{{ Sha256 }}' <<'INSTALLER'",
        *installer.splitlines(),
        "INSTALLER",
    ]
    return {
        "schemaVersion": "2.2",
        "description": "Install the job runner and the scripts of the ETL workflows on this host.",
        "parameters": {
            "Bucket": {
                "type": "String",
                "description": "Bucket of the bundle.",
                "allowedPattern": BUCKET_PATTERN,
            },
            "Key": {"type": "String", "description": "Key of the bundle.", "allowedPattern": KEY_PATTERN},
            "Sha256": {
                "type": "String",
                "description": "SHA-256 of the bundle, hexadecimal.",
                "allowedPattern": SHA256_PATTERN,
            },
        },
        "mainSteps": [_shell("installRunner", lines, _INSTALL_SECONDS)],
    }


def _shell(name: str, lines: list[str], timeout_seconds: int) -> dict[str, Any]:
    return {
        "action": "aws:runShellScript",
        "name": name,
        "precondition": {"StringEquals": ["platformType", "Linux"]},
        "inputs": {"timeoutSeconds": str(timeout_seconds), "runCommand": lines},
    }
