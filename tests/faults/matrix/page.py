"""``docs/fault-matrix.md`` from the results. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.faults.matrix.cases import FAULTS
from tests.faults.matrix.coverage import UNREACHABLE, Coverage
from tests.faults.matrix.evidence import DELIVERED_TWICE
from tests.faults.matrix.run import Matrix, Result

_HEAD: Final = Path(__file__).with_name("head.md")


def page(matrix: Matrix, covered: Coverage, machine: str) -> str:
    """The whole page: head, verdict, table, runs without a fault, coverage, violations."""
    faulty = [result for result in matrix.results if result.fault]
    besides = [result for result in matrix.results if not result.fault]
    head = _HEAD.read_text(encoding="utf-8")
    for name, text in {
        "verdict": verdict(matrix),
        "coverage": "\n".join(f"- {line}" for line in coverage_lines(covered)),
        "seconds": f"{matrix.seconds:.0f}",
        "machine": machine,
        "repeated": " ".join(f"`{state}`: {why}." for state, why in DELIVERED_TWICE.items()),
    }.items():
        head = head.replace("{" + name + "}", text)
    return "\n".join([head.rstrip(), "", *_table(faulty), "", *_besides(besides), *_problems(matrix)]) + "\n"


def verdict(matrix: Matrix) -> str:
    """How many cases held every invariant."""
    faulty = [result for result in matrix.results if result.fault]
    good = sum(result.ok for result in faulty)
    states = len({result.state for result in faulty})
    return f"{good} of {len(faulty)} cases hold every invariant ({states} Task states, {len(FAULTS)} faults)"


def coverage_lines(covered: Coverage) -> list[str]:
    """Shares of states and edges, and by name what is missing."""
    entered, states = len(covered.entered), len(covered.states)
    lines = [_share("States", entered, states, [str(name) for name in covered.missing_states])]
    for kind, name in (("retry", "Retry edges"), ("catch", "Catch edges"), ("next", "Next edges")):
        lines.append(_share(name, *covered.share(kind), [str(edge) for edge in covered.missing(kind)]))
    return lines


def _share(name: str, taken: int, of: int, missing: Sequence[str]) -> str:
    text = f"{name}: {taken} of {of} ({100 * taken / of:.1f} %)"
    for edge in missing:
        text += f"\n  - not taken: `{edge}`" + (f" ({UNREACHABLE[edge]})" if edge in UNREACHABLE else "")
    return text


def cell(result: Result) -> str:
    """``Failed ×6 ✉1 ↻``: end of the workflow's record, calls, failure notifications, resumed."""
    if result.seen is None:
        return "**not judged**"
    run = result.seen.faulty
    words = ["Refused" if run.refused else str(run.record.get("execution_status", "?"))]
    if result.attempts:
        words.append(f"×{result.attempts}")
    if run.failures:
        words.append(f"✉{len(run.failures)}")
    if result.seen.resumed:
        done = result.seen.resumed[-1].record.get("execution_status") == "Completed"
        words.append("↻" if done else "**not resumed**")
    text = " ".join(words)
    return text if result.ok else f"**{text} !**"


def _table(results: Sequence[Result]) -> list[str]:
    names = [fault.name for fault in FAULTS]
    cells = {(result.state, result.fault): cell(result) for result in results}
    lines = ["| state | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for state in dict.fromkeys(result.state for result in results):
        lines.append(f"| {state} | " + " | ".join(cells.get((state, name), "") for name in names) + " |")
    return lines


def _besides(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    return [
        "## Runs without a fault",
        "",
        "They take the transitions to which no fault of a call leads.",
        "",
        "| run | lane | end |",
        "|---|---|---|",
        *(f"| {result.state} | {result.lane} | {cell(result)} |" for result in results),
        "",
    ]


def _problems(matrix: Matrix) -> list[str]:
    bad = [result for result in matrix.results if not result.ok]
    if not bad:
        return []
    return ["## Violations", "", *(f"- {line(result)}" for result in bad), ""]


def line(result: Result) -> str:
    """One result in one line."""
    text = f"{result.state} / {result.fault or 'no fault'} [{result.lane}]: {cell(result)}"
    return f"{text} ({result.seconds:.1f} s)" + "".join(f"; {problem}" for problem in result.problems)
