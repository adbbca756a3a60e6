"""The table of hostile inputs: what it is, where it comes in, and what the user must get. Pure data.

Whoever finds a new way to hurt adds a line here; `test_hostile.py` sends it through its door and
`docs/hostile-inputs.md` shows what came back.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .case import CANARY, SCRIPT, Case, Special, stack
from .zips import Entry, bundle

_LAUGHS: Final = "config:\n  aws:l0: &l0 [a, a, a, a, a, a, a, a, a, a]\n" + "".join(
    f"  aws:l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
_NETWORKS: Final = "".join(
    f"    n{n}: {{account: data, cidr: 10.{n % 256}.0.0/20,"
    " availability_zones: [eu-central-1a, eu-central-1b]}\n"
    for n in range(1000)
)
_RUN: Final = f"touch {CANARY}"
_KIB: Final = 1024
_MANY: Final = 2000


def _yaml(name: str, shown: str, given: str | bytes, says: str, errors: int = 1) -> Case:
    return Case(
        topic="YAML", name=name, shown=shown, door="stack file", given=given, says=says, errors=errors
    )


YAML: Final = (
    _yaml(
        "tag of a function",
        "`!!python/object/apply:os.system [touch canary]`",
        f'config: !!python/object/apply:os.system ["{_RUN}"]\n',
        "the tag tag:yaml.org,2002:python/object",
    ),
    _yaml(
        "tag of a module",
        "`!!python/module:antigravity`",
        stack(platform=', tags: !!python/module:antigravity ""'),
        "is not supported",
    ),
    _yaml(
        "tag of a file",
        "`!include /etc/passwd`",
        stack(platform=", tags: !include /etc/passwd"),
        "the tag !include is not supported",
    ),
    _yaml(
        "tag of bytes", "`!!binary aGk=`", stack(platform=", tags: {a: !!binary aGk=}"), "is not supported"
    ),
    _yaml(
        "tag directive",
        "`%TAG ! tag:evil,2027:` before the document",
        "%TAG ! tag:evil,2027:\n---\nconfig: !x {}\n",
        "the tag tag:evil,2027:x is not supported",
    ),
    _yaml(
        "unknown version", "`%YAML 9.9` before the document", "%YAML 9.9\n---\nconfig: {}\n", "not valid YAML"
    ),
    _yaml("50,000 directives", "50,000 lines `%A b`", "%A b\n" * 50_000, "not valid YAML"),
    _yaml(
        "alias bomb",
        "ten anchors, each a list of ten aliases of the one before",
        _LAUGHS,
        "more than 100000 values, aliases expanded",
    ),
    _yaml(
        "wide alias bomb",
        "a list of 1,000 entries, 1,000 aliases of it",
        f"config:\n  aws:a: &a [{'x, ' * 1000}]\n  aws:b: [{'*a, ' * 1000}]\n",
        "more than 100000 values, aliases expanded",
    ),
    _yaml("alias of itself", "`config: &a {aws:b: *a}`", "config: &a {aws:b: *a}\n", "inside its own anchor"),
    _yaml("alias of nothing", "`config: *a`", "config: *a\n", "has no anchor"),
    _yaml(
        "alias as a key", "`{&a a: 1, *a : 2}`", "config: {aws:x: &a a, *a : 2}\n", "a key must be plain text"
    ),
    _yaml(
        "merge key",
        "`<<: {owner: x}`",
        stack(platform=", <<: {owner: x}"),
        "merge keys (<<) are not supported",
    ),
    _yaml(
        "merge key of an alias",
        "`<<: *a`",
        stack(platform=", tags: &a {x: z}, <<: *a"),
        "merge keys (<<) are not supported",
    ),
    _yaml(
        "key twice", "`name: x` a second time", stack(platform=", name: x"), "the key is already in line 2"
    ),
    _yaml(
        "section twice",
        "`landfall:platform` and `platform`",
        stack(rest="  platform: {name: x}\n"),
        "the key is already in line 2",
    ),
    _yaml(
        "tab", "a tab for indentation", "config:\n\tlandfall:platform: {}\n", "a tab is used for indentation"
    ),
    _yaml(
        "NUL byte", "a NUL byte in a value", stack(platform=", tags: {a: b\0c}"), "control character (U+0000)"
    ),
    _yaml(
        "NUL escape", '`"b\\0c"`', stack(platform=', tags: {a: "b\\0c"}'), "the text has a control character"
    ),
    _yaml(
        "terminal escape",
        "an ANSI escape that would clear the terminal",
        stack(platform=", tags: {a: \x1b[2J}"),
        "control character (U+001B)",
    ),
    _yaml(
        "escaped terminal escape",
        '`"\\e[2J"`',
        stack(platform=', tags: {a: "\\e[2J"}'),
        "the text has a control character",
    ),
    _yaml("half a character", '`"\\ud800"`', stack(platform=', tags: {a: "\\ud800"}'), "half a character"),
    _yaml("not UTF-8", "a byte FF", b"config:\n  a: \xff\n", "the file is not UTF-8"),
    _yaml("UTF-16", "the file in UTF-16", stack().encode("utf-16"), "the file is not UTF-8"),
    _yaml("UTF-32", "the file in UTF-32", stack().encode("utf-32"), "the file is not UTF-8"),
    _yaml("5 MB", "a file of 5 MB", "config: {}\n" + "# x\n" * (5 * 256 * _KIB), "at most 1048576 are read"),
    _yaml("deep lists", "100,000 times `[`", "config: " + "[" * 100_000, "nested deeper than 40 levels"),
    _yaml(
        "deep mappings",
        "400 mappings in one another",
        "config:\n" + "".join(" " * n + "a:\n" for n in range(1, 400)),
        "nested deeper than 40 levels",
    ),
    _yaml(
        "200,000 entries",
        "a list of 200,000 entries",
        f"config:\n  aws:a: [{'a,' * 200_000}]\n",
        "more than 100000 values",
    ),
    _yaml(
        "one key of 500 KB",
        "a key of 500,000 characters",
        "config:\n  " + "a" * 500_000 + ": b\n",
        "not valid YAML",
    ),
    _yaml(
        "huge integer",
        "an account id of 100,000 digits",
        stack().replace('"111111111111"', "9" * 100_000),
        "without quotes, which YAML readers understand",
    ),
    _yaml("octal", "`tags: {a: 010}`", stack(platform=", tags: {a: 010}"), "found 010 without quotes"),
    _yaml(
        "hexadecimal bomb",
        "a hexadecimal number of 100,000 digits",
        stack(platform=f", tags: {{a: 0x{'f' * 100_000}}}"),
        "without quotes",
    ),
    _yaml(
        "not a number",
        "`retention_days: .nan`",
        stack(rest="").replace("    definitions:", "    audit: {retention_days: .nan}\n    definitions:"),
        "found .nan without quotes",
    ),
    _yaml("mapping as a key", "`? {a: b} : c`", "config:\n  ? {a: b}\n  : c\n", "a key must be plain text"),
    _yaml(
        "two documents",
        "the file twice, with `---` between",
        stack() + "---\n" + stack(),
        "the file has several documents",
    ),
    _yaml("open quote", "a quote that is never closed", 'config:\n  a: "x\n', "not valid YAML"),
    _yaml("empty", "an empty file", b"", "the file is empty"),
    _yaml("list", "a list instead of a mapping", "- config\n", "the file must be a mapping"),
    _yaml(
        "encrypted value",
        "`name: {secure: v1:x}`",
        stack().replace("name: landfall,", "name: {secure: v1:x},"),
        "a secret is never config data",
    ),
    _yaml(
        "many unknown keys",
        f"{_MANY:,} unknown keys",
        stack(platform="".join(f", k{n}: x" for n in range(_MANY))),
        "unknown key",
        errors=_MANY,
    ),
    _yaml(
        "many wrong names",
        "500 jobs, each waiting for a name that is none",
        stack(
            "["
            + ", ".join(f"{{script: load.sh, name: job{n}, depends_on: [jbo{n}]}}" for n in range(500))
            + "]",
            kind="graph",
        ),
        "no such job of this stage",
        errors=500,
    ),
    _yaml(
        "long ring",
        "1,000 jobs that wait for each other in a ring",
        stack(
            "["
            + ", ".join(
                f"{{script: load.sh, name: j{n}, depends_on: [j{(n - 1) % 1000}]}}" for n in range(1000)
            )
            + "]",
            kind="graph",
        ),
        "these jobs wait for each other",
    ),
    _yaml(
        "many overlapping networks",
        "1,000 networks in 256 ranges",
        stack().replace("  landfall:workflows:\n", _NETWORKS + "  landfall:workflows:\n"),
        "overlaps",
        errors=745,
    ),
)


def _script(name: str, shown: str, given: str, says: str) -> Case:
    return Case(
        topic="Script names", name=name, shown=shown, door="stack file", given=stack(f"[{given}]"), says=says
    )


SCRIPTS: Final = (
    _script("parent", "`../canary.sh`", "../canary.sh", "without a folder"),
    _script("absolute", "`/bin/sh`", "/bin/sh", "without a folder"),
    _script("dots", "`..`", '".."', 'must not contain ".."'),
    _script("Windows path", "`..\\canary.sh`", '"..\\\\canary.sh"', "without a folder"),
    _script("shell", "`load.sh; touch canary`", '"load.sh; touch canary"', "no such file"),
    _script("substitution", "`$(touch canary)`", '"$(touch canary)"', "no such file"),
    _script("backticks", "`` `touch canary` ``", '"`touch canary`"', "no such file"),
    _script("JSONata", '`{% $eval("1") %}`', "'{% $eval(\"1\") %}'", "no such file"),
    _script("option", "`--help`", '"--help"', "no such file"),
    _script("line break", '`"load.sh\\ntouch canary"`', '"load.sh\\ntouch canary"', "control characters"),
    _script("empty", '`""`', '""', "the name is empty"),
    _script("long", "a name of 5,000 characters", "x" * 5000, "at most 200 bytes"),
    _script("no text", "`[[load.sh]]`", "[load.sh]", "expected"),
    Case(
        topic="Script names",
        name="host: parent",
        shown="`../canary.sh`",
        door="host scripts",
        given="../canary.sh",
        ends="ScriptRefused",
        says="is not a path inside the scripts folder",
    ),
    Case(
        topic="Script names",
        name="host: absolute",
        shown="`/bin/sh`",
        door="host scripts",
        given="/bin/sh",
        ends="ScriptRefused",
        says="is not a path inside the scripts folder",
    ),
    Case(
        topic="Script names",
        name="host: NUL",
        shown="`load.sh\\0.txt`",
        door="host scripts",
        given="load.sh\0.txt",
        ends="ScriptRefused",
        says="is not a path inside the scripts folder",
    ),
    Case(
        topic="Script names",
        name="host: link",
        shown="a link to `/bin/sh`",
        door="host scripts",
        given="link.sh",
        files={"scripts/link.sh": Special("link", "/bin/sh")},
        ends="ScriptRefused",
        says="leads over a symbolic link",
    ),
    Case(
        topic="Script names",
        name="host: linked folder",
        shown="`sub/sh`, where `sub` is a link to `/bin`",
        door="host scripts",
        given="sub/sh",
        files={"scripts/sub": Special("link", "/bin")},
        ends="ScriptRefused",
        says="leads over a symbolic link",
    ),
    Case(
        topic="Script names",
        name="host: pipe",
        shown="a named pipe",
        door="host scripts",
        given="pipe",
        files={"scripts/pipe": Special("fifo")},
        ends="ScriptRefused",
        says="is not a plain file",
    ),
    Case(
        topic="Script names",
        name="host: folder",
        shown="a folder",
        door="host scripts",
        given="sub",
        files={"scripts/sub": Special("folder")},
        ends="ScriptRefused",
        says="is not a plain file",
    ),
    Case(
        topic="Script names",
        name="host: long",
        shown="a name of 300,000 characters",
        door="host scripts",
        given="x" * 300_000,
        ends="ScriptRefused",
        says="is not in the scripts folder",
    ),
    Case(
        topic="Script names",
        name="host: shell",
        shown="`load.sh; touch canary`",
        door="host scripts",
        given="load.sh; touch canary",
        ends="ScriptRefused",
        says="is not in the scripts folder",
    ),
)


def _workflow(name: str, shown: str, given: str, says: str) -> Case:
    return Case(
        topic="Ids and names",
        name=name,
        shown=shown,
        door="stack file",
        given=stack(workflow=given),
        says=says,
    )


def _command(name: str, shown: str, given: Sequence[str], says: str, **more: Any) -> Case:
    return Case(
        **{
            "topic": "Ids and names",
            "name": name,
            "shown": shown,
            "door": "command line",
            "given": tuple(given),
            "says": says,
        }
        | more
    )


NAMES: Final = (
    _workflow("workflow: parent", "`../../nightly`", '"../../nightly"', "expected letters, digits"),
    _workflow("workflow: shell", "`$(touch canary)`", '"$(touch canary)"', "expected letters, digits"),
    _workflow("workflow: wildcard", "`*`", '"*"', "expected letters, digits"),
    _workflow(
        "workflow: ARN",
        "`arn:aws:states:...`",
        '"arn:aws:states:eu-central-1:1:x"',
        "expected letters, digits",
    ),
    _workflow("workflow: Cyrillic", "`nіghtly` with a Cyrillic i", "nіghtly", "expected letters, digits"),
    _workflow("workflow: digits of another script", "`n١`", "n١", "expected letters, digits"),
    _workflow("workflow: right to left", "`a\\u202eb`", '"a\\u202eb"', "expected letters, digits"),
    _workflow("workflow: line break", '`"a\\nb"`', '"a\\nb"', "expected letters, digits"),
    _workflow(
        "workflow: HTML",
        "`<script>alert(1)</script>`",
        '"<script>alert(1)</script>"',
        "expected letters, digits",
    ),
    _workflow("workflow: long", "an id of 300 characters", "w" * 300, "at most"),
    _command(
        "run: unknown workflow",
        "`workflow run '../x; touch canary'`",
        ("workflow", "run", "../x; touch canary"),
        "unknown workflow_id",
    ),
    _command(
        "run: execution id",
        "`workflow run nightly --execution-id '../x'`",
        ("workflow", "run", "nightly", "--execution-id", "../x"),
        "is not an execution id",
    ),
    _command(
        "run: repeated id",
        "`workflow run nightly --rerun-of '*'`",
        ("workflow", "run", "nightly", "--rerun-of", "*"),
        "is not an execution id",
    ),
    _command(
        "resume: id", "`workflow resume 'a b'`", ("workflow", "resume", "a b"), "is not an execution id"
    ),
    _command(
        "resume: new id",
        "`workflow resume a --execution-id 'a\\nb'`",
        ("workflow", "resume", "a", "--execution-id", "a\nb"),
        "is not an execution id",
    ),
    _command(
        "status: id",
        "`workflow status '$(touch canary)'`",
        ("workflow", "status", "$(touch canary)"),
        "is not an execution id",
    ),
    _command(
        "status: long id",
        "`workflow status` with 100,000 letters",
        ("workflow", "status", "x" * 100_000),
        "is not an execution id",
    ),
    _command(
        "status: half a character",
        "`workflow status` with a byte FF",
        ("workflow", "status", "a\udcff"),
        "is not an execution id",
    ),
    _command(
        "logs: id",
        "`workflow logs '../../etc/passwd'`",
        ("workflow", "logs", "../../etc/passwd"),
        "is not an execution id",
    ),
    _command("abort: id", "`workflow abort '*'`", ("workflow", "abort", "*"), "is not an execution id"),
    _command(
        "report: id",
        "`workflow report '<script>'`",
        ("workflow", "report", "<script>"),
        "is not an execution id",
    ),
    _command(
        "draw: unknown workflow", "`workflow draw ../x`", ("workflow", "draw", "../x"), "unknown workflow"
    ),
    _command(
        "validate: parent", "`validate ../../etc/passwd`", ("validate", "../../etc/passwd"), "unknown stack"
    ),
    _command("validate: NUL", "`validate 'a\\0b'`", ("validate", "a\0b"), "unknown stack"),
    _command(
        "validate: long", "`validate` with 100,000 letters", ("validate", "x" * 100_000), "unknown stack"
    ),
    _command(
        "preview: shell", "`preview 'dev; touch canary'`", ("preview", "dev; touch canary"), "unknown stack"
    ),
    _command("diagram: parent", "`diagram ../dev`", ("diagram", "../dev"), "unknown stack"),
    _command("explain: path", "`explain ../../etc/passwd`", ("explain", "../../etc/passwd"), "unknown key"),
    _command("explain: pattern", "`explain '(a+)+$'`", ("explain", "(a+)+$"), "unknown key"),
    _command(
        "guardrail: markup",
        "`guardrails explain '[red]x[/red]'`",
        ("guardrails", "explain", "[red]x[/red]"),
        'unknown guardrail "[red]x[/red]"',
    ),
    _command("new stack: parent", "`new stack ../canary`", ("new", "stack", "../canary"), "expected"),
    _command(
        "new workflow: YAML",
        "`new workflow 'a: {b' --stack dev`",
        ("new", "workflow", "a: {b", "--stack", "dev"),
        "expected letters, digits",
    ),
    _command(
        "new workflow: line break",
        "`new workflow 'a\\nb' --stack dev`",
        ("new", "workflow", "a\nb", "--stack", "dev"),
        "expected letters, digits",
    ),
    _command(
        "new network: value",
        "`new network n -s dev --set 'cidr=x\\n  y: z'`",
        ("new", "network", "n", "-s", "dev", "--set", "cidr=x\n  y: z"),
        "expected an IPv4 range",
    ),
    _command(
        "new: key",
        "`new network n -s dev --set '__class__=x'`",
        ("new", "network", "n", "-s", "dev", "--set", "__class__=x"),
        "__class__",
    ),
    _command(
        "new: no value",
        "`new network n -s dev --set cidr`",
        ("new", "network", "n", "-s", "dev", "--set", "cidr"),
        "KEY=VALUE",
    ),
)


def _sql(name: str, shown: str, given: str, says: str, **more: Any) -> Case:
    return Case(
        **{
            "topic": "SQL",
            "name": name,
            "shown": shown,
            "door": "stack file",
            "given": stack(f"[{{kind: sql, {given}}}]"),
            "says": says,
        }
        | more
    )


SQL: Final = (
    _sql(
        "nothing", '`sql: "-- nothing; at all"`', 'sql: "-- nothing; at all"', "there is no statement in it"
    ),
    _sql(
        "many statements",
        "10,000 statements",
        f"sql: '{'select 1;' * 10_000}'",
        "10000 statements are too many for one batch",
    ),
    _sql(
        "long statement",
        "a statement of 200,000 characters",
        f"sql: 'select {'1' * 200_000}'",
        "a statement is longer than 100000 bytes",
    ),
    _sql(
        "open quotes",
        "200,000 single quotes",
        f'sql: "select {chr(39) * 200_000}"',
        "a statement is longer than 100000 bytes",
    ),
    _sql(
        "open comments",
        "100,000 times `/*`",
        f"sql: 'select 1 {'/*' * 100_000}'",
        "a statement is longer than 100000 bytes",
    ),
    _sql(
        "dollar quotes",
        "14,000 dollar quotes, each of another name",
        "sql: 'select " + "".join(f"$a{n}$" for n in range(14_000)) + "'",
        "a statement is longer than",
    ),
    _sql(
        "parameter's name",
        '`parameters: {"a; drop table t": x}`',
        'sql: select 1, parameters: {"a; drop table t": x}',
        "expected a parameter's name",
    ),
    _sql(
        "database's name",
        '`database: "dev; drop table t"`',
        'sql: select 1, database: "dev; drop table t"',
        "expected a database's name",
    ),
    _sql(
        "password",
        "`parameters: {password: hunter2hunter2}`",
        "sql: select 1, parameters: {password: hunter2hunter2}",
        "a secret is never config data",
    ),
    _sql("file outside", "`file: ../../etc/passwd`", "file: ../../etc/passwd", "without a folder"),
    _sql(
        "binary file",
        "an SQL file that is no UTF-8",
        "file: x.sql",
        "not a readable UTF-8 file",
        files={"scripts/x.sql": b"select '\xff'"},
    ),
    _sql(
        "large file",
        "an SQL file of 60 MB",
        "file: x.sql",
        "at most 1048576 bytes",
        files={"scripts/x.sql": Special("large", size=60 << 20)},
    ),
    _sql(
        "linked file",
        "an SQL file that is a link to `/etc/passwd`",
        "file: x.sql",
        "leads out of it",
        files={"scripts/x.sql": Special("link", "/etc/passwd")},
    ),
)


def _size(name: str, shown: str, given: Any, says: str, **more: Any) -> Case:
    return Case(**{"topic": "JSON", "name": name, "shown": shown, "given": given, "says": says} | more)


_JOB: Final[Mapping[str, Any]] = {
    "version": 1,
    "task_token": "t",
    "workflow_id": "nightly",
    "workflow_execution_id": "run",
    "job_id": "001.0001.load.sh",
    "job_name": "load.sh",
    "stage": 1,
    "attempt": 1,
    "script": "load.sh",
    "args": [],
    "timeout_seconds": 60,
    "heartbeat_seconds": 10,
    "settings": {
        "region": "eu-central-1",
        "job_audit_table": "jobs",
        "log_group": "/ops/jobs",
        "secret_id": "secret",
        "database": "dev",
        "retention_days": 400,
    },
}


def _document(**changes: Any) -> str:
    # Without a token nobody waits for an answer, and none is sent.
    document = {**_JOB, "task_token": "", **changes}
    return base64.b64encode(json.dumps(document).encode()).decode()


def _job(name: str, shown: str, given: str, says: str) -> Case:
    return _size(f"job: {name}", shown, (given,), says, door="job runner")


def _start(name: str, shown: str, given: Any, says: str) -> Case:
    return _size(f"start: {name}", shown, given, says, door="start function", ends="InvalidRequest")


def _close(name: str, shown: str, given: Any, says: str) -> Case:
    return _size(f"close: {name}", shown, given, says, door="closing function", ends="InvalidRequest")


_DEEP: Final = "[" * 100_000 + "]" * 100_000

JSON: Final = (
    _size(
        "arguments of 300 KB",
        "a `lambda` job with 300,000 characters of `args`",
        stack(f"[{{kind: lambda, function: f, args: {{a: {'x' * 300_000}}}}}]"),
        "an execution's data at most 262144",
        door="stack file",
    ),
    _size(
        "arguments of 300 KB of small values",
        "a `state_machine` job with 30,000 keys",
        stack(
            "[{kind: state_machine, state_machine: m, args: {"
            + ", ".join(f"k{n}: abc" for n in range(30_000))
            + "}}]"
        ),
        "an execution's data at most 262144",
        door="stack file",
    ),
    _size(
        "argument of a script",
        "an argument of 5,000 characters",
        stack(f"[{{script: load.sh, args: [{'x' * 5000}]}}]"),
        "at most 4096 are allowed",
        door="stack file",
    ),
    _size(
        "argument with NUL",
        '`args: ["a\\0b"]`',
        stack('[{script: load.sh, args: ["a\\0b"]}]'),
        "control character",
        door="stack file",
    ),
    _size(
        "event pattern",
        "an event pattern of 5,000 characters",
        stack(
            definitions="      nightly:\n        trigger: {pattern: {source: [" + "x" * 5000 + "]}}\n"
            "        workflow_stages: [{execution_type: sequential, scripts: [load.sh]}]\n"
        ),
        "longer than 4096 characters",
        door="stack file",
    ),
    _size(
        "engine: deep",
        "`landfall:platform` as 100,000 brackets",
        {"landfall:platform": '{"a":' + _DEEP + "}"},
        "expected a mapping",
        door="program",
        ends="ConfigError",
    ),
    _size(
        "engine: no JSON",
        "`landfall:platform` as `{touch canary`",
        {"landfall:platform": "{touch canary"},
        "expected a mapping",
        door="program",
        ends="ConfigError",
    ),
    _size(
        "engine: secret",
        "`landfall:platform` held as a secret",
        {"landfall:platform": {"secure": "v1:x"}},
        "a secret is never config data",
        door="program",
        ends="ConfigError",
    ),
    _start("nothing", "`null`", None, "event: Input should be"),
    _start("text", '`"{}"`', "{}", "event: Input should be"),
    _start("no id", "`{}`", {}, "workflow_id: Field required"),
    _start(
        "300 KB",
        "a workflow id of 300,000 characters",
        {"workflow_id": "x" * 300_000},
        "workflow_id: String should have at most 255 characters",
    ),
    _start(
        "shell in the execution's id",
        "`$(touch canary)`",
        {"workflow_id": "nightly", "workflow_execution_id": "$(touch canary)"},
        "workflow_execution_id: String should match pattern",
    ),
    _start(
        "line break in the execution's id",
        '`"a\\n"`',
        {"workflow_id": "nightly", "workflow_execution_id": "a\n"},
        "workflow_execution_id: String should match pattern",
    ),
    _start(
        "key of 300 KB",
        "a key of 300,000 characters",
        {"workflow_id": "nightly", "k" * 300_000: 1},
        "Extra inputs are not permitted",
    ),
    _start(
        "unknown workflow",
        "`../nightly`",
        {"workflow_id": "../nightly", "event_id": "e"},
        "workflow '../nightly' is not configured",
    ),
    _start(
        "no identity",
        '`{"workflow_id": "nightly"}`',
        {"workflow_id": "nightly"},
        "neither workflow_execution_id nor an id",
    ),
    _start("detail is a list", '`{"detail": [1]}`', {"detail": [1]}, "workflow_id: Field required"),
    _close("nothing", "`null`", None, "detail: Input should be"),
    _close("text", '`{"detail": "x"}`', {"detail": "x"}, "detail: Input should be"),
    _close(
        "success",
        "`status: SUCCEEDED`",
        {"detail": {"executionArn": "a", "name": "n", "status": "SUCCEEDED", "startDate": 0}},
        "status: Input should be",
    ),
    _close(
        "year 300,000",
        "`startDate: 10^16`",
        {"detail": {"executionArn": "a", "name": "n", "status": "FAILED", "startDate": 10**16}},
        "startDate: Input should be less than or equal",
    ),
    _job("no base64", "`'; touch canary; '`", "'; touch canary; '", "is not base64 of JSON"),
    _job(
        "no JSON",
        "base64 of `touch canary`",
        base64.b64encode(_RUN.encode()).decode(),
        "is not base64 of JSON",
    ),
    _job("list", "base64 of `[]`", base64.b64encode(b"[]").decode(), "is not a JSON object"),
    _job(
        "deep",
        "base64 of 100,000 brackets",
        base64.b64encode(_DEEP.encode()).decode(),
        "is not base64 of JSON",
    ),
    _job("version", "`version: 2`", _document(version=2), "has version 2; this runner knows version 1"),
    _job(
        "huge version",
        "a version of 100,000 characters",
        _document(version="9" * 100_000),
        "has version '999",
    ),
    _job(
        "unknown key",
        "`shell: touch canary`",
        _document(shell=_RUN),
        "keys that this runner does not know: shell",
    ),
    _job(
        "script with NUL",
        '`"load.sh\\0"`',
        _document(task_token="t", settings=None, script="load.sh\0"),
        "script is not a text",
    ),
    _job(
        "arguments",
        "`args: touch canary`",
        _document(task_token="t", settings=None, args=_RUN),
        "args is not a list of strings",
    ),
)


def _project(
    name: str, shown: str, files: Mapping[str, str | bytes | Special], says: str, **more: Any
) -> Case:
    return Case(
        **{
            "topic": "Files and folders",
            "name": name,
            "shown": shown,
            "door": "stack file",
            "given": stack(),
            "files": files,
            "says": says,
        }
        | more
    )


def _folder(name: str, shown: str, scripts: str, says: str, **files: Special) -> Case:
    return _project(name, shown, files, says, given=stack(scripts=scripts))


def _file(name: str, shown: str, given: Sequence[str], says: str, **more: Any) -> Case:
    return _command(name, shown, given, says, **({"topic": "Files and folders"} | more))


def _faults(name: str, shown: str, content: str | bytes | Special, says: str) -> Case:
    return _file(
        f"fault file: {name}",
        shown,
        ("sandbox", "faults", "load", "faults.yaml"),
        says,
        files={"faults.yaml": content},
    )


def _plan(name: str, shown: str, content: str | bytes | Special, says: str) -> Case:
    return _file(
        f"plan: {name}",
        shown,
        ("diagram", "dev", "--plan", "plan.json", "--out", "x.svg"),
        says,
        files={"plan.json": content},
    )


FILES: Final = (
    _folder("scripts: outside", "`scripts: ../../outside`", "../../outside", "must be inside the project"),
    _folder("scripts: absolute", "`scripts: /etc`", "/etc", "must be inside the project"),
    _folder("scripts: long", "`scripts:` with 2,000 letters", "x" * 2000, "at most 1024 are allowed"),
    _folder("scripts: NUL", '`scripts: "a\\0b"`', '"a\\0b"', "control character"),
    _folder(
        "scripts: link outside",
        "`scripts: ../linked`, a link to `/etc`",
        "../linked",
        "must be inside the project",
        linked=Special("link", "/etc"),
    ),
    _folder(
        "scripts: ring of links",
        "`scripts: ../ring`, a link to itself",
        "../ring",
        "no such folder",
        ring=Special("link", "ring"),
    ),
    _folder("scripts: a file", "`scripts: ../scripts/load.sh`", "../scripts/load.sh", "no such folder"),
    _project(
        "link to a file outside",
        "`scripts/x` is a link to `/etc/passwd`",
        {"scripts/x": Special("link", "/etc/passwd")},
        "a symbolic link that leads out of it",
    ),
    _project(
        "link to a folder",
        "`scripts/x` is a link to `/etc`",
        {"scripts/x": Special("link", "/etc")},
        "a symbolic link to a folder",
    ),
    _project(
        "broken link",
        "`scripts/x` is a link to nothing",
        {"scripts/x": Special("link", "nothing")},
        "a symbolic link that leads nowhere",
    ),
    _project(
        "ring of links",
        "`scripts/x` is a link to itself",
        {"scripts/x": Special("link", "x")},
        "a symbolic link that leads nowhere",
    ),
    _project(
        "device", "`scripts/x` is a link to `/dev/zero`", {"scripts/x": Special("device")}, "leads out of it"
    ),
    _project("pipe", "`scripts/x` is a named pipe", {"scripts/x": Special("fifo")}, "is not a plain file"),
    _project("socket", "`scripts/x` is a socket", {"scripts/x": Special("socket")}, "is not a plain file"),
    _project(
        "huge file",
        "`scripts/x` has 1 TiB",
        {"scripts/x": Special("large", size=1 << 40)},
        "more than 67108864 bytes",
    ),
    _project("backslash", "`scripts/..\\x`", {"scripts/..\\x": ""}, "a name that an archive cannot hold"),
    _project("line break", '`"scripts/a\\nb"`', {"scripts/a\nb": ""}, "a name that an archive cannot hold"),
    _project(
        "half a character",
        "a name of the byte FF",
        {"scripts/\udcff": ""},
        "a name that an archive cannot hold",
    ),
    _project(
        "right to left",
        "`scripts/a\\u202egpj.sh`",
        {"scripts/a\u202egpj.sh": ""},
        "a name that an archive cannot hold",
    ),
    _project(
        "bundle: link outside",
        "`scripts/x` is a link to `/etc/passwd`",
        {"scripts/x": Special("link", "/etc/passwd")},
        "a symbolic link that leads out of it",
        door="bundle",
        ends="ArchiveError",
    ),
    _project(
        "bundle: large",
        "`scripts/x` has 1 TiB",
        {"scripts/x": Special("large", size=1 << 40)},
        "more than 67108864 bytes",
        door="bundle",
        ends="ArchiveError",
    ),
    _project(
        "function: parent",
        "`../canary`",
        {},
        "there is no handler",
        door="function archive",
        given="../canary",
        ends="ArchiveError",
    ),
    _project(
        "function: link",
        "`handlers/x/secret.py` is a link to `/etc/passwd`",
        {
            "handlers/__init__.py": "",
            "handlers/x/handler.py": "",
            "handlers/x/secret.py": Special("link", "/etc/passwd"),
        },
        "a symbolic link that leads out of it",
        door="function archive",
        given="x",
        ends="ArchiveError",
    ),
    _file(
        "stack file: pipe",
        "`stacks/Pulumi.pipe.yaml` is a named pipe",
        ("validate", "pipe"),
        "it is not a plain file",
        files={"stacks/Pulumi.pipe.yaml": Special("fifo")},
    ),
    _file(
        "stack file: folder",
        "`stacks/Pulumi.dir.yaml` is a folder",
        ("validate", "dir"),
        "it is not a plain file",
        files={"stacks/Pulumi.dir.yaml": Special("folder")},
    ),
    _file(
        "stack file: device",
        "`stacks/Pulumi.zero.yaml` is a link to `/dev/zero`",
        ("validate", "zero"),
        "it is not a plain file",
        files={"stacks/Pulumi.zero.yaml": Special("device")},
    ),
    _file(
        "stack file: ring of links",
        "`stacks/Pulumi.ring.yaml` is a link to itself",
        ("validate", "ring"),
        "cannot read the file",
        files={"stacks/Pulumi.ring.yaml": Special("link", "Pulumi.ring.yaml")},
    ),
    _file(
        "stack file: 1 TiB",
        "`stacks/Pulumi.big.yaml` has 1 TiB",
        ("validate", "big"),
        "at most 1048576 are read",
        files={"stacks/Pulumi.big.yaml": Special("large", size=1 << 40)},
    ),
    _file(
        "output: folder that is none",
        "`validate dev --sarif nowhere/out.sarif`",
        ("validate", "dev", "--sarif", "nowhere/out.sarif"),
        "cannot write nowhere/out.sarif",
    ),
    _file(
        "output: folder",
        "`validate dev --sarif scripts`",
        ("validate", "dev", "--sarif", "scripts"),
        "cannot write scripts",
    ),
    _file(
        "output: NUL",
        "`validate dev --sarif 'a\\0b'`",
        ("validate", "dev", "--sarif", "a\0b"),
        "cannot write",
    ),
    _file(
        "output: full disk",
        "`validate dev --sarif /dev/full`",
        ("validate", "dev", "--sarif", "/dev/full"),
        "cannot write /dev/full",
    ),
    _file(
        "drawing: other ending",
        "`workflow draw nightly --out load.sh`",
        ("workflow", "draw", "nightly", "--out", "load.sh"),
        "must end in .svg, .png or .mmd",
    ),
    _faults(
        "tag",
        "`!!python/object/apply:os.system [touch canary]`",
        f'faults: !!python/object/apply:os.system ["{_RUN}"]\n',
        "is not supported",
    ),
    _faults("alias bomb", "the alias bomb above", _LAUGHS.replace("config:", "faults:"), "aliases expanded"),
    _faults("bytes", "a byte FF", b"faults: \xff", "the file is not UTF-8"),
    _faults("device", "a link to `/dev/zero`", Special("device"), "cannot be read"),
    _faults("pipe", "a named pipe", Special("fifo"), "cannot be read"),
    _faults("not there", "a link to nothing", Special("link", "nothing"), "cannot be read"),
    _faults("list", "`[]`", "[]\n", "write faults: [...]"),
    _faults(
        "effect",
        "`effect: $(touch canary)`",
        "faults: [{effect: $(touch canary), service: s3}]\n",
        "allowed: fail",
    ),
    _file(
        "digest: pipe",
        "`preview dev --digest digest.json`, a named pipe",
        ("preview", "dev", "--digest", "digest.json"),
        "it is not a plain file",
        files={"digest.json": Special("fifo")},
    ),
    _plan("no JSON", "`touch canary`", _RUN, "is not JSON"),
    _plan("list", "`[]`", "[]", "is not a file of landfall preview --json"),
    _plan("deep", "100,000 brackets", _DEEP, "plan.json"),
    _plan("bytes", "a byte FF", b"\xff", "is not JSON"),
    _plan("pipe", "a named pipe", Special("fifo"), "plan.json"),
    _plan("device", "a link to `/dev/zero`", Special("device"), "plan.json"),
    _plan("huge number", "a number of 100,000 digits", "9" * 100_000, "plan.json"),
    _plan(
        "other shape",
        '`{"stack": 1, "resources": [1]}`',
        '{"stack": 1, "resources": [1]}',
        "is not a file of landfall preview --json",
    ),
    _plan(
        "resource without keys",
        '`{"stack": "dev", "resources": [{}]}`',
        '{"stack": "dev", "resources": [{}]}',
        "is not a file of landfall preview --json",
    ),
)


def _zip(name: str, shown: str, given: bytes, says: str, **more: Any) -> Case:
    return Case(
        topic="Archives", name=name, shown=shown, door="installer", given=given, ends=1, says=says, **more
    )


_RUNNER: Final = Entry("runner.pyz", b"#!/bin/sh\n")

_BOMB: Final = bundle(Entry("bomb", size=256 << 20))


def _handler(name: str, shown: str, given: bytes, says: str) -> Case:
    return Case(
        topic="Archives",
        name=f"function: {name}",
        shown=shown,
        door="function in the emulator",
        given=given,
        ends="BadArchive",
        says=says,
    )


ARCHIVES: Final = (
    _handler("slip", "an entry `../../canary`", bundle(Entry(f"../../{CANARY}")), "holds the path"),
    _handler("absolute", "an entry `/canary`", bundle(Entry(f"/{CANARY}")), "holds the path"),
    _handler(
        "backslashes", "an entry `..\\..\\canary`", bundle(Entry(f"..\\..\\{CANARY}")), "holds the path"
    ),
    _handler(
        "link and through it",
        "a link `out` to `../..`, then `out/canary`",
        bundle(Entry("out", b"../..", kind="link"), Entry(f"out/{CANARY}")),
        "something that is no plain file",
    ),
    _handler("pipe", "an entry that is a named pipe", bundle(Entry("pipe", kind="fifo")), "no plain file"),
    _handler("bomb", "256 MiB of zeros in 256 KiB", _BOMB, "more than 262144000 bytes"),
    _handler("no zip", "a shell script", SCRIPT.encode(), "is no zip file"),
    _zip(
        "slip",
        "an entry `../../canary`",
        bundle(_RUNNER, Entry(f"../../{CANARY}")),
        "the bundle holds the path",
    ),
    _zip("absolute", "an entry `/canary`", bundle(_RUNNER, Entry(f"/{CANARY}")), "the bundle holds the path"),
    _zip(
        "dots inside",
        "an entry `scripts/../../../canary`",
        bundle(Entry(f"scripts/../../../{CANARY}")),
        "the bundle holds the path",
    ),
    _zip(
        "backslashes",
        "an entry `..\\..\\canary`",
        bundle(Entry(f"..\\..\\{CANARY}")),
        "the bundle holds the path",
    ),
    _zip("line break", "an entry `a\\ncanary`", bundle(Entry(f"a\n{CANARY}")), "the bundle holds the path"),
    _zip(
        "empty parts",
        "an entry `scripts//canary`",
        bundle(Entry(f"scripts//{CANARY}")),
        "the bundle holds the path",
    ),
    _zip(
        "link",
        "an entry that is a link to `/etc`",
        bundle(Entry("scripts", b"/etc", kind="link")),
        "something that is no plain file",
    ),
    _zip(
        "link and through it",
        "a link `out` to `..`, then `out/canary`",
        bundle(Entry("out", b"../..", kind="link"), Entry(f"out/{CANARY}")),
        "something that is no plain file",
    ),
    _zip(
        "device",
        "an entry that is a device",
        bundle(Entry("null", kind="device")),
        "something that is no plain file",
    ),
    _zip(
        "pipe",
        "an entry that is a named pipe",
        bundle(Entry("pipe", kind="fifo")),
        "something that is no plain file",
    ),
    _zip(
        "twice",
        "`runner.pyz` twice",
        bundle(_RUNNER, Entry("runner.pyz", b"evil")),
        "holds the path twice: 'runner.pyz'",
    ),
    _zip(
        "file and folder",
        "`a` and `a/b`",
        bundle(Entry("a", b"x"), Entry("a/b", b"y")),
        "the bundle cannot be unpacked",
    ),
    _zip(
        "bomb",
        "256 MiB of zeros in 256 KiB",
        _BOMB,
        "the bundle is too large",
    ),
    _zip(
        "lying bomb",
        "16 MiB of zeros that claim to be 10 bytes",
        bundle(Entry("bomb", size=16 << 20, claims=10)),
        "the bundle cannot be",
    ),
    _zip(
        "30,000 entries",
        "30,000 empty files",
        bundle(*(Entry(f"f{n}") for n in range(30_000))),
        "the bundle is too large",
    ),
    _zip(
        "no zip", "a shell script", SCRIPT.encode(), "the bundle cannot be installed: File is not a zip file"
    ),
    _zip(
        "cut off",
        "half of an archive",
        bundle(_RUNNER, Entry("x", b"x" * 5000))[:2500],
        "File is not a zip file",
    ),
    _zip(
        "damaged",
        "an entry whose content is another",
        bundle(_RUNNER, Entry("x", b"right")).replace(b"right", b"wrong"),
        "the bundle cannot be installed: Bad CRC-32",
    ),
    Case(
        topic="Archives",
        name="another bundle",
        shown="a bundle with another hash",
        door="installer",
        given=("other", bundle(_RUNNER)),
        ends=1,
        says="not the one that was announced",
    ),
    Case(
        topic="Archives",
        name="no bundle",
        shown="a key that is not there",
        door="installer",
        given=("missing", b""),
        ends=1,
        says="the bundle cannot be installed",
    ),
)


def _ssm(
    name: str, shown: str, content: str, says: str, form: str = "JSON", code: str = "InvalidDocumentContent"
) -> Case:
    return Case(
        topic="Systems Manager",
        name=name,
        shown=shown,
        door="document",
        given={"content": content, "format": form},
        ends=code,
        says=says,
    )


def _value(name: str, shown: str, document: str, parameter: str, value: str) -> Case:
    return Case(
        topic="Systems Manager",
        name=name,
        shown=shown,
        door="parameter",
        given={"document": document, "parameter": parameter, "value": value},
        ends="InvalidParameters",
        says=f"the value of parameter {parameter} does not match",
    )


def _shell_document(**more: Any) -> dict[str, Any]:
    step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": [_RUN]}}
    return {"schemaVersion": "2.2", "mainSteps": [step], **more}


SSM: Final = (
    _ssm(
        "300 KB",
        "a document of 300,000 bytes",
        json.dumps(_shell_document(description="x" * 300_000)),
        "the content is larger than 64 KB",
        code="MaxDocumentSizeExceeded",
    ),
    _ssm("no JSON", "`touch canary`", _RUN, "the content is not JSON"),
    _ssm("list", "`[]`", "[]", "the content is not an object"),
    _ssm("deep", "30,000 brackets", "[" * 30_000 + "]" * 30_000, "nested deeper than 50 levels"),
    _ssm(
        "tag",
        "`!!python/object/apply:os.system [touch canary]`",
        f'!!python/object/apply:os.system ["{_RUN}"]',
        "the content is not YAML",
        "YAML",
    ),
    _ssm("alias bomb", "the alias bomb above", _LAUGHS, "aliases expanded", "YAML"),
    _ssm(
        "half a character",
        '`"\\ud800"`',
        json.dumps(_shell_document(description="\ud800")),
        "half a character",
    ),
    _ssm(
        "no steps",
        "`mainSteps: []`",
        json.dumps(_shell_document(mainSteps=[])),
        "mainSteps is not a list of steps",
    ),
    _ssm(
        "parameter that is none",
        "`{{ Missing }}` in a command",
        json.dumps(
            _shell_document(
                mainSteps=[
                    {
                        "action": "aws:runShellScript",
                        "name": "run",
                        "inputs": {"runCommand": ["{{ Missing }}"]},
                    }
                ]
            )
        ),
        "parameter Missing is not defined",
    ),
    _ssm(
        "pattern that is none",
        "`allowedPattern: (`",
        json.dumps(_shell_document(parameters={"P": {"type": "String", "allowedPattern": "("}})),
        "is not a regular expression",
    ),
    _ssm(
        "pattern without end",
        "`allowedPattern: (a|aa)+` against 60 times `a` and a `b`",
        json.dumps(
            _shell_document(
                parameters={"P": {"type": "String", "allowedPattern": "(a|aa)+", "default": "a" * 60 + "b"}}
            )
        ),
        "takes too long to match",
    ),
    _value("job with a quote", "`Job` = `'; touch canary; '`", "run", "Job", "'; touch canary; '"),
    _value("job with a substitution", "`Job` = `$(touch canary)`", "run", "Job", "$(touch canary)"),
    _value("job with a line break", "`Job` = `YQ==\\ntouch canary`", "run", "Job", f"YQ==\n{_RUN}"),
    _value("job that ends with a line break", "`Job` = `YQ==\\n`", "run", "Job", "YQ==\n"),
    _value(
        "bucket with a quote", "`Bucket` = `b'; touch canary; '`", "install", "Bucket", "b'; touch canary; '"
    ),
    _value("key with dots", "`Key` = `$(touch canary)`", "install", "Key", "$(touch canary)"),
    _value("hash in capitals", "`Sha256` = 64 times `A`", "install", "Sha256", "A" * 64),
)


def _env(name: str, shown: str, env: Mapping[str, str], given: Sequence[str], says: str, **more: Any) -> Case:
    return _command(name, shown, given, says, **({"topic": "Environment", "env": env} | more))


ENVIRONMENT: Final = (
    _env(
        "sandbox: parent",
        "`LANDFALL_SANDBOX_NAME=../../canary`",
        {"LANDFALL_SANDBOX_NAME": f"../../{CANARY}"},
        ("sandbox", "status"),
        "cannot name a sandbox",
        ends=3,
    ),
    _env(
        "sandbox: shell",
        "`LANDFALL_SANDBOX_NAME='$(touch canary)'`",
        {"LANDFALL_SANDBOX_NAME": "$(touch canary)"},
        ("sandbox", "down"),
        "cannot name a sandbox",
        ends=3,
    ),
    _env(
        "tools: a file",
        "`LANDFALL_TOOLS_DIR=scripts/load.sh`",
        {"LANDFALL_TOOLS_DIR": "scripts/load.sh"},
        ("sandbox", "env"),
        "the sandbox is not running",
        ends=3,
    ),
    _env(
        "tools: line break",
        "`LANDFALL_TOOLS_DIR='a\\nb'`",
        {"LANDFALL_TOOLS_DIR": "a\nb"},
        ("sandbox", "status"),
        "The sandbox is not running",
        ends=3,
    ),
    _env("columns", "`COLUMNS=-1`", {"COLUMNS": "-1"}, ("validate", "nothing"), "unknown stack"),
    _env(
        "columns: text",
        "`COLUMNS='$(touch canary)'`",
        {"COLUMNS": "$(touch canary)"},
        ("validate", "nothing"),
        "unknown stack",
    ),
    _env(
        "modules in the current folder",
        "a `typer.py` and a `landfall` in the current folder",
        {},
        ("validate", "nothing"),
        "unknown stack",
        door="process",
        files={
            "typer.py": f"open('{CANARY}-typer', 'w')",
            "landfall/__init__.py": f"open('{CANARY}-pkg', 'w')",
        },
    ),
    _env(
        "guardrails: environment",
        "`LANDFALL_ENVIRONMENT=none`",
        {"LANDFALL_ENVIRONMENT": "none"},
        (),
        "Guardrails are enforced as in prod",
        door="guardrails",
        ends="strictest",
    ),
    _env(
        "guardrails: waivers",
        "`LANDFALL_WAIVERS` of 100,000 brackets",
        {"LANDFALL_ENVIRONMENT": "dev", "LANDFALL_WAIVERS": _DEEP},
        (),
        "Waivers cannot be read",
        door="guardrails",
        ends="strictest",
    ),
    _env(
        "database",
        "`LANDFALL_POSTGRES_BIN=/etc`",
        {"LANDFALL_POSTGRES_BIN": "/etc"},
        (),
        "PostgreSQL is not installed",
        door="warehouse programs",
        ends="SandboxError",
    ),
)


def _usage(name: str, shown: str, given: Sequence[str], says: str) -> Case:
    return _command(name, shown, given, says, topic="Command line")


USAGE: Final = (
    _usage("unknown command", "`landfall '$(touch canary)'`", ("$(touch canary)",), "No such command"),
    _usage("unknown option", "`validate --exec=touch`", ("validate", "--exec=touch"), "No such option"),
    _usage("option without value", "`validate --sarif`", ("validate", "--sarif"), "requires an argument"),
    _usage(
        "number",
        "`diagram dev --depth 1e999`",
        ("diagram", "dev", "--depth", "1e999"),
        "integer",
    ),
    _usage(
        "huge number",
        "`diagram dev --depth` with 10,000 digits",
        ("diagram", "dev", "--depth", "9" * 10_000),
        "integer",
    ),
    _usage(
        "format",
        "`validate --format ../x`",
        ("validate", "--format", "../x"),
        'unknown format "../x"',
    ),
    _usage(
        "engine",
        "`preview dev --engine 'sh -c touch'`",
        ("preview", "dev", "--engine", "sh -c touch"),
        "unknown engine",
    ),
)

CASES: Final = (*YAML, *SCRIPTS, *NAMES, *SQL, *JSON, *FILES, *ARCHIVES, *SSM, *ENVIRONMENT, *USAGE)
"""Every hostile input."""
