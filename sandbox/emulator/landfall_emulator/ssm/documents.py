"""Command documents: what a valid one is, and what it becomes with parameters.

Rules: https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
and `documents-schemas-features.html` beside it. Pure functions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import regex
from localemu.aws.api import CommonServiceException

from landfall_emulator.ssm.content import LONGEST_CONTENT, Unreadable, read
from landfall_emulator.ssm.errors import ssm_error
from landfall_emulator.ssm.patterns import matches

_LONGEST_SHOWN: Final = 200
_NAME: Final = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_RESERVED: Final = re.compile(r"(aws|amazon|amzn)", re.IGNORECASE)
_STEP_NAME: Final = re.compile(r"[a-zA-Z0-9\-_]{3,50}")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_TYPES: Final = frozenset({"String", "StringList", "Integer", "Boolean", "MapList", "StringMap"})
_PARAMETER_KEYS: Final = frozenset(
    {
        "type",
        "description",
        "default",
        "allowedValues",
        "allowedPattern",
        "displayType",
        "minItems",
        "maxItems",
        "minChars",
        "maxChars",
        "interpolationType",
    }
)
_TOP_KEYS: Final = frozenset(
    {"schemaVersion", "description", "parameters", "mainSteps", "variables", "files"}
)
_SCHEMAS: Final = frozenset({"2.0", "2.2"})

_EXECUTION_TIMEOUT: Final = "([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)"

RUN_SHELL_SCRIPT: Final[dict[str, Any]] = {
    "schemaVersion": "2.2",
    "description": "Run a shell script or specify the commands to run.",
    "parameters": {
        "commands": {"type": "StringList", "minItems": 1, "displayType": "textarea"},
        "workingDirectory": {"type": "String", "default": "", "maxChars": 4096},
        "executionTimeout": {
            "type": "String",
            "default": "3600",
            "allowedPattern": _EXECUTION_TIMEOUT,
        },
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "runShellScript",
            "inputs": {
                "timeoutSeconds": "{{ executionTimeout }}",
                "workingDirectory": "{{ workingDirectory }}",
                "runCommand": "{{ commands }}",
            },
        }
    ],
}
"""The AWS-owned document `AWS-RunShellScript`, in the parts that act on a host of the sandbox."""


def check_name(name: str) -> None:
    """Raise ValidationException or InvalidDocument for a name that a customer's document cannot have."""
    if not _NAME.fullmatch(name):
        raise ssm_error("ValidationException", f"{name!r} is not a document name ([a-zA-Z0-9_.-]{{3,128}})")
    if _RESERVED.match(name):
        raise ssm_error("ValidationException", f"the document name {name!r} uses a prefix reserved for AWS")


def digest(content: str) -> str:
    """The document's hash as Systems Manager shows it (SHA-256, hexadecimal)."""
    return hashlib.sha256(content.encode()).hexdigest()


def parse(content: str, document_format: str, document_type: str) -> dict[str, Any]:
    """The document in `content`.

    Documents of type Command are checked in full, others only for being a mapping. Raises
    InvalidDocumentContent or MaxDocumentSizeExceeded.
    """
    if len(content.encode("utf-8", "replace")) > LONGEST_CONTENT:
        raise ssm_error("MaxDocumentSizeExceeded", "the content is larger than 64 KB")
    try:
        document = read(content, document_format)
    except Unreadable as error:
        raise _bad(str(error)) from None
    if not isinstance(document, dict):
        raise _bad("the content is not an object")
    if document_type == "Command":
        _check_command(document)
    return document


def bind(document: Mapping[str, Any], given: Mapping[str, list[str]]) -> dict[str, Any]:
    """Values of all parameters of `document`, defaults included, as their types say.

    Raises InvalidParameters for an unknown or missing parameter and for a value that the document forbids.
    """
    declared: Mapping[str, Any] = document.get("parameters") or {}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise ssm_error("InvalidParameters", f"document has no parameter {', '.join(unknown)}")
    values = {}
    for name, rules in declared.items():
        if name in given:
            values[name] = _typed(name, rules, given[name])
            _check_value(name, rules, values[name])
        elif "default" in rules:
            values[name] = rules["default"]
        else:
            raise ssm_error("InvalidParameters", f"parameter {name} is required")
    return values


def steps(document: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps with every `{{ parameter }}` replaced by its value."""
    return [_filled(step, values) for step in document["mainSteps"]]


def parameters_listing(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters as `DescribeDocument` lists them."""
    listing = []
    for name, rules in (document.get("parameters") or {}).items():
        kind = "StringList" if rules["type"] in ("StringList", "MapList") else "String"
        entry = {"Name": name, "Type": kind, "Description": rules.get("description", "")}
        if "default" in rules:
            default = rules["default"]
            entry["DefaultValue"] = default if isinstance(default, str) else json.dumps(default)
        listing.append(entry)
    return listing


def _check_command(document: dict[str, Any]) -> None:
    version = document.get("schemaVersion")
    if not isinstance(version, str) or version not in _SCHEMAS:
        raise _bad(f"schemaVersion {_shown(version)} is not 2.0 or 2.2")
    unknown = sorted(set(document) - _TOP_KEYS)
    if unknown:
        raise _bad(f"unknown keys: {_cut(', '.join(unknown))}")
    parameters = document.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise _bad("parameters is not an object")
    for name, rules in parameters.items():
        _check_parameter(name, rules)
    main = document.get("mainSteps")
    if not isinstance(main, list) or not main:
        raise _bad("mainSteps is not a list of steps")
    names = set()
    for step in main:
        if not isinstance(step, dict) or not isinstance(step.get("action"), str):
            raise _bad("a step has no action")
        name = step.get("name")
        if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
            raise _bad(f"step name {_shown(name)} is not of the form [a-zA-Z0-9-_]{{3,50}}")
        if name in names:
            raise _bad(f"two steps are called {name}")
        names.add(name)
        inputs = step.get("inputs") or {}
        if not isinstance(inputs, dict):
            raise _bad(f"inputs of step {name} is not an object")
        if step["action"] == "aws:runShellScript" and not inputs.get("runCommand"):
            raise _bad(f"step {name} has no runCommand")
    used = set(_PLACEHOLDER.findall(json.dumps(main)))
    missing = sorted(used - set(parameters))
    if missing:
        raise _bad(f"parameter {missing[0]} is not defined in the document")


def _check_parameter(name: str, rules: Any) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_]{1,64}", str(name)) or not isinstance(rules, dict):
        raise _bad(f"parameter {_shown(name)} is malformed")
    kind = rules.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _bad(f"parameter {name} has type {_shown(kind)}")
    unknown = sorted(set(rules) - _PARAMETER_KEYS)
    if unknown:
        raise _bad(f"parameter {name} has unknown keys: {_cut(', '.join(unknown))}")
    for bound in ("minItems", "maxItems", "minChars", "maxChars"):
        if not _is_bound(rules.get(bound, 0)):
            raise _bad(f"{bound} of parameter {name} is not a number")
    if not isinstance(rules.get("allowedValues", []), list):
        raise _bad(f"allowedValues of parameter {name} is not a list")
    try:
        regex.compile(rules.get("allowedPattern", ""))
    except (regex.error, TypeError, RecursionError, OverflowError):
        raise _bad(f"allowedPattern of parameter {name} is not a regular expression") from None
    if "default" in rules:
        _check_value(name, rules, rules["default"], _bad)


def _typed(name: str, rules: Mapping[str, Any], given: list[str]) -> Any:
    kind = rules["type"]
    if kind == "StringList":
        return list(given)
    if len(given) != 1:
        raise ssm_error("InvalidParameters", f"parameter {name} takes one value")
    text = given[0]
    if kind == "String":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ssm_error("InvalidParameters", f"parameter {name} is not of type {kind}") from None
    wanted: dict[str, type] = {"Integer": int, "Boolean": bool, "MapList": list, "StringMap": dict}
    if type(value) is not wanted[kind]:
        raise ssm_error("InvalidParameters", f"parameter {name} is not of type {kind}")
    return value


def _check_value(name: str, rules: Mapping[str, Any], value: Any, refuse: Any = None) -> None:
    refuse = refuse or (lambda message: ssm_error("InvalidParameters", message))
    items = value if isinstance(value, list) else [value]
    if isinstance(value, list):
        least, most = int(rules.get("minItems", 0)), int(rules.get("maxItems", len(items)))
        if not least <= len(items) <= most:
            raise refuse(f"parameter {name} has {len(items)} items, against its minItems or maxItems")
    for item in items:
        text = _text(item)
        if "allowedValues" in rules and item not in rules["allowedValues"]:
            raise refuse(f"the value of parameter {name} is not one of its allowedValues")
        if len(text) < int(rules.get("minChars", 0)) or len(text) > int(rules.get("maxChars", 1 << 20)):
            raise refuse(f"the value of parameter {name} is too short or too long")
        try:
            allowed = "allowedPattern" not in rules or matches(rules["allowedPattern"], text)
        except TimeoutError:
            raise refuse(f"the allowedPattern of parameter {name} takes too long to match") from None
        if not allowed:
            raise refuse(f"the value of parameter {name} does not match its allowedPattern")


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        filled: list[Any] = []
        for value in node:
            item = _filled(value, values)
            # A list parameter that stands alone in a list, as in `runCommand`, is spliced in.
            filled += item if isinstance(value, str) and isinstance(item, list) else [item]
        return filled
    if not isinstance(node, str):
        return node
    alone = _PLACEHOLDER.fullmatch(node.strip())
    if alone:
        return values[alone.group(1)]
    return _PLACEHOLDER.sub(lambda found: _text(values[found.group(1)]), node)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_bound(value: Any) -> bool:
    """Whether a value is a number of items or characters; documents write them as text too."""
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) < 10
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."


def _bad(message: str) -> CommonServiceException:
    return ssm_error("InvalidDocumentContent", message)
