"""Sets rules in a running sandbox and reads their counts."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from sandbox.errors import SandboxError
from sandbox.faults.model import ACTIVE, ActiveRule, Rule

if TYPE_CHECKING:
    from sandbox.launcher import Sandbox

FAULTS_PATH: Final = "/_landfall/faults"
_SECONDS: Final = 10.0


class UnknownAccountError(SandboxError):
    """A rule names an account that the sandbox lacks."""


class Faults:
    """The rules of one sandbox. Holds no connection; rules end with the emulator or with `clear`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._endpoint = sandbox.endpoint
        self._accounts = dict(sandbox.state.spec.accounts)

    def add(self, *rules: Rule) -> list[ActiveRule]:
        """Put rules into force, all or none.

        Raises:
            UnknownAccountError: a rule names an account that the sandbox lacks.
            SandboxError: an id is taken, no answer.
        """
        wire = [self._with_account(rule.wire()) for rule in rules]
        return ACTIVE.validate_python(ask(self._endpoint, "POST", FAULTS_PATH, {"rules": wire})["rules"])

    def list(self) -> list[ActiveRule]:
        """Every rule in force, in the order of their adding, with its counts."""
        return ACTIVE.validate_python(ask(self._endpoint, "GET", FAULTS_PATH)["rules"])

    def fired(self, rule_id: str) -> int:
        """How often a rule has acted. Raises SandboxError where it is not in force."""
        for rule in self.list():
            if rule.id == rule_id:
                return rule.fired
        raise SandboxError(f"the sandbox has no fault {rule_id!r}")

    def remove(self, rule_id: str) -> bool:
        """Take one rule out of force; calls that it holds end. False where it was not in force."""
        return bool(ask(self._endpoint, "DELETE", f"{FAULTS_PATH}?{urlencode({'id': rule_id})}")["removed"])

    def clear(self) -> int:
        """Take every rule out of force; returns how many there were."""
        return int(ask(self._endpoint, "DELETE", FAULTS_PATH)["removed"])

    @contextmanager
    def active(self, *rules: Rule) -> Iterator[tuple[ActiveRule, ...]]:
        """Rules that are in force inside the `with` block only."""
        added = self.add(*rules)
        try:
            yield tuple(added)
        finally:
            for rule in added:
                self.remove(rule.id)

    def _with_account(self, wire: dict[str, Any]) -> dict[str, Any]:
        account = wire.get("account")
        if account is None or account in self._accounts.values() or set(account) & {"*", "?"}:
            return wire
        if account not in self._accounts:
            from landfall.config.errors import nearest

            near = nearest(account, self._accounts)
            raise UnknownAccountError(
                f'the sandbox has no account "{account}"; it has {", ".join(self._accounts)}.'
                + (f' Did you mean "{near}"?' if near else "")
            )
        return {**wire, "account": self._accounts[account]}


def ask(endpoint: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """One request to a resource of the emulator's own. Raises SandboxError where it fails."""
    request = urllib.request.Request(
        endpoint + path,
        method=method,
        data=json.dumps(body or {}).encode() if method == "POST" else None,
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        text = refused.read().decode("utf-8", "replace")
        try:
            text = str(json.loads(text)["error"])
        except (ValueError, KeyError, TypeError):
            text = f"HTTP {refused.code}"
        raise SandboxError(f"the sandbox refuses: {text}") from refused
    except (OSError, ValueError) as error:
        raise SandboxError(f"the sandbox does not answer at {endpoint}: {error}") from error
