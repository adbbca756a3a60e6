"""The version of runner and scripts that a job runs with: the one of the deployment that its run began under.

An association brings a new bundle to the hosts some seconds, at times minutes, after a deployment has ended;
`current` names the version that was installed last. A job names its bundle: a run right after a deployment
has the scripts as they were deployed, and what is tried again in an older run has those which it began with.
(source: AWS Systems Manager User Guide, "About associations")
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.callback import TaskToken
from handlers.host.clock import Clock
from handlers.host.errors import JobFailed

WAIT_SECONDS = 300.0
_LOOK_SECONDS = 0.5


def other_runner(here: Path, bundle: str) -> Path | None:
    """The runner that a job of `bundle` belongs to; None where it is the one that lies in `here`.

    `here` is the folder of a version, named as the SHA-256 of its bundle. A job without bundle takes any.
    """
    return None if bundle in ("", here.name) else here.parent / bundle / "runner.pyz"


def wait_for(runner: Path, token: TaskToken, heartbeat_seconds: float, clock: Clock) -> bool:
    """Wait until a runner is installed; False when the workflow no longer waits for the job.

    Raises JobFailed when it is not there after 300 seconds.
    """
    beat = clock.monotonic()
    end = beat + WAIT_SECONDS
    while not runner.is_file():
        now = clock.monotonic()
        if now >= end:
            raise JobFailed(
                f"this host did not get the scripts of the deployment (bundle {runner.parent.name[:12]})"
                f" within {WAIT_SECONDS:.0f} s; State Manager says why its association did not install them"
            )
        if now >= beat:
            beat = now + heartbeat_seconds / 3
            # A service that is away for a while is no reason to give the job up.
            with contextlib.suppress(BotoCoreError, ClientError, OSError):
                if not token.heartbeat():
                    return False
        clock.sleep(_LOOK_SECONDS)
    return True
