"""``make soak``: a thousand workflow runs, eight at once, every fifth with a fault; is every record there?

The stack ``sandbox`` is deployed as a user would deploy it: the real state machine with its real times and
roles, the closing function, the job runner on the host, PostgreSQL. Which run does what and meets which fault
is drawn from the seed. Faults are those of the fault matrix.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.progress import say
from benchmarks.soak_audit import FINAL, Audit, Ran, audit
from landfall.cli.demo import WORKFLOW
from landfall.cli.session import Session, open_session
from sandbox import launcher
from sandbox.faults import Faults
from sandbox.paths import REPOSITORY
from sandbox.warehouse import DSN_FILE, read_dsn
from tests.faults.matrix.__main__ import MACHINE
from tests.faults.matrix.cases import FAULTS, Case, cases
from workflows.items import marshal

PAGE: Final = REPOSITORY / "docs" / "soak.md"
LEDGER: Final = "soak_ledger"
SCRIPT: Final = "rsql_blog_script_3.sh"
RUN_SECONDS: Final = 600.0
"""Longest wait for one run; two hanging calls in a row take two minutes."""
BEGUN_APART: Final = 50
"""More runs than these that were never begun mean that no later one was."""
SETTLE_SECONDS: Final = 120.0
"""Longest wait for the closing function after the last run."""

_PLANE: Final = ("ReadConfiguration", "StartAudit", "Complete")
_SQL: Final = (
    "RecordRunning (full)",
    "RecordStatement (full)",
    "DescribeStatement (full)",
    "RecordCompleted (full)",
)
SHAPES: Final[Mapping[str, tuple[float, tuple[str, ...]]]] = {
    "sql": (0.55, (*_PLANE, *_SQL, "ExecuteStatement (full)")),
    "sql batch": (0.25, (*_PLANE, *_SQL, "ExecuteBatch (full)", "RecordSkipped (full)")),
    "rsql": (0.20, (*_PLANE, "RunScript")),
}
"""What a run does: its share of the runs, and the states in which a fault can meet it."""


@dataclass(frozen=True)
class Plan:
    """One run, before it begins."""

    workflow: str
    shape: str
    case: Case | None

    @property
    def execution(self) -> str:
        """Id of its one execution."""
        return f"{self.workflow}.1"

    def stages(self) -> list[dict[str, Any]]:
        """The workflow's stages: two jobs with effects; in a batch also a stage that is switched off."""
        if self.shape == "rsql":
            return [_stage(SCRIPT, "y")]
        load = f"insert into {LEDGER} values ('{self.workflow}', "  # noqa: S608 - names of our own
        batch = self.shape == "sql batch"
        first = [f"{load}'load')", "select 1"] if batch else f"{load}'load')"
        stages = [_stage(_sql("load", first), "y"), _stage(_sql("report", f"{load}'report')"), "y")]
        return [*stages, _stage(_sql("off", "select 1"), "n")] if batch else stages

    def effects(self) -> tuple[str, ...]:
        """Names of its jobs that leave a row, in order."""
        return (SCRIPT,) if self.shape == "rsql" else ("load", "report")


def _sql(name: str, sql: Any) -> dict[str, Any]:
    return {"kind": "sql", "name": name, "sql": sql, "timeout_seconds": 60}


def _stage(job: Any, flag: str) -> dict[str, Any]:
    return {"execution_flag": flag, "execution_type": "sequential", "scripts": [job]}


def plans(count: int, share: float, seed: int) -> list[Plan]:
    """The runs, the same ones for the same numbers; exactly `share` of them meet a fault."""
    draw = random.Random(seed)  # noqa: S311 - a repeatable draw is the point
    by_state: dict[str, list[Case]] = {}
    for case in cases(MACHINE):
        by_state.setdefault(case.state, []).append(case)
    faulty = set(draw.sample(range(count), round(share * count)))
    names = list(SHAPES)
    found = []
    for number in range(count):
        shape = draw.choices(names, [SHAPES[name][0] for name in names])[0]
        state = draw.choice(SHAPES[shape][1])
        case = draw.choice(by_state[state])
        found.append(Plan(f"soak{number:05d}", shape, case if number in faulty else None))
    return found


class Soak:
    """Runs plans on the deployed stack."""

    def __init__(self, session: Session) -> None:
        if session.sandbox is None:
            raise RuntimeError("the sandbox is not running")
        self.session, self.sandbox = session, session.sandbox
        account = session.workflows.account
        self.faults = Faults(self.sandbox)
        self.dynamodb = session.client("dynamodb", account)
        self.states = session.client("stepfunctions", account)
        dsn = read_dsn(self.sandbox.state_dir / DSN_FILE)
        self.database = psycopg.connect(
            host=dsn.host, port=dsn.port, user=dsn.user, password=dsn.password, dbname=dsn.database,
            autocommit=True,
        )  # fmt: skip
        self.database.execute(f"create table if not exists {LEDGER} (workflow varchar(20), job varchar(20))")
        self.database.execute(f"grant all on {LEDGER} to public")

    def play(self, plan: Plan) -> Ran:
        """One run from its configuration to its end."""
        self.dynamodb.put_item(
            TableName=self.session.names.config_table,
            Item=marshal({"workflow_id": plan.workflow, "workflow_stages": plan.stages()}),
        )
        if plan.case is None:
            return self._ended(plan, self.session.runs.start(plan.workflow, plan.execution))
        rule = plan.case.rule(plan.execution).model_copy(update={"id": plan.workflow})
        with self.faults.active(rule):
            found = self._ended(plan, self.session.runs.start(plan.workflow, plan.execution))
            fired = self.faults.fired(plan.workflow)
        return replace(found, fired=fired)

    def _ended(self, plan: Plan, arn: str) -> Ran:
        began = time.monotonic()
        while (found := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() - began > RUN_SECONDS:
                break
            time.sleep(0.5)
        fault = "" if plan.case is None else f"{plan.case.state} / {plan.case.fault.name}"
        return Ran(
            workflow=plan.workflow,
            execution=plan.execution,
            status=found["status"],
            fault=fault,
            shape=plan.shape,
            jobs=plan.effects(),
            seconds=time.monotonic() - began,
        )

    def begun(self, listed: Sequence[Plan]) -> tuple[list[Ran], float]:
        """The runs of these that were begun by a soak that was cut off, and the seconds that they took."""
        found, moments, missing = [], [], 0
        for plan in listed:
            arn = self.session.names.execution_arn(plan.execution)
            try:
                self.states.describe_execution(executionArn=arn)
            except self.states.exceptions.ExecutionDoesNotExist:
                missing += 1  # they begin in order, several at once
                if missing > BEGUN_APART:
                    break
                continue
            found.append(replace(self._ended(plan, arn), fired=None))
            execution = self.states.describe_execution(executionArn=arn)
            moments += [execution["startDate"].timestamp(), execution["stopDate"].timestamp()]
        return found, max(moments) - min(moments) if moments else 0.0

    def settle(self, ran: Sequence[Ran]) -> Audit:
        """The audit after the last closing function has done its work."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            found = self._audit(ran)
            if not found.problems or time.monotonic() > deadline:
                return found
            time.sleep(2)

    def _audit(self, ran: Sequence[Ran]) -> Audit:
        names = self.session.names
        rows = self.database.execute(f"select workflow, job, count(*) from {LEDGER} group by 1, 2")  # noqa: S608
        effects = {(str(workflow), str(job)): int(times) for workflow, job, times in rows}
        [[scripts]] = self.database.execute(
            "select count(*) from rsql_blog.blog_table where script_name = %s", (SCRIPT,)
        ).fetchall()
        return audit(
            ran,
            self._scan(names.workflow_audit_table),
            self._scan(names.job_audit_table),
            effects,
            # The run that tried the deployment left one row.
            scripts={SCRIPT: int(scripts) - 1},
        )

    def _scan(self, table: str) -> list[dict[str, str]]:
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="begins_with(workflow_id, :soak)",
            ExpressionAttributeValues={":soak": {"S": "soak0"}},
            ConsistentRead=True,
        )
        return [
            {name: str(next(iter(value.values()))) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the runs and tells the verdict; 1 where a record is lost, doubled or left Running."""
    options = _options(arguments)
    os.environ["LANDFALL_SANDBOX_NAME"] = options.name
    listed = plans(options.count, options.share, options.seed)
    try:
        if options.audit:
            soak = Soak(open_session("sandbox"))
            ran, seconds = soak.begun(listed)
        else:
            soak = _deployed()
            ran, seconds = _play(soak, listed, options)
        found = soak.settle(ran)
    finally:
        launcher.down(options.name, discard=True)
    text = page(options, ran, found, seconds)
    if options.json:
        document = {"seconds": seconds, "runs": [vars(run) for run in ran], "problems": found.problems}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    print(text)
    return int(bool(found.problems))


def _deployed() -> Soak:
    began = time.monotonic()
    _landfall("sandbox", "up")
    _landfall("workflow", "run", WORKFLOW)  # makes the tables of the scripts
    say(f"deployed and tried in {time.monotonic() - began:.0f} s")
    return Soak(open_session("sandbox"))


def _play(soak: Soak, listed: Sequence[Plan], options: argparse.Namespace) -> tuple[list[Ran], float]:
    began = time.monotonic()
    until = began + 60 * options.minutes if options.minutes else math.inf
    ran: list[Ran] = []
    with ThreadPoolExecutor(options.parallel) as pool:
        for done in pool.map(lambda plan: soak.play(plan) if time.monotonic() < until else None, listed):
            if done is None:
                continue
            ran.append(done)
            if len(ran) % 10 == 0 or len(ran) == len(listed):
                rate = len(ran) / (time.monotonic() - began)
                ended = Counter(run.status for run in ran)
                say(f"{len(ran)}/{len(listed)} runs, {rate:.2f} a second, {dict(ended)}")
    return ran, time.monotonic() - began


def page(options: argparse.Namespace, ran: Sequence[Ran], found: Audit, seconds: float) -> str:
    """The figures as a Markdown page."""
    faulty = [run for run in ran if run.fault]
    by_fault = Counter(run.fault.partition(" / ")[2] for run in faulty)
    failed = Counter(run.fault.partition(" / ")[2] for run in faulty if run.status != "SUCCEEDED")
    shapes = Counter(run.shape for run in ran)
    lines = [
        "# Soak",
        "",
        "Generated by `make soak`; do not edit. Faults are those of the [fault matrix](fault-matrix.md), on",
        "the deployed `sandbox` stack with its real times, roles, closing function and host.",
        "",
        f"**{found.verdict()}.**",
        "",
        "| | |",
        "|---|---|",
        f"| runs | {_of(len(ran), options.count)}, {options.parallel} at once, seed {options.seed} |",
        f"| kinds | {', '.join(f'{count} {shape}' for shape, count in sorted(shapes.items()))} |",
        f"| with a fault | {len(faulty)}{_fired(faulty)} |",
        f"| executions ended | {_counted(Counter(run.status for run in ran))} |",
        f"| failed without a fault | {sum(run.status != 'SUCCEEDED' and not run.fault for run in ran)} |",
        f"| workflow records | {found.workflow_records}: {_counted(found.workflow_statuses)} |",
        f"| job records | {found.job_records}: {_counted(found.job_statuses)} |",
        f"| lost, doubled, left Running | {found.lost}, {found.doubled}, {found.running} |",
        f"| time | {seconds:.0f} s, {len(ran) / seconds:.2f} runs a second |",
        f"| machine | {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} |",
        "",
        "Lost is a run without its workflow record or a job's effect without its record; doubled is a second",
        "record, or a job with more effects than attempts; every end must be one of",
        f"{', '.join(FINAL)} and the execution's own.",
        "",
        "| fault | runs | of them failed |",
        "|---|---|---|",
        *(f"| {fault.name} | {by_fault[fault.name]} | {failed[fault.name]} |" for fault in FAULTS),
        "",
    ]
    if found.problems:
        lines += ["## Problems", "", *(f"- {problem}" for problem in found.problems), ""]
    return "\n".join(lines)


def _fired(faulty: Sequence[Ran]) -> str:
    known = [run.fired for run in faulty if run.fired is not None]
    return f"; it met a call in {sum(count > 0 for count in known)} of {len(known)}" if known else ""


def _of(ran: int, count: int) -> str:
    return f"{ran}" if ran == count else f"{ran} of {count}, then it was ended"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _landfall(*words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "landfall.cli", *words], cwd=REPOSITORY, check=True, stdout=sys.stderr
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Many workflow runs with injected faults; is every audit record there, once?",
        epilog="Example: python -m benchmarks.soak --count 40 --seed 7",
    )
    parser.add_argument("--count", type=int, default=1_000, help="runs (1000)")
    parser.add_argument("--parallel", type=int, default=8, help="at once (8)")
    parser.add_argument("--share", type=float, default=0.2, help="of the runs that meet a fault (0.2)")
    parser.add_argument("--seed", type=int, default=1, help="of kinds and faults (1)")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no run after this long (never)")
    parser.add_argument("--name", default=f"soak-{os.getpid()}", help="of the sandbox")
    parser.add_argument(
        "--audit",
        action="store_true",
        help="only the audit of a soak that was killed, by --name",
    )
    parser.add_argument("--json", type=Path, help="file for every run")
    parser.add_argument("--write", action="store_true", help="write docs/soak.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
