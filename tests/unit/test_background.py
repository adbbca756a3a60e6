"""The tests hold wherever they are started, in the background of a shell as well."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IN_THE_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]


def test_ctrl_c_reaches_what_tests_start_even_where_the_tests_run_in_the_background() -> None:
    tests = "import os, tests.conftest; os.execvp('sh', ['sh', '-c', 'kill -INT $$; exit 0'])"
    ended = subprocess.run([*IN_THE_BACKGROUND, sys.executable, "-c", tests], cwd=ROOT)
    assert ended.returncode == -signal.SIGINT
