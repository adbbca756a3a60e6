"""The Pulumi project and its stack files, read as the engine reads them."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from landfall.config import yamltree
from sandbox.engines.errors import EngineError

DISABLED_PROVIDERS: Final = "pulumi:disable-default-providers"

_GO_ESCAPES: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""What Go's JSON writer escapes inside strings."""


@dataclass(frozen=True)
class StackConfig:
    """A stack's configuration as the program gets it: every value a string, objects as JSON text."""

    values: dict[str, str]
    secret_keys: tuple[str, ...]

    @property
    def disabled_providers(self) -> frozenset[str]:
        """Packages whose default provider is switched off; `*` means all."""
        return frozenset(json.loads(self.values.get(DISABLED_PROVIDERS, "[]")))


@dataclass(frozen=True)
class Project:
    """`Pulumi.yaml` and what belongs to it."""

    root: Path
    name: str
    main: Path
    """The program file."""
    stacks_dir: Path
    defaults: dict[str, str]
    """Configuration that the project gives every stack."""

    @classmethod
    def load(cls, root: Path) -> Project:
        """Read `Pulumi.yaml` in `root`.

        Raises:
            EngineError: there is none, or it is not YAML.
        """
        root = root.resolve()
        content = _read(root / "Pulumi.yaml")
        name = content.get("name")
        if not isinstance(name, str):
            raise EngineError(f"{root / 'Pulumi.yaml'} names no project")
        folder = root / str(content.get("main") or ".")
        defaults = {}
        for key, declared in (content.get("config") or {}).items():
            if isinstance(declared, dict):
                if "value" in declared or "default" in declared:
                    defaults[_qualified(name, key)] = _text(declared.get("value", declared.get("default")))
            else:
                defaults[_qualified(name, key)] = _text(declared)
        return cls(
            root=root,
            name=name,
            main=folder.resolve() / "__main__.py",
            stacks_dir=root / str(content.get("stackConfigDir") or "."),
            defaults=defaults,
        )

    def stacks(self) -> list[str]:
        """Names of the stacks that have a file, sorted."""
        return sorted(
            path.name.removeprefix("Pulumi.").removesuffix(".yaml")
            for path in self.stacks_dir.glob("Pulumi.*.yaml")
        )

    def stack_file(self, stack: str) -> Path:
        """The stack's file.

        Raises:
            EngineError: there is none.
        """
        path = self.stacks_dir / f"Pulumi.{stack}.yaml"
        if not path.is_file():
            known = ", ".join(self.stacks()) or "none"
            raise EngineError(f'there is no stack "{stack}" in {self.stacks_dir.name}/; stacks: {known}')
        return path

    def config(self, stack: str) -> StackConfig:
        """The stack's configuration over the project's defaults.

        An encrypted value (`secure:`) cannot be read here; the program gets a placeholder and sees that it
        is secret.
        """
        values = dict(self.defaults)
        secret_keys = []
        for key, value in (_read(self.stack_file(stack)).get("config") or {}).items():
            qualified = _qualified(self.name, key)
            values[qualified] = _text(_opened(value))
            if _holds_secret(value):
                secret_keys.append(qualified)
        return StackConfig(values=values, secret_keys=tuple(sorted(secret_keys)))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = _values(path.read_bytes())
    except FileNotFoundError as missing:
        raise EngineError(f"{path} does not exist") from missing
    except YAMLError as wrong:
        place = getattr(wrong, "problem_mark", None)
        where = f":{place.line + 1}:{place.column + 1}" if place else ""
        raise EngineError(f"{path}{where} is not valid YAML: {getattr(wrong, 'problem', wrong)}") from wrong
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise EngineError(f"{path} must hold a mapping")
    return content


def _values(data: bytes) -> Any:
    """The values of a YAML text; raises YAMLError."""
    root, problems = yamltree.read(data)
    if root is not None and not problems:
        return root.value
    # Landfall's own reader refuses more than the engine does, and a program of anybody's may run here.
    return YAML(typ="safe", pure=True).load(data.decode("utf-8"))


def _qualified(project: str, key: str) -> str:
    """A key without namespace belongs to the project."""
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    """A value as the engine hands it to the program: strings as they are, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, (datetime.date, datetime.datetime)):
        return _instant(value)
    if value is None:
        return ""
    text = json.dumps(
        _whole(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_instant
    )
    return text.translate(_GO_ESCAPES)


def _whole(value: Any) -> Any:
    """The value with whole floating-point numbers as Go prints them: without a fraction."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _instant(value: Any) -> str:
    """A YAML date as the engine hands it on: its YAML reader makes an instant of it, printed Go's way."""
    if isinstance(value, datetime.datetime):
        moment = value.replace(tzinfo=value.tzinfo or datetime.UTC)
        fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
        zone = "UTC" if moment.utcoffset() == datetime.timedelta(0) else f"{moment:%z}"
        return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {moment:%z} {zone}"
    if isinstance(value, datetime.date):
        return f"{value.isoformat()} 00:00:00 +0000 UTC"
    raise EngineError(f"configuration cannot hold a {type(value).__name__}")


def _opened(value: Any) -> Any:
    """The value with encrypted leaves replaced by a placeholder."""
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return "<secret>"
        return {str(key): _opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item) for item in value]
    return value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(_holds_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_secret(item) for item in value)
    return False
