"""``landfall explain``: what an error code, a guardrail or a key of a stack file means."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer

EXAMPLE: Final = (
    "Examples: landfall explain LF0103 · landfall explain log-retention"
    " · landfall explain workflows.audit.retention_days --stack dev"
)
_CODE: Final = re.compile(r"LF[0-9]*", re.IGNORECASE)
_RULE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+", re.IGNORECASE)
"""Names of guardrails have hyphens, keys of stack files begin with a name that has none."""


def explain(
    subject: Annotated[
        str, typer.Argument(help="An error code (LF0103), the name of a guardrail, or a key of a stack file.")
    ],
    stack: Annotated[
        str | None, typer.Option("--stack", "-s", help="For a key: show its value in this stack too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Explain an error code, a guardrail or a config key: what it means, an example, how to mend it."""
    raise typer.Exit(_explain(subject.strip(), stack, as_json))


def _explain(subject: str, stack: str | None, as_json: bool) -> int:
    if _CODE.fullmatch(subject):
        from landfall.cli.explain_code import explain_code

        return explain_code(subject, as_json)
    if _RULE.fullmatch(subject):
        from landfall.cli.guardrail_commands import explain as explain_rule

        explain_rule(subject.lower(), as_json)
        return 0
    from landfall.cli.explain_key import explain_key

    return explain_key(subject, stack, as_json)
