"""The documentation page of every error code, with what the loader really says to its example.

Each example is a change of one stack file, `STACK`: with the right lines the file is valid, with the wrong
ones it has that one error. A test holds both for every code.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Final

from landfall.config.codes import CODES, Code
from landfall.config.errors import ConfigIssue, report_parts
from landfall.config.loader import LoadResult, load_text

_FOLDER: Final = Path(__file__).resolve().parents[2] / "stacks"
FILE: Final = "Pulumi.example.yaml"
"""Name of the file in the examples."""

STACK: Final = """\
config:
  landfall:platform:
    name: landfall
    environment: dev
    owner: data-platform
    cost_center: cc-1000
  landfall:accounts:
    data: {id: "111111111111", regions: [eu-central-1]}
    ops: {id: "222222222222", regions: [eu-central-1]}
  landfall:network:
    etl:
      account: data
      cidr: 10.20.0.0/20
      availability_zones: [eu-central-1a, eu-central-1b, eu-central-1c]
    lab:
      account: data
      cidr: 10.20.16.0/22
      availability_zones: [eu-central-1a, eu-central-1b]
  landfall:workflows:
    account: data
    network: etl
    operations:
      account: ops
      archive_retention_days: 365
    warehouse: {secret: landfall/dev/warehouse, workgroup: etl, database: dev}
    hosts: {tag_key: "landfall:role", tag_value: etl-host}
    scripts: ../examples/rsql-blog/scripts
    definitions:
      nightly:
        schedule:
          expression: "cron(0 6 * * ? *)"
          timezone: Europe/Berlin
        workflow_stages:
          - execution_type: sequential
            preconditions:
              - {kind: s3_object, bucket: landing, prefix: incoming/}
            scripts: [rsql_blog_script_1.sh]
          - execution_type: graph
            scripts:
              - {kind: sql, name: stage, sql: call stage_orders()}
              - {kind: sql, name: merge, sql: call merge_orders(), depends_on: [stage]}
          - execution_type: parallel
            scripts:
              - {kind: sql, name: count, sql: call count_orders()}
              - {kind: sql, name: count-items, sql: call count_items()}
              - kind: lambda
                function: report
                timeout_seconds: 600
                heartbeat_seconds: 300
                retries: {count: 10}
"""
"""The stack file of the examples: small, valid, with something for every code."""

_INTRODUCTION: Final = """\
# Errors of a stack file

<!-- Made by `python -m landfall.cli.reference --write`; do not edit. -->

A stack file is checked as a whole, offline, before anything else happens: by `landfall validate`, by every
command that reads it, and by `pulumi preview` and `pulumi up`, with the same report. One cause is one error:
what only follows from another mistake is not reported. `landfall explain LF0103` prints a page of this
folder; what else the command line explains is told in [self-service](../self-service.md).

```
{report}
```

An entry is the place (file, line, column), the code, the key, what is wrong and what would be right, and the
line with a mark. Values that may be secrets are never in it.

## For machines

`landfall validate --json` (the same as `--format json`) prints

```json
{{"stacks": [{{"stack": "dev", "valid": false}}],
 "issues": [{{"code": "LF0103", "file": "stacks/Pulumi.dev.yaml", "line": 6, "column": 18,
             "key_path": "landfall:platform.environment", "message": "found \\"dve\\"; ...",
             "found": "\\"dve\\"", "allowed": ["sandbox", "dev", "staging", "prod"], "suggestion": "dev",
             "also": [], "page": "docs/errors/LF0103.md"}}]}}
```

Line and column count from 1, and are 0 where the mistake has no place. `found` is the value as the message
shows it, or null; `allowed` lists values where there is a closed list; `suggestion` is the right value, or
the sentence that says what to do; `also` has further places of the same mistake (`line`, `column`,
`key_path`). Keys may be added; these stay.

`landfall validate --sarif FILE` writes SARIF 2.1.0 beside the report, `--format sarif` prints it alone.
GitHub shows it on the lines of a pull request:

```yaml
- run: landfall validate --sarif landfall.sarif
- uses: github/codeql-action/upload-sarif@v4
  if: always()
  with: {{sarif_file: landfall.sarif, category: landfall}}
```

## Codes

| code | meaning |
|---|---|
"""


def changed(code: Code) -> str:
    """`STACK` with the wrong lines of a code. Raises ValueError unless the right ones stand in it once."""
    lines = code.right.split("\n")
    pattern = r"(?m)^(?P<indent> *)" + r"\n(?P=indent)".join(map(re.escape, lines)) + "$"
    found = list(re.finditer(pattern, STACK))
    if len(found) != 1:
        raise ValueError(f"the right lines of {code.code} stand {len(found)} times in the stack file")
    (place,) = found
    return STACK[: place.start()] + textwrap.indent(code.wrong, place["indent"]) + STACK[place.end() :]


def loaded(text: str) -> LoadResult:
    """The text as the stack file of the examples."""
    return load_text(_FOLDER / FILE, text)


def issues(code: Code) -> tuple[ConfigIssue, ...]:
    """What the loader says to the example of a code, with the file named as in the repository."""
    return tuple(replace(issue, file=f"stacks/{FILE}") for issue in loaded(changed(code)).issues)


def said(code: Code) -> str:
    """The error of the example, as the report has it."""
    parts = list(report_parts(issues(code)))
    return "".join(text for _, text in parts).partition("\n\n")[0]


def page(code: Code) -> str:
    """The documentation page of a code, as Markdown."""
    return (
        f"# {code.code}: {code.title}\n\n{code.cause}\n\n"
        f"## Example\n\n```yaml\n{code.wrong}\n```\n\n"
        f"```\n{said(code)}\n```\n\n"
        f"## Fix\n\n{code.fix}\n\n```yaml\n{code.right}\n```\n"
    )


def index() -> str:
    """The overview: what the report is, and all codes, as Markdown."""
    rows = "".join(f"| [{code.code}]({code.code}.md) | {code.title} |\n" for code in CODES)
    wrong = STACK.replace("environment: dev", "environment: dve").replace("secret:", "secrt:")
    shown = (replace(issue, file=f"stacks/{FILE}") for issue in loaded(wrong).issues)
    text = "".join(part for _, part in report_parts(shown))
    return _INTRODUCTION.format(report=f"$ landfall validate example\n{text}") + rows


def pages() -> dict[str, str]:
    """Every page by file name."""
    return {"README.md": index(), **{f"{code.code}.md": page(code) for code in CODES}}


def write_pages(folder: Path) -> None:
    """Write all pages into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def stale_pages(folder: Path) -> tuple[str, ...]:
    """Names of pages in `folder` that are missing, outdated or of no code."""
    wanted = pages()
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.md")}
    return tuple(sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)))
