"""The reference page of the guardrails, made from the rules themselves.

`python -m policy_packs.guardrails.reference > docs/guardrails.md` writes it; a test fails when it is stale.
"""

from __future__ import annotations

import sys
from typing import Any

from .frame.registry import describe
from .frame.rule import ENVIRONMENTS

_INTRODUCTION = """\
# Guardrails

<!-- Made by `python -m policy_packs.guardrails.reference`; do not edit. -->

Guardrails judge what a plan would make, whoever wrote the program. They run in `landfall preview`, and
as an ordinary Pulumi policy pack:

```
pulumi preview -s dev --policy-pack policy_packs/guardrails
```

Both give the same verdicts: one dispatcher reads each resource once and shows it to every rule that
guards its type. **Mandatory** stops the preview and the update, **advisory** warns. Levels depend on
`environment` in `landfall:platform`; where it cannot be read, the levels are those of prod.

A guarded value that is **not known** at preview is a violation, and reported as such: nobody can tell
that it is right. A rule that only asks for a reference (a key's ARN) takes an unknown one, since it comes
from another resource; the engine asks again with the real value before it makes the resource.
"""

_WAIVERS = """\
## Waivers

A waiver lets one rule be broken on some resources, for a time. It is data in the stack's config:

```yaml
config:
  landfall:guardrails:
    waivers:
      legacy-import-queue:
        rule: encryption-customer-key
        urn: "*aws:sqs/queue:Queue::legacy-import"     # * any text, ? one character
        reason: The sender cannot use KMS until its move in January.
        owner: data-platform
        expires: 2027-01-31                            # the last day on which it holds
```

A waived violation is reported as advisory, with owner, reason and date. After its last day the waiver no
longer counts: the violation stops the plan again and says which waiver expired. A waiver that covers
nothing is reported as `waiver-unused`. Waivers that cannot be read (`guardrail-settings`) waive nothing.
Levels cannot be changed from the command line (`--policy-pack-config` is refused): a waiver is the only
way round a rule.

## A new rule

One file in `policy_packs/guardrails/rules/` with a `Rule` or `StackRule` constant and its check, one test
module in `tests/policies/rules/`. The pack finds it by itself. `frame/require.py` has the helpers that
report absent, wrong and unknown values; `frame/documents.py` reads IAM policies.
"""


def render() -> str:
    """Return the page."""
    rules = describe()
    return "\n".join([_INTRODUCTION, _table(rules), *(_section(rule) for rule in rules), _WAIVERS])


def _table(rules: list[dict[str, Any]]) -> str:
    head = f"| rule | severity | {' | '.join(ENVIRONMENTS)} |"
    rows = [
        f"| [`{rule['name']}`](#{rule['name']}) | {rule['severity']} | "
        f"{' | '.join(rule['levels'][environment] for environment in ENVIRONMENTS)} |"
        for rule in rules
    ]
    return "\n".join(["## Rules", "", head, "|---" * (2 + len(ENVIRONMENTS)) + "|", *rows, ""])


def _section(rule: dict[str, Any]) -> str:
    types = ", ".join(f"`{kind}`" for kind in rule["resource_types"])
    scope = "across the stack" if rule["kind"] == "stack" else "each resource by itself"
    lines = [f"### {rule['name']}", "", rule["description"], ""]
    if rule["controls"]:
        lines.append(f"- Answers: {', '.join(rule['controls'])}")
    return "\n".join([*lines, f"- Fix: {rule['remediation']}", f"- Looks at {scope}: {types}", ""])


if __name__ == "__main__":
    sys.stdout.write(render())
