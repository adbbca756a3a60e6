"""`docs/least-privilege.md`, from the outcome of the experiment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from benchmarks.least_privilege.proof import Outcome, Proof

_HEAD: Final = Path(__file__).with_name("head.md")
"""What the page says before its tables."""


def page(proof: Proof) -> str:
    """The whole page."""
    proved = [outcome for outcome in proof.outcomes if outcome.proved]
    roles = {outcome.role for outcome in proof.outcomes}
    verdict = (
        f"{len(proved)} of {len(proof.outcomes)} parts of the {proof.statements} statements of {len(roles)} "
        "roles were found needed; those that were not are listed at the end with the reason."
    )
    parts = [_HEAD.read_text(encoding="utf-8").replace("{verdict}", verdict), _scenarios(proof)]
    for role in sorted(roles):
        parts.append(_role(role, [outcome for outcome in proof.outcomes if outcome.role == role]))
    unproved = [outcome for outcome in proof.outcomes if not outcome.proved]
    if unproved:
        parts.append("## Not proved\n\n" + "\n".join(_unproved(outcome) for outcome in unproved) + "\n")
    return "\n".join(parts)


def _scenarios(proof: Proof) -> str:
    rows = "\n".join(f"| `{name}` | {_cell(title)} |" for name, title in proof.scenarios.items())
    return f"## Scenarios\n\n| scenario | what happens |\n|---|---|\n{rows}\n"


def _role(role: str, outcomes: list[Outcome]) -> str:
    rows = "\n".join(
        f"| `{each.statement}` | `{each.scenario}` | `{each.refused}` | {_cell(_stable(each.seen))} |"
        for each in outcomes
        if each.proved
    )
    return (
        f"## `{role}`\n\n| taken away | scenario that fails | refused | what is seen |\n"
        f"|---|---|---|---|\n{rows}\n"
    )


def _unproved(outcome: Outcome) -> str:
    goes_on = f"scenario `{outcome.scenario}` goes on" if outcome.scenario else "no scenario uses it"
    why = outcome.unseen or f"{goes_on}: to be looked at"
    return f"- `{outcome.role}`, `{outcome.statement}`: {why}."


def _stable(text: str) -> str:
    """The text without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"lp_[a-z]+-\d{8}T\d{6}-[0-9a-f]{4}", "<execution>", text)
    text = re.sub(r"\(Service: .*?\)\)?", "", text)
    text = re.sub(r"/\S*/tmp\w+|/tmp\w+/\S+|/tmp/\S+", "…", text)  # names of temporary files
    return text if len(text) <= 300 else f"{text[:297]}..."


def _cell(text: str) -> str:
    """One cell of a Markdown table: angle brackets and bars are text."""
    one_line = " ".join(text.split())
    return one_line.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
