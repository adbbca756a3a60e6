"""Evaluates JSONata expressions with variables, as Step Functions does.

LocalEmu carries a place for JSONata but no engine. This module is the engine, `jsonata-python`, with two
things that the library leaves to its caller: JSON null is told apart from undefined, and results are plain
JSON values that share nothing with the variables. Variables are bound as values and never spliced into the
expression's text, so a value may hold quotes, backslashes or JSONata code.
"""

from __future__ import annotations

import datetime
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from landfall_emulator.jsonata_functions import FUNCTIONS, FunctionError, padded

EVALUATION_MILLISECONDS: Final = 10_000
"""Longest evaluation; the service has a limit too, which it does not publish."""

_POOL_SIZE: Final = 2048


class QueryEvaluationError(Exception):
    """An expression failed; the text is the reason without the expression."""


class Undefined(QueryEvaluationError):
    """An expression returned nothing."""


def evaluate(expression: str, variable: Callable[[str], Any] | Mapping[str, Any]) -> Any:
    """Return the JSON value of `expression`.

    `variable` gives a variable's value by its name without `$`; LookupError means undefined. A callable is
    asked once for each variable that the expression really reads.

    Raises:
        Undefined: the expression returned nothing.
        QueryEvaluationError: it does not parse, threw an error, or returned something that is not JSON.
    """
    lookup = variable.__getitem__ if isinstance(variable, Mapping) else variable
    with _compiled(expression) as program:
        frame = _Variables(lookup)
        frame.set_runtime_bounds(EVALUATION_MILLISECONDS, None)
        program.environment = frame
        Jsonata.CURRENT.jsonata = program
        try:
            result = program.evaluate(None)
            if result is None:
                raise Undefined("returned nothing (undefined)")
            return to_json(result)
        except QueryEvaluationError:
            raise
        except (FunctionError, JException) as refused:
            raise QueryEvaluationError(f"threw an error during evaluation. {_reason(refused)}") from refused
        except ZeroDivisionError as division:
            raise QueryEvaluationError("threw an error during evaluation. Number out of range") from division
        except RecursionError as deep:
            raise QueryEvaluationError("threw an error during evaluation. Stack overflow") from deep
        except (
            Exception
        ) as other:  # the library raises what Python raises; the caller's state machine must go on
            raise QueryEvaluationError(
                f"threw an error during evaluation. {type(other).__name__}: {other}"
            ) from other
        finally:
            program.environment = None


def check(expression: str) -> str | None:
    """Why `expression` does not parse, or None when it does."""
    try:
        with _compiled(expression):
            return None
    except QueryEvaluationError as broken:
        return str(broken)


def to_json(value: Any) -> Any:
    """Copy a JSONata result into plain JSON values.

    Raises:
        QueryEvaluationError: the value holds a function, a regular expression, infinity or another
        unsupported type.
    """
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise QueryEvaluationError("threw an error during evaluation. Number out of range")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Utils.RangeList):
        return [to_json(value[index]) for index in range(len(value))]
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    raise QueryEvaluationError("returned an unsupported result type")


def from_json(value: Any) -> Any:
    """Copy an emulator's value into JSONata's types: null, ISO 8601 times in UTC, no decimals, no bytes."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): from_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [from_json(item) for item in value]
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.UTC) if value.tzinfo else value.replace(tzinfo=datetime.UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)


class _Variables(Jsonata.Frame):
    """A frame that asks for a variable on its first use, after the Step Functions functions."""

    def __init__(self, lookup: Callable[[str], Any]) -> None:
        super().__init__(Jsonata.static_frame)
        self._lookup = lookup
        self.bindings.update(_NATIVE)

    def lookup(self, name: str) -> Any:
        if name not in self.bindings and not name.startswith("__") and name != "$":
            try:
                self.bindings[name] = from_json(self._lookup(name))
            except LookupError:
                return super().lookup(name)
        return super().lookup(name)


class _Native(Jsonata.JFunctionCallable):
    """One Step Functions function as a JSONata callable: plain JSON in, JSONata values out."""

    def __init__(self, function: Callable[..., Any], count: int) -> None:
        self._function = function
        self._count = count

    def call(self, input: Any, args: Any) -> Any:
        arguments = [None if item is None else to_json(item) for item in padded(args, self._count)]
        result = self._function(*arguments)
        return None if result is None and self._function.__name__ != "parse" else from_json(result)


_NATIVE: Final[Mapping[str, Any]] = {
    name: Jsonata.JFunction(_Native(function, count), None) for name, (function, count) in FUNCTIONS.items()
}


class _Pool:
    """Parsed expressions, each used by one thread at a time; the least recently used go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[str, list[Jsonata]] = OrderedDict()

    def take(self, expression: str) -> Jsonata:
        with self._lock:
            idle = self._idle.get(expression)
            if idle:
                self._idle.move_to_end(expression)
                return idle.pop()
        try:
            program = Jsonata(expression)
        except JException as broken:
            raise QueryEvaluationError(f"does not parse. {_reason(broken)}") from broken
        except Exception as broken:  # the parser raises Python's own errors on some texts
            raise QueryEvaluationError(f"does not parse. {type(broken).__name__}: {broken}") from broken
        program.set_output_convert_nulls(False)
        return program

    def give_back(self, expression: str, program: Jsonata) -> None:
        with self._lock:
            self._idle.setdefault(expression, []).append(program)
            self._idle.move_to_end(expression)
            while len(self._idle) > _POOL_SIZE:
                self._idle.popitem(last=False)


_POOL: Final = _Pool()


@contextmanager
def _compiled(expression: str) -> Iterator[Jsonata]:
    """The parsed expression, lent to the caller."""
    program = _POOL.take(expression)
    try:
        yield program
    finally:
        _POOL.give_back(expression, program)


def _reason(error: Exception) -> str:
    """The library's code and message, or the function's own sentence."""
    return f"{error.get_error()}: {error}" if isinstance(error, JException) else str(error)
