"""What happens to an `aws:*` resource: check, diff, create, update, read, delete.

The plugin of the real engine and the embedded engine both come here, so a resource behaves the same under
either. Values are JSON with signatures (`sandbox.engines.values`); a provisioner gets them plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.engines import schema
from sandbox.engines.errors import EngineError
from sandbox.engines.provider_config import Place
from sandbox.engines.recorded import Ledger
from sandbox.engines.values import (
    ARCHIVE,
    ASSET,
    SIGNATURE,
    UNKNOWN,
    has_secret,
    plain,
    secret,
)
from sandbox.provisioners import Call, Provisioner, delete_before_replace


@dataclass(frozen=True)
class Difference:
    """What changed between a resource's last deployment and now."""

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_first: bool = False
    """Whether a replacement has to delete the old resource before it creates the new one."""


class Lifecycle:
    """The life of the resources of one provider."""

    def __init__(self, place: Place | None, provisioners: Mapping[str, Provisioner], ledger: Ledger) -> None:
        self._place = place
        self._provisioners = provisioners
        self._ledger = ledger

    def check(self, token: str, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What is wrong with the inputs: (property, sentence) pairs.

        The inputs themselves are never changed.
        """
        return schema.failures(token, inputs)

    def diff(
        self,
        token: str,
        old_inputs: Mapping[str, Any],
        old_outputs: Mapping[str, Any],
        inputs: Mapping[str, Any],
    ) -> Difference:
        """What an update would have to do; no difference means that nothing is called."""
        old, new = comparable(dict(old_inputs)), comparable(dict(inputs))
        paths = list(_differences(old, new))
        changed = dict.fromkeys(path.split(".")[0] for path in paths)
        provisioner = self._provisioners.get(token)
        replaces = dict.fromkeys(
            path.split(".")[0] for path in paths if provisioner and _forces(path, provisioner.replace_on)
        )
        region = self._region(inputs)
        before = plain(old_outputs.get("region"))
        if region and isinstance(before, str) and before != region:
            changed["region"] = replaces["region"] = None
        merged = self._tags_all(token, inputs)
        tags_before = plain(old_outputs.get("tagsAll"))
        if merged is not None and isinstance(tags_before, dict) and merged != tags_before:
            changed["tagsAll"] = None
        plain_inputs = plain(dict(inputs))
        return Difference(
            changed=tuple(changed),
            replaces=tuple(replaces),
            delete_first=bool(replaces)
            and provisioner is not None
            and delete_before_replace(provisioner, plain_inputs),
        )

    def create(
        self, token: str, urn: str, name: str, inputs: Mapping[str, Any], *, preview: bool
    ) -> tuple[str, dict[str, Any]]:
        """Make the resource: its id and outputs. In a preview there is no id, and only the inputs are known.

        Raises:
            EngineError: the provider's account or Region is not known.
            Exception: whatever the provisioner raised; `sandbox.provisioners.explain` makes a sentence of it.
        """
        if preview:
            return "", self._previewed(token, inputs)
        provisioner = self._provisioners.get(token)
        call = self._call(inputs, urn)
        if provisioner is None:
            self._ledger.record(urn, token, name, call.account, call.region)
            return f"recorded-{name}", self._with_tags(token, {**inputs})
        created = provisioner.create(call, plain(dict(inputs)), name)
        return created.id, self._marked(created.outputs, inputs)

    def update(
        self,
        token: str,
        urn: str,
        id: str,
        old_inputs: Mapping[str, Any],
        old_outputs: Mapping[str, Any],
        inputs: Mapping[str, Any],
        *,
        preview: bool,
    ) -> dict[str, Any]:
        """Change the resource in place: its new outputs. Raises as `create` does."""
        if preview or token not in self._provisioners:
            kept = {key: value for key, value in old_outputs.items() if key not in old_inputs}
            return {**kept, **self._previewed(token, inputs)}
        outputs = self._provisioners[token].update(
            self._call(inputs, urn), id, plain(dict(old_inputs)), plain(dict(inputs))
        )
        return self._marked(outputs, inputs)

    def read(
        self, token: str, urn: str, id: str, state: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The resource's outputs as they are now; None when it is gone.

        A recorded one is as it was recorded.
        """
        provisioner = self._provisioners.get(token)
        if provisioner is None:
            return dict(state)
        outputs = provisioner.read(self._call(inputs or state, urn), id, plain(dict(state)))
        return None if outputs is None else self._marked(outputs, inputs)

    def delete(
        self, token: str, urn: str, id: str, old_inputs: Mapping[str, Any], state: Mapping[str, Any]
    ) -> None:
        """Take the resource away; one that is already gone is done. Raises as `create` does."""
        provisioner = self._provisioners.get(token)
        if provisioner is None:
            self._ledger.forget(urn)
            return
        provisioner.delete(self._call(old_inputs or state, urn), id, plain(dict(state)))

    def _region(self, inputs: Mapping[str, Any]) -> str | None:
        own = plain(inputs.get("region"))
        if isinstance(own, str) and own != UNKNOWN:
            return own
        return self._place.region if self._place and own is None else None

    def _call(self, inputs: Mapping[str, Any], urn: str) -> Call:
        if self._place is None:
            raise EngineError("the provider's account and Region are not known yet")
        region = self._region(inputs)
        if region is None:
            raise EngineError("the resource's Region is not known yet")
        return Call(
            account=self._place.account, region=region, default_tags=self._place.default_tags, urn=urn
        )

    def _tags_all(self, token: str, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        return schema.tags_all(token, inputs, self._place.default_tags if self._place else {})

    def _with_tags(self, token: str, outputs: dict[str, Any]) -> dict[str, Any]:
        merged = self._tags_all(token, outputs)
        return outputs if merged is None else {**outputs, "tagsAll": merged}

    def _previewed(self, token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return self._with_tags(token, {**inputs})

    def _marked(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs are secret where the input of the same name holds a secret."""
        secrets = {key for key, value in inputs.items() if has_secret(value)}
        return {key: secret(value) if key in secrets else value for key, value in outputs.items()}


def comparable(value: Any) -> Any:
    """The value for comparing: plain, assets by their content, `None` members dropped."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if not isinstance(value, dict):
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if value.get(SIGNATURE) in (ASSET, ARCHIVE):
        return {"hash": value["hash"]} if value.get("hash") else value
    opened = plain(value)
    if not isinstance(opened, dict) or SIGNATURE in value:
        return comparable(opened)
    return {key: comparable(item) for key, item in value.items() if item is not None}


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Dotted paths at which two comparable values differ; list positions leave no trace in a path."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 1:
        yield from _differences(old[0], new[0], path)
    else:
        yield path


def _forces(path: str, replace_on: frozenset[str]) -> bool:
    """Whether a change at the path replaces: the path itself, something above it, or something below it."""
    return any(path == key or path.startswith(f"{key}.") or key.startswith(f"{path}.") for key in replace_on)
