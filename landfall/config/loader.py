"""Loading a stack config: typed and frozen, or every mistake at once with file, line and column.

Field errors come from the models; cross-field checks then run on whatever parsed: no mistake hides another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from landfall.config.checks import check
from landfall.config.engine_values import decoded
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
    Place,
    listed,
    nearest,
    printable,
    text_of,
)
from landfall.config.excerpt import excerpt, key_end, lines_of
from landfall.config.files import check_files
from landfall.config.limits import FILE_BYTES
from landfall.config.shape import value_at
from landfall.config.source import FILE_PREFIX, FILE_SUFFIX, NAMESPACE, StackSource
from landfall.config.stack import SKIP_CHECKS, StackConfig
from landfall.config.translate import NOT_SHOWN, findings_of
from landfall.config.tree import Tree

WITHOUT_FILE: Final = "stack config"
_LONGEST_PART: Final = 80
"""Characters of a key that a key path shows."""

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


def load_text(path: FilePath | str, text: str) -> LoadResult:
    """Check `text` as if it were the stack file at `path`, which need not exist."""
    source = StackSource.of(FilePath(path), text.encode())
    config, issues = _load(source.values if source.readable else None, source, (), lines_of(text))
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
            own[name] = decoded(value)
    names = [key.rpartition(":")[2] for key in secret_keys if key.rpartition(":")[0] in ("", NAMESPACE)]
    config, issues = _load(own, source, names)
    if config is None or issues:
        raise ConfigError(issues)
    return config


def scripts_folder(config: StackConfig, source: StackSource) -> FilePath | None:
    """The folder with the scripts of the stack's workflows; None where the stack has no workflows."""
    return source.folder / config.workflows.scripts if config.workflows else None


def _load(
    values: Mapping[str, Any] | None,
    source: StackSource | None,
    secret_keys: Collection[str],
    lines: Sequence[str] | None = None,
) -> tuple[StackConfig | None, tuple[ConfigIssue, ...]]:
    issues = _text_issues(source)
    if values is None:
        return None, _with_excerpts(issues, (), source, lines)
    # The engine's declared default for a stack without workflows is an empty mapping.
    values = {key: value for key, value in values.items() if not (key == "workflows" and value == {})}
    secrets = list(_secrets(values, secret_keys))
    read, findings, config, renamed = _read_as_meant(values)
    findings = secrets + findings
    bad = {finding.path for finding in findings if finding.code not in _STILL_READABLE or finding.on_key}
    tree = Tree(read, (path for path in bad if path))
    if source is not None:
        missing = list(check_files(tree, source.folder))
        findings += missing
        tree = Tree(read, (path for path in bad | {finding.path for finding in missing} if path))
    findings += check(tree)
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
    placed = [(finding, _issue(finding, source, renamed)) for finding in kept]
    issues += tuple(issue for _, issue in placed)
    return (None if issues else config), _with_excerpts(sorted(_distinct(issues)), placed, source, lines)


def _with_excerpts(
    issues: Iterable[ConfigIssue],
    placed: Iterable[tuple[Finding, ConfigIssue]],
    source: StackSource | None,
    lines: Sequence[str] | None,
) -> tuple[ConfigIssue, ...]:
    """The issues, each with its line of the file; nothing that may be a secret is in one."""
    issues = tuple(issues)
    if not issues or source is None:
        return issues
    lines = _lines(source.path) if lines is None else lines
    hidden: dict[int, int] = {}
    for finding, issue in placed:
        if finding.code == SECRET_AS_DATA or finding.found == NOT_SHOWN:
            column = key_end(lines, issue.line, issue.column) if finding.on_key else issue.column
            hidden[issue.line] = min(column, hidden.get(issue.line, column))
    return tuple(replace(issue, excerpt=excerpt(lines, issue.line, issue.column, hidden)) for issue in issues)


def _lines(path: FilePath) -> Sequence[str]:
    """The lines of a file; none where it cannot be read."""
    try:
        if not path.is_file():
            return ()
        with path.open("rb") as file:
            return lines_of(file.read(FILE_BYTES.value).decode("utf-8-sig", "replace"))
    except OSError:
        return ()


type _Renamed = Mapping[Path, str]
"""Keys as they are meant, by path, with how the file spells them."""


def _read_as_meant(
    values: Mapping[str, Any],
) -> tuple[Mapping[str, Any], list[Finding], StackConfig | None, _Renamed]:
    """The values with misspelt keys put right, what is wrong with them, the config, and the renamed keys.

    A misspelt key is one mistake: what stands below it is checked as if it were right, and nothing is missed
    because of it. Each round may bring up misspelt keys below the ones that were put right.
    """
    misspelt = _misspelt(values)
    renamed: dict[Path, str] = {(right,): wrong for wrong, right in misspelt.items()}
    found = [_misspelt_finding(wrong, right) for wrong, right in misspelt.items()]
    read = {misspelt.get(key, key): value for key, value in values.items()}
    while True:
        try:
            return read, found, StackConfig.model_validate(read, context={SKIP_CHECKS: True}), renamed
        except ValidationError as error:
            findings = findings_of(error.errors(include_url=False), read)
        again = False
        for finding in findings:
            wrong, right = finding.path[-1:], finding.suggestion
            if finding.code != UNKNOWN_KEY or len(finding.path) < 2 or not isinstance(right, str):
                continue
            parent = value_at(read, finding.path[:-1])
            if isinstance(parent, Mapping) and right not in parent and not _is_secret(parent[wrong[0]]):
                read = _with_key(read, finding.path, right)
                renamed[(*finding.path[:-1], right)] = str(wrong[0])
                found.append(finding)
                again = True
        if not again:
            # What a misspelt key is meant to be is a guess, and no ground for "both are given".
            unsure = {path[:-1] for path in renamed}
            sure = [finding for finding in findings if finding.code != ONE_OF or finding.path not in unsure]
            return read, found + sure, None, renamed


def _with_key(values: Any, path: Path, right: str) -> Any:
    """A copy of the values in which the key at `path` is called `right`."""
    first, *rest = path
    if isinstance(values, Mapping):
        if not rest:
            return {right if key == first else key: value for key, value in values.items()}
        return {
            key: _with_key(value, tuple(rest), right) if key == first else value
            for key, value in values.items()
        }
    return [
        _with_key(value, tuple(rest), right) if index == first else value
        for index, value in enumerate(values)
    ]


def _misspelt(values: Mapping[str, Any]) -> dict[str, str]:
    """Top-level keys that are meant to be another, with or without the namespace."""
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


def _issue(finding: Finding, source: StackSource | None, renamed: _Renamed) -> ConfigIssue:
    if finding.suggestion is None and not finding.hint:
        finding = replace(finding, hint=f"See docs/errors/{finding.code}.md.")
    also = tuple(_place(path, source, renamed, on_key=False) for path in finding.also)
    place = _place(finding.path, source, renamed, on_key=finding.on_key)
    lines = sorted({other.line for other in also if other.line} - {place.line})
    return ConfigIssue(
        file=source.path.as_posix() if source else WITHOUT_FILE,
        line=place.line,
        column=place.column,
        code=finding.code,
        key_path=place.key_path,
        message=text_of(finding) + _see_also(lines),
        found=finding.found,
        allowed=finding.allowed,
        suggestion=finding.suggestion if finding.suggestion is not None else finding.hint or None,
        also=also,
    )


def _see_also(lines: Sequence[int]) -> str:
    return f" See also line{'s' if len(lines) > 1 else ''} {listed(lines)}." if lines else ""


def _place(path: Path, source: StackSource | None, renamed: _Renamed, *, on_key: bool) -> Place:
    # What stands below a misspelt key is found under the key that the file has.
    in_file = tuple(renamed.get(path[: index + 1], part) for index, part in enumerate(path))
    mark = source.mark(in_file, on_key=on_key) if source else None
    return Place(line=mark.line if mark else 0, column=mark.column if mark else 0, key_path=shown_path(path))


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
            part = printable(part if len(part) <= _LONGEST_PART else part[:_LONGEST_PART] + "…")
            text += f".{part}" if text else part if ":" in part else f"{NAMESPACE}:{part}"
    return text
