"""The error report as SARIF 2.1.0, the form in which GitHub code scanning and editors take it.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0; GitHub, "SARIF support for code scanning".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from landfall import __version__
from landfall.config import ConfigIssue
from landfall.config.code_pages import page
from landfall.config.codes import CODES, Code

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT_ID: Final = "%SRCROOT%"
"""The folder that files are named from: the root of the repository."""
CATEGORY: Final = "landfall/validate/"
"""What GitHub keeps these results apart from other tools' by."""


def sarif(issues: Sequence[ConfigIssue], root: Path) -> dict[str, Any]:
    """A SARIF log with one result an issue; files below `root` are named from there.

    No line of a file is in it: code scanning shows the repository's own.
    """
    rules = {code.code: index for index, code in enumerate(CODES)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "landfall",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(code) for code in CODES],
                    }
                },
                "automationDetails": {"id": CATEGORY},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    ROOT_ID: {"description": {"text": "The root folder of the repository."}}
                },
                "results": [_result(issue, rules[issue.code], root) for issue in sorted(issues)],
            }
        ],
    }


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.code,
        "name": "".join(word.capitalize() for word in code.title.split()),
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.cause},
        "help": {"text": f"{code.cause} {code.fix}", "markdown": page(code)},
        "defaultConfiguration": {"level": "error"},
        "properties": {"precision": "very-high", "problem.severity": "error", "tags": ["config"]},
    }


def _result(issue: ConfigIssue, rule: int, root: Path) -> dict[str, Any]:
    uri, base = _uri(issue.file, root)
    result: dict[str, Any] = {
        "ruleId": issue.code,
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": issue.message},
        "locations": [{"physicalLocation": _physical(uri, base, issue.line, issue.column)}],
        # The place moves when lines are added above; file, code and key stay.
        "partialFingerprints": {"landfall/key/v1": _fingerprint(uri, issue)},
    }
    if issue.key_path:
        result["locations"][0]["logicalLocations"] = [
            {"fullyQualifiedName": issue.key_path, "kind": "member"}
        ]
    if issue.also:
        result["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": _physical(uri, base, place.line, place.column),
                "message": {"text": place.key_path},
            }
            for number, place in enumerate(issue.also, 1)
        ]
    return result


def _physical(uri: str, base: str | None, line: int, column: int) -> dict[str, Any]:
    artifact = {"uri": uri} if base is None else {"uri": uri, "uriBaseId": base}
    return {
        "artifactLocation": artifact,
        # GitHub shows nothing without a region; a mistake of the whole file is shown at its first line.
        "region": {"startLine": max(line, 1), "startColumn": max(column, 1)},
    }


def _uri(file: str, root: Path) -> tuple[str, str | None]:
    path = Path(file)
    absolute = path if path.is_absolute() else Path.cwd() / path
    if absolute.is_relative_to(root):
        return quote(absolute.relative_to(root).as_posix()), ROOT_ID
    return absolute.as_uri(), None


def _fingerprint(uri: str, issue: ConfigIssue) -> str:
    return hashlib.sha256("\0".join((uri, issue.code, issue.key_path)).encode()).hexdigest()[:32]
