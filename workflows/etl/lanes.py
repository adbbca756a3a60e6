"""The Stages Map of each lane.

The same three levels everywhere: Stages, one after the other; inside, a stage's Jobs at its own concurrency;
inside, the states of one job. ``fast`` has nothing else. ``full`` adds preconditions, skipping and all job
kinds. ``large`` is ``full`` with distributed Maps, whose children have histories of their own. A failed job's
output makes the Jobs Map fail once its siblings are through: its ``Assign`` raises, and its Catch ends the
stage."""

from __future__ import annotations

from typing import Any

from workflows.asl.states import Processor, State, catch, choice, expr, fail, map_
from workflows.etl import preconditions
from workflows.etl.jobs import any_processor, rsql_processor
from workflows.etl.plan import INLINE_CONCURRENCY, STAGE, job
from workflows.etl.spec import EtlSpec

_FAILED_JOBS = expr("""
(
  $failed := $count($states.result[$ = 'Failed']);
  $failed > 0 ? $error($string($failed) & ' of ' & $string($count($states.result)) & ' jobs failed') : 0
)
""")


def _jobs(lane: str, processor: Processor, *, may_skip: bool, suffix: str) -> dict[str, State]:
    concurrency = "$states.input.stage.concurrency"
    return {
        f"Jobs{suffix}": map_(
            "{% [$states.input.stage.jobs] %}",
            processor,
            selector={"job": job(may_skip=may_skip), "run": "{% $run %}"},
            concurrency=expr(
                concurrency if processor.distributed else f"$min([{INLINE_CONCURRENCY}, {concurrency}])"
            ),
            then=None,
            assign={"failed_jobs": _FAILED_JOBS},
            catches=[
                catch(
                    ["States.ALL"],
                    f"StageFailed{suffix}",
                    output=expr("""
                    {'cause': 'stage ' & $string($states.input.stage.number) & ': '
                      & ($length($states.errorOutput.Cause) > 0
                        ? $states.errorOutput.Cause : $states.errorOutput.Error)}
                    """),
                )
            ],
            output="Completed",
            label=f"{lane}Jobs" if processor.distributed else None,
        ),
        f"StageFailed{suffix}": fail("StageFailed", "{% $states.input.cause %}"),
    }


def _stages(processor: Processor, *, name: str, then: str, catches: list[dict[str, Any]]) -> dict[str, State]:
    return {
        name: map_(
            "{% $plan.stages %}",
            processor,
            selector={"stage": STAGE},
            concurrency=1,
            then=then,
            catches=catches,
            output="{% {} %}",
        )
    }


def fast_lane(spec: EtlSpec, *, then: str, catches: list[dict[str, Any]]) -> dict[str, State]:
    """Only rsql jobs: a stage is its Jobs, a job is one state."""
    inner = _jobs("fast", rsql_processor(spec), may_skip=False, suffix="")
    return _stages(Processor(start_at="Jobs", states=inner), name="Stages", then=then, catches=catches)


def rich_lane(
    spec: EtlSpec, lane: str, *, distributed: bool, then: str, catches: list[dict[str, Any]]
) -> dict[str, State]:
    """Preconditions, skips, every kind of job; inline or distributed."""
    suffix = f" ({lane})"
    stop = [
        catch(
            ["States.ALL"],
            f"StageFailed{suffix}",
            output=expr("""
            {'cause': 'stage ' & $string($states.input.stage.number) & ': '
              & ($length($states.errorOutput.Cause) > 0
                ? $states.errorOutput.Cause : 'a precondition was not met')}
            """),
        )
    ]
    inner = {
        f"HasPreconditions{suffix}": choice(
            [
                (
                    expr("$states.input.stage.enabled and $count($states.input.stage.preconditions) > 0"),
                    f"Preconditions{suffix}",
                )
            ],
            default=f"Jobs{suffix}",
        ),
        f"Preconditions{suffix}": map_(
            "{% [$states.input.stage.preconditions] %}",
            preconditions.processor(spec, lane, distributed=distributed),
            selector={
                "precondition": preconditions.precondition(),
                "stage": "{% $states.input.stage.number %}",
                "started": "{% $millis() %}",
                "run": "{% $run %}",
            },
            concurrency=INLINE_CONCURRENCY,
            then=f"Jobs{suffix}",
            catches=stop,
            output="{% $states.input %}",
            label=f"{lane}Preconditions" if distributed else None,
        ),
        **_jobs(lane, any_processor(spec, lane, distributed=distributed), may_skip=True, suffix=suffix),
    }
    return _stages(
        Processor(start_at=f"HasPreconditions{suffix}", states=inner),
        name=f"Stages{suffix}",
        then=then,
        catches=catches,
    )
