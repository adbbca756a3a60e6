"""A JSON file that a command is given: read with bounds, whatever the file is."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, Final

from landfall.cli.exits import CommandError, Exit
from landfall.config.errors import printable

LARGEST: Final = 256 * 1024 * 1024
"""Bytes; the plan of 10,000 resources has some 30 MB."""


def read_json(path: Path, largest: int = LARGEST) -> Any:
    """The value in a plain file. Raises ``CommandError`` with one sentence for anything else.

    Looked at before it is opened: to open a pipe waits for whoever writes into it.
    """
    shown = printable(str(path))
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise CommandError(f"cannot read {shown}: it is not a plain file", Exit.INVALID)
        if found.st_size > largest:
            raise CommandError(f"{shown} is larger than {largest // 2**20} MiB", Exit.INVALID)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot read {shown}: {error.strerror}", Exit.INVALID) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{shown} is not JSON: it is not UTF-8", Exit.INVALID) from error
    except ValueError as error:
        raise CommandError(f"cannot read {shown}: no file has such a name", Exit.INVALID) from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(f"{shown} is not JSON: {error}", Exit.INVALID) from error
    except (ValueError, RecursionError) as error:  # numbers without end, brackets without end
        raise CommandError(
            f"{shown} is not JSON that anybody wrote: it is too deep or too long", Exit.INVALID
        ) from error
