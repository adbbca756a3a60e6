"""The parent of one daemon: waits for its end and notes how it ended. Standard library only.

Run as `python -I -S waiter.py NOTE REPORT COMMAND...`. A daemon outlives the command that started it, and
only a parent is told how its child ended; without one nobody could say later that the emulator was killed.
NOTE is the file that gets the ending, REPORT the descriptor that gets the daemon's process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

_ASKED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NOT_STARTED: Final = 127


def main(note: Path, report: int, command: list[str]) -> None:
    """Start the command in a session of its own, wait for it and write the note."""
    # Whoever ends the sandbox asks every process of it; this one goes when its child has gone.
    for number in _ASKED:
        signal.signal(number, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        try:
            for number in _ASKED:
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            os.close(report)
            os.execvp(command[0], command)  # noqa: S606 - no shell is the point
        except OSError as refused:
            os.write(2, f"{command[0]}: {refused.strerror}\n".encode())
        finally:
            os._exit(_NOT_STARTED)
    os.write(report, f"{child}\n".encode())
    os.close(report)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    partial = note.with_name(f".{note.name}.{child}")
    # The folder is gone where the sandbox was discarded meanwhile: nobody asks any more.
    with contextlib.suppress(OSError):
        partial.write_text(json.dumps({"pid": child, "code": code, "at": time.time()}))
        partial.replace(note)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
