"""The plan of an execution, made by JSONata from the configuration item when the machine starts.

``ReadConfiguration`` assigns two variables. ``$run`` is small: who runs, since when, until when records live.
``$plan`` is the item out of DynamoDB's typed JSON, checked: ``lane``, ``problem`` (when it cannot run) and
``stages``. Jobs stay as compact in the plan as in the item (a bare string stays a string), so that a plan is
never larger than its item; `JOB` gives each its defaults when its turn comes.

Everything that comes from a definition or an event is a value in these expressions, never part of their text.
(source: specs/rsql-orchestration, "Contract", "Ours" 1, 2 and 4)
"""

from __future__ import annotations

from workflows.asl.states import expr
from workflows.etl.spec import EtlSpec

KINDS: tuple[str, ...] = ("rsql", "sql", "lambda", "glue", "emr_serverless", "state_machine")
PRECONDITION_KINDS: tuple[str, ...] = ("s3_object", "table_rows", "workflow_completed", "time_window")

INLINE_CONCURRENCY = 40
"""Iterations of an inline Map that run at once. (source: Step Functions Developer Guide, "Map state")"""

MAX_POLLS = 200
"""Polls of one precondition; longer waits poll less often."""

_EVENTS = {"rsql": 40, "sql": 700, "lambda": 60, "glue": 60, "emr_serverless": 60, "state_machine": 60}
"""History events of one attempt at a job, failure path and transient retries included, rounded up."""
_EVENTS_OF_A_PRECONDITION = 10 * MAX_POLLS

_WORKFLOW_ID = "$type($states.input.workflow_id) = 'string' and $length($states.input.workflow_id) > 0"

CONFIG_KEY = expr(f"{_WORKFLOW_ID} ? $states.input.workflow_id : '(none)'")
"""Key of the configuration item; an input without a workflow finds nothing and is refused with a reason."""

_EXECUTION_ID = r"""
$type($states.input.workflow_execution_id) = 'string'
  and $contains($states.input.workflow_execution_id, /^[A-Za-z0-9._-]{1,80}$/)
"""

_TEXT = "$text := function($x) { $type($x) = 'string' and $length($x) > 0 };"


def run(spec: EtlSpec) -> str:
    """Identity of the execution: ``workflow_id``, ``id``, ``arn``, ``key``, ``expires_at`` (epoch seconds),
    ``deadline`` (epoch milliseconds, the workflow's own time limit), origin.

    ``key`` is a short random word that makes client tokens of this execution's statements unique.
    """
    return expr(f"""
    (
      {_TEXT}
      {{
        'workflow_id': {_WORKFLOW_ID} ? $states.input.workflow_id : '(none)',
        'id': $text($states.input.workflow_execution_id)
          ? $states.input.workflow_execution_id : $states.context.Execution.Name,
        'arn': $states.context.Execution.Id,
        'key': $formatBase($millis(), 36) & $formatBase($floor($random() * 2000000000), 36),
        'expires_at': $floor($millis() / 1000) + {spec.retention_days * 86_400},
        'deadline': $millis() + 1000 * ($exists($states.result.Item.timeout_seconds.N)
          ? $number($states.result.Item.timeout_seconds.N) : {spec.timeout_seconds}),
        'resume_from': $text($states.input.resume_from) ? $states.input.resume_from : '',
        'rerun_of': $text($states.input.rerun_of) ? $states.input.rerun_of : ''
      }}
    )
    """)


_UNMARSHAL = """
$value := function($v) {
  $exists($v.S) ? $v.S :
  $exists($v.N) ? $number($v.N) :
  $exists($v.BOOL) ? $v.BOOL :
  $exists($v.M) ? $merge([$each($v.M, function($x, $k) { {$k: $value($x)} })]) :
  $exists($v.L) ? (
    $count($v.L[$exists(L)]) > 0
      ? $reduce($v.L, function($all, $x) { $append($all, $exists($x.L) ? [[$value($x)]] : [$value($x)]) }, [])
      : [$map($v.L, $value)]
  ) : null
};
"""


def _names(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


_CHECKS = f"""
$quoted := function($x) {{ '"' & $string($x) & '"' }};
$positive := function($x) {{ $not($exists($x)) or ($type($x) = 'number' and $x > 0) }};
$needs := {{
  'rsql': ['script'], 'sql': [], 'lambda': ['function'], 'glue': ['job'],
  'emr_serverless': ['application_id', 'execution_role_arn', 'entry_point'],
  'state_machine': ['state_machine']
}};
$jobProblem := function($j) {{(
  $kind := $type($j) != 'object' ? '' : $exists($j.kind) ? $string($j.kind) : 'rsql';
  $name := $text($j.name) ? $j.name : $text($j.script) ? $j.script : $kind;
  $missing := $kind in {_names(KINDS)} ? [$lookup($needs, $kind)[$not($text($lookup($j, $)))]] : [];
  $type($j) != 'object' ? 'a script name must be text, found ' & $string($j) :
  $not($kind in {_names(KINDS)})
    ? 'job ' & $quoted($name) & ' has unknown kind ' & $quoted($kind) & '; allowed: {", ".join(KINDS)}' :
  $count($missing) > 0 ? 'job ' & $quoted($name) & ' has no ' & $missing[0] :
  $kind = 'sql' and $count([$j.sql]) = 0 ? 'job ' & $quoted($name) & ' has no sql' :
  $kind = 'sql' and $count([$j.sql]) > 40 ? 'job ' & $quoted($name) & ' has more than 40 statements' :
  $not($positive($j.timeout_seconds))
    ? 'job ' & $quoted($name) & ': timeout_seconds must be a positive number' :
  $not($positive($j.heartbeat_seconds))
    ? 'job ' & $quoted($name) & ': heartbeat_seconds must be a positive number' :
  ''
)}};
$preconditionProblem := function($p) {{
  $not($p.kind in {_names(PRECONDITION_KINDS)})
    ? 'unknown precondition ' & $quoted($p.kind) & '; allowed: {", ".join(PRECONDITION_KINDS)}' :
  $p.kind = 's3_object' and $not($text($p.bucket) and ($text($p.key) or $text($p.prefix)))
    ? 'precondition s3_object needs a bucket, and a key or a prefix' :
  $p.kind = 'table_rows' and $not($text($p.table)
    and $contains($p.table, /^[A-Za-z_][A-Za-z0-9_$]*([.][A-Za-z_][A-Za-z0-9_$]*){{0,2}}$/))
    ? 'precondition table_rows: ' & $quoted($p.table) & ' is not a table name' :
  $p.kind = 'workflow_completed' and $not($text($p.workflow_id))
    ? 'precondition workflow_completed needs a workflow_id' :
  $p.kind = 'time_window' and $not($contains($string($p.start), /^[0-2][0-9]:[0-5][0-9]$/)
    and $contains($string($p.end), /^[0-2][0-9]:[0-5][0-9]$/))
    ? 'precondition time_window needs start and end as HH:MM' :
  $p.kind = 'time_window' and $exists($p.timezone) and $p.timezone != 'UTC' and $count([$p.utc_offsets]) = 0
    ? 'precondition time_window: no utc_offsets for the time zone ' & $quoted($p.timezone) :
  ''
}};
$stageProblem := function($s) {{(
  $jobs := [$s.scripts];
  $bad := $jobs[$type($) != 'string' or $ = ''];
  $found := $append(
    $map($bad, function($j) {{ $j = '' ? 'a script name is empty' : $jobProblem($j) }}),
    $map([$s.preconditions], $preconditionProblem)
  )[$ != ''];
  $type($s) != 'object' ? 'is not a stage' :
  $s.execution_type = 'graph' ? 'a graph is stored as its waves; write the item with landfall' :
  $not($s.execution_type in ['sequential', 'parallel'])
    ? 'unknown execution_type ' & $quoted($s.execution_type) & '; allowed: sequential, parallel, graph' :
  $exists($s.scripts) and $type($s.scripts) != 'array' ? 'scripts must be a list' :
  $count($jobs) = 0 ? 'has no scripts' :
  $not($positive($s.max_concurrency)) ? 'max_concurrency must be a positive number' :
  $count($found) > 0 ? $found[0] :
  ''
)}};
"""


def _estimate() -> str:
    weights = ", ".join(f"'{kind}': {events}" for kind, events in _EVENTS.items())
    return f"""
    $weights := {{{weights}}};
    $eventsOf := function($s) {{(
      $rich := $s.scripts[$type($) = 'object'];
      40 + $count($s.scripts) * 10 + $count($s.scripts[$type($) = 'string']) * {_EVENTS["rsql"]}
        + $sum([0, $map($rich, function($j) {{
            $lookup($weights, $exists($j.kind) ? $j.kind : 'rsql')
              * (1 + ($exists($j.retries.count) ? $j.retries.count : 0))
          }})])
        + $count([$s.preconditions]) * {_EVENTS_OF_A_PRECONDITION}
    )}};
    """


def plan(spec: EtlSpec) -> str:
    """The plan: ``lane`` (fast, full, large, refuse), ``problem``, ``stages``.

    ``fast``: every stage on, every job rsql, no precondition, not a resume. ``full``: anything else.
    ``large``: too many events for one history, or more jobs at once than an inline Map runs. ``refuse``: the
    problem says why."""
    return expr(f"""
    (
      {_TEXT}
      {_UNMARSHAL}
      {_CHECKS}
      {_estimate()}
      $item := $states.result.Item;
      $stages := $exists($item.workflow_stages.L) ? $value($item.workflow_stages) : [];
      $problems := $map($stages, function($s, $i) {{(
        $p := $stageProblem($s); $p = '' ? '' : 'stage ' & $string($i + 1) & ': ' & $p
      )}})[$ != ''];
      $id := $states.input.workflow_execution_id;
      $problem :=
        $not({_WORKFLOW_ID}) ? 'the input has no workflow_id' :
        $exists($id) and $not({_EXECUTION_ID})
          ? 'workflow_execution_id ' & $quoted($id)
            & ' is not allowed: up to 80 letters, digits, ".", "_" and "-"' :
        $not($exists($item)) ? 'unknown workflow_id ' & $quoted($states.input.workflow_id) :
        $count($stages) = 0 ? 'workflow ' & $quoted($states.input.workflow_id) & ' has no stages' :
        $count($problems) > 0 ? $join([$problems[[0..4]]], '; ') :
        '';
      $runnable := $problem = '' ? $stages : [];
      $events := $sum([0, $map($runnable, $eventsOf)]);
      $wide := $count($runnable[max_concurrency > {INLINE_CONCURRENCY}
        and $count(scripts) > {INLINE_CONCURRENCY}]) > 0;
      $plain := $not($text($states.input.resume_from))
        and $count($runnable[execution_flag != 'y' or $count(preconditions) > 0]) = 0
        and $count($runnable.scripts[$type($) = 'object'][kind != 'rsql']) = 0;
      {{
        'lane': $problem != '' ? 'refuse' : $events > {spec.inline_events} or $wide ? 'large' :
          $plain ? 'fast' : 'full',
        'problem': $problem,
        'stages': [$map($runnable, function($s) {{
          {{
            'enabled': $exists($s.execution_flag) ? $s.execution_flag = 'y' : true,
            'sequential': $s.execution_type = 'sequential',
            'concurrency': $s.execution_type = 'sequential' ? 1 :
              $exists($s.max_concurrency) ? $s.max_concurrency : {INLINE_CONCURRENCY},
            'jobs': [$s.scripts],
            'preconditions': [$s.preconditions]
          }}
        }})]
      }}
    )
    """)


UNREADABLE_PLAN = expr("""
{
  'lane': 'refuse',
  'problem': 'the configuration cannot be read: ' & $states.errorOutput.Error & ': '
    & $states.errorOutput.Cause,
  'stages': []
}
""")
"""The plan where reading the item failed: refused like any other configuration that cannot run."""

JOB_NAMES = expr("""
{'L': [$map($plan.stages.jobs, function($j) {
  {'S': $type($j) = 'string' ? $j : $exists($j.name) ? $j.name : $exists($j.script) ? $j.script : $j.kind}
})]}
""")
"""Names of all jobs, in order, as a DynamoDB list."""

STAGE = expr("$merge([$states.context.Map.Item.Value, {'number': $states.context.Map.Item.Index + 1}])")
"""A stage of the plan with its number, counted from 1."""


def job(*, may_skip: bool) -> str:
    """A job with its defaults, its place (``id``, ``stage``, ``position``) and its first ``attempt``.

    ``may_skip`` adds ``skip`` where the stage is off or the execution resumed completed the job (``$done``).
    """
    skip = """
      $stage.enabled
        ? ($exists($lookup($done, $id)) ? {'skip': {'completed_in': $lookup($done, $id)}} : {})
        : {'skip': {'completed_in': ''}}
    """
    return expr(f"""
    (
      $item := $states.context.Map.Item.Value;
      $given := $type($item) = 'string' ? {{'script': $item}} : $item;
      $stage := $states.input.stage;
      $kind := $exists($given.kind) ? $given.kind : 'rsql';
      $name := $exists($given.name) ? $given.name : $exists($given.script) ? $given.script : $kind;
      $position := $states.context.Map.Item.Index + 1;
      $id := $pad($string($stage.number), -3, '0') & '.' & $pad($string($position), -4, '0') & '.' & $name;
      $merge([
        {{'timeout_seconds': 3600, 'heartbeat_seconds': 60}},
        $given,
        {{
          'kind': $kind, 'name': $name, 'id': $id, 'stage': $stage.number, 'position': $position,
          'sequential': $stage.sequential, 'attempt': 1
        }},
        {skip if may_skip else "{}"}
      ])
    )
    """)
