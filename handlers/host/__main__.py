"""Entry of the zip application: `python3 runner.pyz BASE64`; the scripts lie next to it in `scripts/`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def _has_boto3() -> bool:
    """Whether boto3 is there. Only what it stands on is loaded, which every job needs anyway."""
    try:
        import botocore.session  # noqa: F401
    except ImportError:
        return False
    return find_spec("boto3") is not None


def _main() -> int:
    if sys.version_info < (3, 9):  # noqa: UP036 - the host decides what python3 is
        sys.stderr.write("the job runner needs Python 3.9 or later as python3\n")
        return 2
    if not _has_boto3():
        sys.stderr.write("the job runner needs boto3 for python3: install the package python3-boto3\n")
        return 2
    from handlers.host.runner import main

    # The archive is reached over the symlink `current`; the run stays with the version it started from.
    return main(sys.argv[1:], Path(sys.argv[0]).resolve().parent / "scripts", os.environ)


if __name__ == "__main__":
    raise SystemExit(_main())
