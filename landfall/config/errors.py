"""Errors of a stack config: the code table, one issue, the report and its JSON form.

An issue has a stable code with a page in `docs/errors/`, and reads (DESIGN section 4):

    stacks/Pulumi.dev.yaml:41:7  LF0103  landfall:warehouses.sales.nodes.type
      found "ra3.xlpus"; allowed: ra3.large, ra3.xlplus. Did you mean "ra3.xlplus"?
      41 |       type: ra3.xlpus
         |             ^^^^^^^^^
"""

from __future__ import annotations

import difflib
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import PurePath
from typing import Final, Literal

from pydantic_core import PydanticCustomError

from landfall.config.excerpt import Excerpt

type Scalar = str | int | float | bool
type Path = tuple[str | int, ...]

CUSTOM_ERROR: Final = "landfall"
_SHOWN_CHARACTERS = 80
_SHOWN_ALLOWED = 16
_MOST_COMPARED: Final = 128

UNKNOWN_KEY: Final = "LF0101"
WRONG_TYPE: Final = "LF0102"
NOT_ALLOWED: Final = "LF0103"
UNKNOWN_REFERENCE: Final = "LF0104"
CIDR_OVERLAP: Final = "LF0105"
DUPLICATE: Final = "LF0106"
BAD_SCHEDULE: Final = "LF0107"
MISSING_FILE: Final = "LF0108"
YAML_SYNTAX: Final = "LF0109"
SECRET_AS_DATA: Final = "LF0110"  # noqa: S105
MISSING_KEY: Final = "LF0111"
MALFORMED: Final = "LF0112"
OUT_OF_RANGE: Final = "LF0113"
UNSAFE_NAME: Final = "LF0114"
ZONES: Final = "LF0115"
EMPTY_LIST: Final = "LF0116"
CONTRADICTION: Final = "LF0117"
CYCLE: Final = "LF0118"
TOO_LARGE: Final = "LF0119"
NAME_TOO_LONG: Final = "LF0120"
ONE_OF: Final = "LF0121"
UNKNOWN_TIMEZONE: Final = "LF0122"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake at a key path (relative to where it is raised), before file and position are known."""

    code: str
    path: Path = ()
    message: str = ""
    """What is wrong, a clause; empty where found and allowed values say it all."""
    found: str | None = None
    """The value as shown to the reader; never a secret."""
    allowed: tuple[str, ...] = ()
    suggestion: Scalar | None = None
    """A value that would be right, printed as `Did you mean ...?`."""
    hint: str = ""
    """One sentence on how to fix it, where no single value can be suggested."""
    on_key: bool = False
    """Point at the key instead of its value."""
    also: tuple[Path, ...] = ()
    """Further places of the same mistake: one cause is one error, however often it is met."""

    def under(self, prefix: Path) -> Finding:
        """The same finding with `prefix` in front of its paths."""
        return replace(self, path=(*prefix, *self.path), also=tuple((*prefix, *path) for path in self.also))


def refuse(*findings: Finding) -> PydanticCustomError:
    """The exception that a model validator raises to report `findings`."""
    text = " ".join(text_of(finding) for finding in findings)
    return PydanticCustomError(CUSTOM_ERROR, "{text}", {"text": text, "findings": findings})


@dataclass(frozen=True)
class Place:
    """A key of the file of an issue, and where it is; line and column as in `ConfigIssue`."""

    line: int
    column: int
    key_path: str


@dataclass(frozen=True, order=True)
class ConfigIssue:
    """One mistake in one stack file. `line` and `column` count from 1; 0 where the file gives none."""

    file: str
    line: int
    column: int
    code: str
    key_path: str
    message: str
    found: str | None = field(default=None, compare=False)
    allowed: tuple[str, ...] = field(default=(), compare=False)
    suggestion: Scalar | None = field(default=None, compare=False)
    """The value that would be right, or the sentence that says how to fix it."""
    also: tuple[Place, ...] = field(default=(), compare=False)
    """Further places of the same mistake."""
    excerpt: Excerpt | None = field(default=None, compare=False, repr=False)
    """The line of the file, where there is one that may be shown."""

    @property
    def place(self) -> str:
        """File, line and column, as editors and terminals open it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        """The two lines that are the core of its entry in the report."""
        head = "  ".join(part for part in (self.place, self.code, self.key_path) if part)
        return f"{head}\n  {self.message}"

    def to_json(self) -> dict[str, object]:
        """The issue as plain data, for `landfall validate --json`."""
        return {
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "key_path": self.key_path,
            "message": self.message,
            "found": self.found,
            "allowed": list(self.allowed),
            "suggestion": self.suggestion,
            "also": [asdict(place) for place in self.also],
            "page": f"docs/errors/{self.code}.md",
        }


class ConfigError(Exception):
    """A stack config is invalid; `issues` has every mistake, in file order."""

    def __init__(self, issues: Sequence[ConfigIssue]) -> None:
        self.issues: tuple[ConfigIssue, ...] = tuple(sorted(issues))
        super().__init__(report(self.issues))


type Part = Literal["place", "code", "key", "message", "source", "mark", "file", "count", "plain"]
"""What a piece of the report is, for those who colour it."""


def report_parts(issues: Iterable[ConfigIssue]) -> Iterator[tuple[Part, str]]:
    """The report in pieces, in file order: what each is, and its text. Nothing where there are no issues.

    An entry is the position line, the sentence, and the line of the file with a mark under the place. Files
    are apart, each with its number of errors where there are several; the last line counts all.
    """
    ordered = sorted(issues)
    files = {file: list(own) for file, own in groupby(ordered, key=lambda issue: issue.file)}
    for file, own in files.items():
        if len(files) > 1:
            yield "file", f"{file}: {_counted(len(own), 'error')}"
            yield "plain", "\n\n"
        for issue in own:
            yield from _entry(issue)
            yield "plain", "\n"
    if ordered:
        codes = sorted({issue.code for issue in ordered})
        yield "plain", f"landfall explain {codes[0]} says more about an error.\n"
        yield "count", f"{_counted(len(ordered), 'error')} in {_counted(len(files), 'file')}"


def _entry(issue: ConfigIssue) -> Iterator[tuple[Part, str]]:
    yield "place", issue.place
    yield "plain", "  "
    yield "code", issue.code
    if issue.key_path:
        yield "plain", "  "
        yield "key", issue.key_path
    yield "plain", "\n  "
    yield "message", issue.message
    yield "plain", "\n"
    if issue.excerpt is not None:
        number = str(issue.line)
        yield "source", f"  {number} | {issue.excerpt.text}\n"
        yield "source", f"  {' ' * len(number)} | {' ' * issue.excerpt.start}"
        yield "mark", "^" * issue.excerpt.length
        yield "plain", "\n"


def report(issues: Iterable[ConfigIssue], seen_from: PurePath | None = None) -> str:
    """The report as plain text, empty where there are no issues.

    `seen_from` is a folder: files below it are named as somebody in it would write them.
    """
    named = [_named_from(issue, seen_from) for issue in issues] if seen_from else issues
    return "".join(text for _, text in report_parts(named))


def _named_from(issue: ConfigIssue, folder: PurePath) -> ConfigIssue:
    path = PurePath(issue.file)
    return replace(issue, file=path.relative_to(folder).as_posix()) if path.is_relative_to(folder) else issue


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def text_of(finding: Finding) -> str:
    """The sentence under the position line."""
    clauses: list[str] = []
    if finding.found is not None:
        clauses.append(f"found {finding.found}")
    if finding.message:
        clauses.append(finding.message)
    if finding.allowed:
        shown = ", ".join(finding.allowed[:_SHOWN_ALLOWED])
        more = len(finding.allowed) - _SHOWN_ALLOWED
        clauses.append(f"allowed: {shown}" + (f" and {more} more" if more > 0 else ""))
    text = "; ".join(clauses) + "."
    if finding.suggestion is not None:
        text += f" Did you mean {show(finding.suggestion)}?"
    if finding.hint:
        text += f" {finding.hint}"
    return text


def listed(values: Sequence[object]) -> str:
    """Values as words: `1`, `1 and 2`, `1, 2 and 3`."""
    texts = [str(value) for value in values]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def show(value: object) -> str:
    """A found value as one short piece of text: quoted, cut, one line."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        value = value[:_SHOWN_CHARACTERS] + "…"
    return printable(json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """The text with escapes for what a terminal would obey or not show, such as a change of direction."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that is spelt most like `word`, if any is close. Ties fall to the alphabet.

    Of very many choices only those are compared that stand around the word in the alphabet: a file with
    thousands of wrong names takes seconds then, not hours.
    """
    ordered = sorted(choices)
    lowered = {choice.lower(): choice for choice in reversed(ordered)}
    words = sorted(lowered)
    if len(words) > _MOST_COMPARED:
        at = bisect_left(words, word.lower())
        words = words[max(0, at - _MOST_COMPARED // 2) : at + _MOST_COMPARED // 2]
    matches = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    return lowered[matches[0]] if matches else None
