"""``make kills``: kill -9 at random moments, many times, and whether everything recovers.

Victims are the emulator, PostgreSQL, the job runner on a host, and ``landfall`` itself. A round starts a
command, kills the victim at a seeded random moment, and checks that the next commands say what happened and
bring the workflow to Completed with all its rows; that no command hangs; that no record stays Running; and,
after ``sandbox down``, that no process is left.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.kills_rounds import VICTIMS, Bench, Broken, Round
from benchmarks.progress import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the rounds; 1 where one of them failed."""
    options = _options(arguments)
    bench = Bench(options.name, seed=options.seed, bound=options.bound)
    rounds: list[Round] = []
    began = time.monotonic()
    try:
        up, run = bench.warm_up()
        say(f"undisturbed: start and deployment {up:.1f} s, run {run:.1f} s")
        for victim in options.victim or VICTIMS:
            for number in range(1, options.count + 1):
                if options.minutes and time.monotonic() - began > 60 * options.minutes:
                    say(f"{options.minutes:g} minutes are over")
                    break
                rounds.append(bench.play(victim, number))
                say(_line(rounds[-1], options.count))
                if number % options.down_every == 0 or number == options.count:
                    _down(bench, rounds[-1])
                _write(options.json, rounds, up, run)
    except Broken as broken:
        say(f"the sandbox does not work undisturbed: {broken}")
        return 1
    finally:
        bench.landfall("sandbox", "down", "--discard")
    print(table(rounds))
    return int(any(round_.failure for round_ in rounds))


def table(rounds: Sequence[Round]) -> str:
    """The figures as a Markdown table, and every failure."""
    lines = [
        "| victim | rounds | hit | failures | recovery, median | recovery, longest |",
        "|---|---|---|---|---|---|",
    ]
    for victim in dict.fromkeys(round_.victim for round_ in rounds):
        of = [round_ for round_ in rounds if round_.victim == victim]
        seconds = [round_.recovery_seconds for round_ in of if round_.recovery_seconds is not None]
        middle, longest = (statistics.median(seconds), max(seconds)) if seconds else (0.0, 0.0)
        lines.append(
            f"| {victim} | {len(of)} | {sum(round_.hit for round_ in of)} | "
            f"{sum(round_.failure is not None for round_ in of)} | {middle:.1f} s | {longest:.1f} s |"
        )
    lines += [f"\n{_line(round_, 0)}" for round_ in rounds if round_.failure]
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kills",
        description="Kill -9 at random moments, and whether everything recovers.",
        epilog="Example: python -m benchmarks.kills --victim postgres --count 5 --seed 7",
    )
    parser.add_argument("--count", type=int, default=50, help="rounds for each victim (50)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    parser.add_argument("--victim", action="append", choices=VICTIMS, help="all by default; may be repeated")
    parser.add_argument("--bound", type=float, default=300.0, help="seconds no command may exceed (300)")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after this long (never)")
    parser.add_argument(
        "--down-every", type=int, default=10, help="rounds between two looks for orphans (10)"
    )
    parser.add_argument("--name", default=f"kills-{os.getpid()}", help="of the sandbox")
    parser.add_argument("--json", type=Path, help="file for every round")
    return parser.parse_args(arguments)


def _down(bench: Bench, round_: Round) -> None:
    try:
        bench.down()
    except Broken as broken:
        round_.failure = "; ".join(filter(None, (round_.failure, str(broken))))
        say(f"  FAILED: {broken}")


def _line(round_: Round, count: int) -> str:
    of = f"/{count}" if count else ""
    recovered = "—" if round_.recovery_seconds is None else f"{round_.recovery_seconds:.1f} s"
    text = (
        f"{round_.victim} {round_.number}{of}: {round_.command}, killed after {round_.after:.2f} s"
        f"{'' if round_.hit else ' (nothing was there to kill)'}, exit {round_.code}, recovery {recovered}"
    )
    for said in (round_.said, *round_.next_said):
        text += f"\n  {said}" if said else ""
    return f"{text}\n  FAILED: {round_.failure}" if round_.failure else text


def _write(path: Path | None, rounds: Sequence[Round], up: float, run: float) -> None:
    if path is None:
        return
    document = {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}",
        "undisturbed": {"up_seconds": up, "run_seconds": run},
        "rounds": [asdict(round_) for round_ in rounds],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
