"""From records, history and logs to what a report says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from landfall.report.history import spans_of
from landfall.report.logs import LARGEST_FILE, LogCollector, file_name, stream_prefix
from landfall.report.model import Finding, Guardrail, Span, build_stages, moment, status_of
from tests.report_samples import (
    HOSTILE,
    NOW,
    SampleLogs,
    SampleRun,
    at,
    completed,
    failed,
    hostile,
    job,
    large,
    made,
    retried_history,
    running,
    workflow_record,
)


def test_a_completed_run_has_its_stages_waves_and_seconds() -> None:
    report = completed()
    assert [(s.number, s.title, s.wave, s.status, len(s.jobs)) for s in report.stages] == [
        (1, "Schema and landing tables", "", "Completed", 2),
        (2, "Dimensions, then facts", "wave 1 of 2", "Completed", 2),
        (3, "Dimensions, then facts", "wave 2 of 2", "Completed", 1),
        (4, "Publish", "", "Completed", 2),
    ]
    assert (report.seconds, report.resume_command, report.error_message) == (12.3, "", "")
    orders = report.stages[2].jobs[0]
    assert (orders.kind, orders.seconds, orders.depends_on) == ("sql", 2.5, ("customers.sh", "products.sh"))


def test_a_failed_run_names_its_first_error_and_how_to_go_on() -> None:
    report = failed()
    assert report.first_failed_job is not None and report.first_failed_job.name == "orders"
    assert report.resume_command == "landfall workflow resume nightly_sales-2 --stack sandbox"
    assert report.error_message == 'ERROR: relation "sales.ordrs" does not exist'
    assert [s.status for s in report.stages] == ["Completed", "Completed", "Failed", "Not started"]


def test_attempts_and_waits_between_them_come_from_the_history() -> None:
    (orders,) = failed().stages[2].jobs
    assert [(s.kind, s.status, s.start, s.end, s.error) for s in orders.spans] == [
        ("attempt", "Failed", at(6.9), at(8.2), "StatementFailed: no such table"),
        ("wait", "Waiting", at(8.2), at(17.2), ""),
        ("attempt", "Failed", at(17.2), at(18.9), orders.error_name + ": " + orders.error_message),
    ]
    assert (orders.start, orders.seconds) == (at(6.9), 12.0)


def test_events_of_parallel_jobs_are_told_apart_by_the_event_they_follow() -> None:
    spans = spans_of(retried_history().events)
    assert list(spans.jobs) == [(3, 1)]
    assert spans.stages == {1: [Span(kind="precondition", status="Completed", start=at(0.2), end=at(0.6))]}


@pytest.mark.parametrize(
    ("ending", "status"), [("MapIterationFailed", "Failed"), ("MapIterationAborted", "Aborted")]
)
def test_a_precondition_that_is_not_met_fails_its_stage(ending: str, status: str) -> None:
    history = retried_history()
    events = [dict(event) for event in history.events[:6]]
    events[5]["type"] = ending
    run = SampleRun(
        workflow=workflow_record("nightly_sales-9", "Failed", 3),
        jobs=[],
        events=events,
        execution_status="FAILED",
    )
    stage = made(run, SampleLogs()).stages[0]
    assert (stage.status, [job.status for job in stage.jobs]) == (status, ["Not started", "Not started"])


def test_a_job_that_waits_for_another_attempt_shows_the_wait() -> None:
    events = retried_history().events[:17]
    record = job("nightly_sales-2", 3, 1, "orders", 6.9, 8.2, status="Failed", kind="sql")
    run = SampleRun(
        workflow=workflow_record("nightly_sales-2", "Running", None), jobs=[record], events=events
    )
    (orders,) = made(run, SampleLogs()).stages[2].jobs
    assert [(s.kind, s.end) for s in orders.spans] == [("attempt", at(8.2)), ("wait", None)]


def test_without_history_earlier_attempts_come_from_their_logs() -> None:
    logs = SampleLogs()
    stem = "nightly_sales/nightly_sales-7/001.0001.create_schema.sh"
    logs.add(f"{stem}/1", ["begins", "breaks"], 1)
    logs.add(f"{stem}/2", ["begins"], 11)
    record = job("nightly_sales-7", 1, 1, "create_schema.sh", 11, 12, attempt=2)
    run = SampleRun(workflow=workflow_record("nightly_sales-7", "Completed", 12.5), jobs=[record])
    (first,) = made(run, logs).jobs
    assert [(s.kind, s.attempt, s.status) for s in first.spans] == [
        ("attempt", 1, "Failed"),
        ("wait", 1, "Waiting"),
        ("attempt", 2, "Completed"),
    ]
    assert first.seconds == pytest.approx(11.0)


def test_a_running_run_says_as_of_when_and_what_is_to_come() -> None:
    report = running()
    assert (report.as_of, report.seconds, report.end) == (NOW, 90.0, None)
    assert [s.status for s in report.stages] == ["Running", "Not started", "Not started", "Not started"]
    assert report.resume_command == ""


def test_only_a_run_that_has_ended_is_independent_of_the_clock() -> None:
    assert completed().as_of is None and failed().as_of is None


def test_a_completed_run_is_not_told_of_jobs_that_its_definition_got_later() -> None:
    record = job("nightly_sales-8", 1, 1, "create_schema.sh", 0, 1)
    run = SampleRun(workflow=workflow_record("nightly_sales-8", "Completed", 2), jobs=[record])
    assert [j.name for j in made(run, SampleLogs()).jobs] == ["create_schema.sh"]


def test_skipped_jobs_tell_in_which_run_they_were_completed() -> None:
    record = job("r", 1, 1, "a.sh", 0, 0, status="Skipped", attempt=0, completed_in="earlier")
    stages = build_stages([record], (), run_status="Completed", job_spans={}, stage_spans={}, logs={})
    (only,) = stages[0].jobs
    assert (stages[0].status, only.completed_in, only.spans) == ("Skipped", "earlier", ())


def test_records_that_make_no_sense_are_shown_and_break_nothing() -> None:
    odd = {"job_id": "x", "execution_status": "Exploded", "execution_start_ts": "yesterday", "attempt": "-"}
    stages = build_stages([odd, {}], (), run_status="Failed", job_spans={}, stage_spans={}, logs={})
    assert [(j.name, j.status, j.start) for j in stages[0].jobs] == [
        ("x", "Unknown", None),
        ("(no name)", "Unknown", None),
    ]
    assert stages[0].status == "Unknown"


@pytest.mark.parametrize("text", [None, "", "soon", 7, "2026-13-01T00:00:00Z"])
def test_what_is_no_timestamp_is_none(text: object) -> None:
    assert moment(text) is None


def test_a_status_outside_the_contract_is_unknown() -> None:
    assert (status_of("Completed"), status_of("completed"), status_of(None)) == (
        "Completed",
        "Unknown",
        "Unknown",
    )


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ((), "Holds"),
        ((Finding(resource="b", message="m", level="mandatory"),), "Violated"),
        ((Finding(resource="b", message="m", level="advisory"),), "Advised"),
        ((Finding(resource="b", message="m", level="advisory", waived=True),), "Waived"),
    ],
)
def test_a_rules_verdict_is_the_worst_of_its_findings(findings: tuple[Finding, ...], verdict: str) -> None:
    rule = Guardrail(name="n", severity="low", level="mandatory", description="d", findings=findings)
    assert rule.verdict == verdict


def test_the_source_design_is_only_compared_with_a_run_that_did_every_job() -> None:
    def of(status: str) -> object:
        records = [{**job("e", 1, 1, "a.sh", 0, 1, status=status)}]
        record = {**workflow_record("e", "Completed", 2), "workflow_id": "blog_test_workflow"}
        return made(SampleRun(workflow=record, jobs=records), SampleLogs()).source_design

    assert of("Completed") is not None
    assert of("Skipped") is None


def test_commands_quote_what_a_shell_would_take_apart() -> None:
    run = SampleRun(workflow=workflow_record("a b;rm", "Failed", 2), jobs=[], execution_status="FAILED")
    assert made(run, SampleLogs()).resume_command == "landfall workflow resume 'a b;rm' --stack sandbox"


def test_the_data_is_json_with_times_in_utc() -> None:
    data = json.loads(json.dumps(failed().to_json()))
    assert data["start"] == "2026-11-21T14:00:00.000Z"
    assert data["stages"][2]["jobs"][0]["spans"][1]["kind"] == "wait"
    assert data["guardrails"]["rules"][0]["verdict"] == "Holds"


def test_whole_logs_become_files_and_the_page_keeps_their_ends(tmp_path: Path) -> None:
    report = completed(tmp_path)
    (log,) = report.jobs[0].logs
    assert log.file == "logs/0001-001.0001.create_schema.sh-1.log"
    lines = (tmp_path / log.file).read_text(encoding="utf-8").splitlines()
    assert (len(lines), log.total) == (21, 21)
    assert lines[0] == "2026-11-21T14:00:00.700Z  step 1 of create_schema.sh"
    assert log.lines[-1].text == "[landfall] Completed, exit code 0"


def test_a_log_without_end_fills_neither_memory_nor_disk(tmp_path: Path) -> None:
    record = job("e", 1, 1, "chatty.sh", 0, 1)
    prefix = stream_prefix("nightly_sales", "e")
    collector = LogCollector([record], prefix, tmp_path)
    stream = str(record["log_stream"])
    collector.read((stream, number, "y" * 1000) for number in range(5_000))
    (log,) = collector.logs()[str(record["job_id"])]
    assert (log.total, len(log.lines), log.complete) == (5_000, 40, False)
    assert log.file is not None and (tmp_path / log.file).stat().st_size <= LARGEST_FILE


def test_streams_of_other_runs_and_jobs_are_left_out(tmp_path: Path) -> None:
    collector = LogCollector([job("e", 1, 1, "a.sh", 0, 1)], stream_prefix("nightly_sales", "e"), tmp_path)
    collector.read(
        [
            ("nightly_sales/e/009.0009.b.sh/1", 0, "x"),
            ("other/e/001.0001.a.sh/1", 0, "x"),
            ("nightly_sales/e/001.0001.a.sh/one", 0, "x"),
        ]
    )
    assert collector.logs() == {} and list(tmp_path.iterdir()) == []


def test_log_streams_are_asked_for_once_whatever_the_number_of_jobs() -> None:
    logs = SampleLogs()
    records = [job("e", 1, n, f"j{n}.sh", 0, 1) for n in range(1, 50)]
    made(SampleRun(workflow=workflow_record("e", "Completed", 2), jobs=records), logs)
    assert logs.asked == ["nightly_sales/e/"]


@pytest.mark.parametrize("name", ["../../etc/passwd", HOSTILE, "A" * 400, "…", "", "a/b\\c:d", "."])
def test_log_files_stay_in_their_folder(name: str) -> None:
    path = Path(file_name(3, name, 2))
    assert path.parts[0] == "logs" and len(path.parts) == 2
    assert len(path.name) < 130 and path.name.startswith("0003-")


def test_hostile_job_names_write_nothing_outside_the_folder(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "report"
    place.mkdir(parents=True)
    hostile(place)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 4 and all(path.parent == place / "logs" for path in written)


def test_a_large_run_keeps_every_job() -> None:
    report = large()
    assert (len(report.jobs), report.count("Failed"), report.count("Completed")) == (300, 1, 299)
