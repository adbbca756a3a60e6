"""Loading a stack config: typed and frozen, or every mistake at once with file, line and column.

Field errors come from the models; cross-field checks then run on whatever parsed: no mistake hides another.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from landfall.config.checks import check
from landfall.config.errors import (
    CONTRADICTION,
    DUPLICATE,
    EMPTY_LIST,
    MISSING_KEY,
    ONE_OF,
    OUT_OF_RANGE,
    SECRET_AS_DATA,
    TOO_LARGE,
    UNKNOWN_KEY,
    WRONG_TYPE,
    ZONES,
    ConfigError,
    ConfigIssue,
    Finding,
    Path,
    nearest,
    text_of,
)
from landfall.config.files import check_files
from landfall.config.source import FILE_PREFIX, FILE_SUFFIX, NAMESPACE, StackSource
from landfall.config.stack import SKIP_CHECKS, StackConfig
from landfall.config.translate import findings_of
from landfall.config.tree import Tree

WITHOUT_FILE: Final = "stack config"

#: Mistakes after which the value itself still says what is meant, so that further checks read it.
_STILL_READABLE: Final = frozenset(
    {UNKNOWN_KEY, MISSING_KEY, ONE_OF, EMPTY_LIST, OUT_OF_RANGE, CONTRADICTION, ZONES, TOO_LARGE, DUPLICATE}
)


@dataclass(frozen=True)
class LoadResult:
    """One stack file: its config, or what is wrong with it."""

    stack: str
    path: FilePath
    config: StackConfig | None
    issues: tuple[ConfigIssue, ...]
    source: StackSource

    @property
    def ok(self) -> bool:
        """Whether the file is a valid stack config."""
        return not self.issues and self.config is not None

    def require(self) -> StackConfig:
        """The config. Raises ConfigError with every issue of the file when there are any."""
        if self.config is None or self.issues:
            raise ConfigError(self.issues)
        return self.config


def load_file(path: FilePath | str) -> LoadResult:
    """Read and check the stack file at `path`. Never raises for what is in the file."""
    source = StackSource.open(path)
    config, issues = _load(source.values if source.readable else None, source, ())
    return LoadResult(source.stack, source.path, config, issues, source)


def stack_files(folder: FilePath | str = "stacks") -> tuple[FilePath, ...]:
    """The stack files of a folder (`Pulumi.<stack>.yaml`), sorted by name."""
    return tuple(
        sorted(
            path
            for path in FilePath(folder).glob(f"{FILE_PREFIX}*{FILE_SUFFIX}")
            if path.name != f"{FILE_PREFIX.rstrip('.')}{FILE_SUFFIX}"
        )
    )


def load_all(folder: FilePath | str = "stacks") -> dict[str, LoadResult]:
    """Every stack file of a folder, by stack name."""
    results = [load_file(path) for path in stack_files(folder)]
    return {result.stack: result for result in results}


def load(
    values: Mapping[str, object], source: StackSource | None = None, secret_keys: Collection[str] = ()
) -> StackConfig:
    """The config for values that the engine delivers, keys with or without the `landfall:` namespace.

    `source` gives positions for errors and the folder of the scripts; without it, files are not looked for.
    `secret_keys` are the keys that the engine holds as secrets: none of them may be config. A value may be
    the JSON text of a mapping, as the engine keeps it. Raises ConfigError with every issue.
    """
    own = {}
    for key, value in values.items():
        namespace, colon, name = key.rpartition(":")
        if not colon or namespace == NAMESPACE:
            own[name] = _decoded(value)
    names = [key.rpartition(":")[2] for key in secret_keys if key.rpartition(":")[0] in ("", NAMESPACE)]
    config, issues = _load(own, source, names)
    if config is None or issues:
        raise ConfigError(issues)
    return config


def scripts_folder(config: StackConfig, source: StackSource) -> FilePath | None:
    """The folder with the scripts of the stack's workflows; None where the stack has no workflows."""
    return source.folder / config.workflows.scripts if config.workflows else None


def _decoded(value: object) -> object:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _load(
    values: Mapping[str, Any] | None, source: StackSource | None, secret_keys: Collection[str]
) -> tuple[StackConfig | None, tuple[ConfigIssue, ...]]:
    issues = _text_issues(source)
    if values is None:
        return None, issues
    # The engine's declared default for a stack without workflows is an empty mapping.
    values = {key: value for key, value in values.items() if not (key == "workflows" and value == {})}
    secrets = list(_secrets(values, secret_keys))
    misspelt = _misspelt(values)
    read = {misspelt.get(key, key): value for key, value in values.items()}
    findings = secrets + [_misspelt_finding(wrong, right) for wrong, right in misspelt.items()]
    config: StackConfig | None = None
    try:
        config = StackConfig.model_validate(read, context={SKIP_CHECKS: True})
    except ValidationError as error:
        findings += findings_of(error.errors(include_url=False), read)
    bad = {finding.path for finding in findings if finding.code not in _STILL_READABLE or finding.on_key}
    bad -= {(right,) for right in misspelt.values()}
    tree = Tree(read, (path for path in bad if path))
    findings += check(tree)
    if source is not None:
        findings += check_files(tree, source.folder)
    # One error per cause: what is a secret, or unclear as text, is not judged as a value too.
    settled = {finding.path for finding in secrets}
    if source is not None:
        settled |= {
            problem.path for problem in source.problems if problem.path and problem.code == WRONG_TYPE
        }
    kept = [
        finding
        for finding in findings
        if finding in secrets or not any(finding.path[: len(path)] == path for path in settled)
    ]
    back = {right: wrong for wrong, right in misspelt.items()}
    issues += tuple(_issue(finding, source, back) for finding in kept)
    return (None if issues else config), tuple(sorted(_distinct(issues)))


def _misspelt(values: Mapping[str, Any]) -> dict[str, str]:
    """Top-level keys that are meant to be another: what is below them is checked as if they were right."""
    known = tuple(StackConfig.model_fields)
    result: dict[str, str] = {}
    for key in values:
        if key not in known and not _is_secret(values[key]):
            near = nearest(key.rpartition(":")[2], known)
            if near is not None and near not in values and near not in result.values():
                result[key] = near
    return result


def _misspelt_finding(wrong: str, right: str) -> Finding:
    return Finding(
        code=UNKNOWN_KEY,
        path=(wrong,),
        message="unknown key",
        allowed=tuple(f"{NAMESPACE}:{name}" for name in StackConfig.model_fields),
        suggestion=f"{NAMESPACE}:{right}",
        on_key=True,
    )


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def _secrets(values: Any, secret_keys: Collection[str], path: Path = ()) -> Iterable[Finding]:
    """Encrypted entries (`secure:`) and keys that the engine holds as secrets."""
    if _is_secret(values) or (len(path) == 1 and path[0] in secret_keys):
        yield Finding(
            code=SECRET_AS_DATA,
            path=path,
            message="an encrypted value is a secret, and a secret is never config data",
            hint="Keep it in Secrets Manager and write the secret's name.",
            on_key=True,
        )
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield from _secrets(value, secret_keys, (*path, key))
    elif isinstance(values, list | tuple):
        for index, value in enumerate(values):
            yield from _secrets(value, secret_keys, (*path, index))


def _text_issues(source: StackSource | None) -> tuple[ConfigIssue, ...]:
    if source is None:
        return ()
    return tuple(
        ConfigIssue(
            file=source.path.as_posix(),
            line=problem.mark.line,
            column=problem.mark.column,
            code=problem.code,
            key_path=shown_path(problem.path) if source.readable else "",
            message=f"{problem.message}. {problem.hint}",
            suggestion=problem.hint,
        )
        for problem in source.problems
    )


def _issue(finding: Finding, source: StackSource | None, misspelt: Mapping[str, str]) -> ConfigIssue:
    if finding.suggestion is None and not finding.hint:
        finding = replace(finding, hint=f"See docs/errors/{finding.code}.md.")
    # What stands below a misspelt top-level key is found under the key that the file has.
    path = finding.path
    in_file = (misspelt.get(str(path[0]), path[0]), *path[1:]) if path else path
    mark = source.mark(in_file, on_key=finding.on_key) if source else None
    return ConfigIssue(
        file=source.path.as_posix() if source else WITHOUT_FILE,
        line=mark.line if mark else 0,
        column=mark.column if mark else 0,
        code=finding.code,
        key_path=shown_path(path),
        message=text_of(finding),
        found=finding.found,
        allowed=finding.allowed,
        suggestion=finding.suggestion if finding.suggestion is not None else finding.hint or None,
    )


def _distinct(issues: Iterable[ConfigIssue]) -> tuple[ConfigIssue, ...]:
    """Without repeats: a value that aliases bring in several times is one mistake."""
    seen: dict[tuple[object, ...], ConfigIssue] = {}
    for issue in sorted(issues):
        place = (issue.line, issue.column) if issue.line else issue.key_path
        seen.setdefault((issue.file, place, issue.code, issue.message), issue)
    return tuple(seen.values())


def shown_path(path: Path) -> str:
    """A key path as text: `landfall:network.etl.availability_zones[1]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part if ":" in part else f"{NAMESPACE}:{part}"
    return text
