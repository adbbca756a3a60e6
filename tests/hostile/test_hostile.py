"""Every hostile input gets one clear error at its door; nothing runs, nothing hangs, nothing grows."""

from __future__ import annotations

import re
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from landfall.archives import function_archive

from .case import Case
from .cases import CASES
from .doors import DOORS, ROOT, Ended, meet, stray
from .emulator import ask
from .page import COMMAND, PATH, page, said

CPU_SECONDS = 20
"""Of this process, for one case; the slowest takes a few."""
WALL_SECONDS = 300
"""For a case that waits instead of working; generous, as machines may be busy."""
MEGABYTES = 400
"""By which a case may raise the peak of this process."""
LONGEST_LINE = 1000
"""Characters of one line that a user is told; longer ones are nobody's."""
_IN_EMULATOR = ("document", "parameter", "function in the emulator")
MET: dict[str, Ended] = {}
"""What the cases of this run got, by id."""


class TooLong(BaseException):
    """A case works or waits for too long."""


@contextmanager
def limited() -> Iterator[None]:
    """Ends the block with `TooLong` when it takes too much time, whatever it waits for."""

    def late(number: int, _frame: FrameType | None) -> None:
        raise TooLong(signal.Signals(number).name)

    before = {number: signal.signal(number, late) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def peak_megabytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def marked(case: Case) -> object:
    marks = [pytest.mark.emulator] if case.door in _IN_EMULATOR else []
    return pytest.param(case, id=case.id, marks=marks)


@pytest.mark.parametrize("case", [marked(case) for case in CASES])
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_a_hostile_input_gets_one_clear_error(case: Case, tmp_path: Path) -> None:
    before = peak_megabytes()
    with limited():
        ended = MET[case.id] = meet(case, tmp_path)
    assert ended.how == case.ends, ended.text[:2000]
    assert case.says in ended.text
    assert "Traceback" not in ended.text
    assert max(map(len, ended.text.splitlines())) <= LONGEST_LINE
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", ended.text), "a terminal would obey it"
    counted = re.search(r"(?m)^(\d+) errors? in \d+ file", ended.text)
    if counted:
        assert int(counted[1]) == case.errors
    else:
        assert case.door != "stack file"
        assert len(ended.text.splitlines()) <= 8, "one error is a few lines"
    assert stray(tmp_path, case) == []
    assert peak_megabytes() - before < MEGABYTES


def test_every_case_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []


def test_every_door_is_used() -> None:
    assert {case.door for case in CASES} == set(DOORS)


@pytest.mark.emulator
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_the_page_says_what_came_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    for case in CASES:
        if case.id not in MET:
            MET[case.id] = meet(case, tmp_path_factory.mktemp("case"))
    assert PATH.read_text(encoding="utf-8") == page(MET), f"renew it with: {COMMAND}"


def test_of_many_errors_the_page_shows_one_and_their_number() -> None:
    report = (
        "stacks/a.yaml:2:1  LF0101  x\n  unknown key.\n  2 | y: 1\n    | ^\n\n"
        "stacks/a.yaml:3:1  LF0101  z\n  unknown key.\n\n"
        "landfall explain LF0101 says more about an error.\n2 errors in 1 file"
    )
    assert said(report) == ["stacks/a.yaml:2:1  LF0101  x", "unknown key.", "… 1 more of the kind"]
    assert said("hash " + "0" * 64) == ["hash <sha256>"]


@pytest.mark.emulator
def test_the_archives_of_our_own_functions_are_unpacked(tmp_path: Path) -> None:
    archive = function_archive("start_workflow", ROOT)
    assert ask({"archive": str(archive.path), "folder": str(tmp_path)}) == ("unpacked", "")
    assert (tmp_path / "handlers" / "start_workflow" / "handler.py").is_file()
