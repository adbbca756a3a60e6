"""Rewrites what needs a statement's structure: DECODE, NVL2, CONVERT, TOP, QUALIFY, PIVOT, with `sqlglot`.

Everything else of the statement is shielded from it: literals come back letter by letter, and functions that
the warehouse has under Redshift's own name keep that name (`sqlglot`'s DATEDIFF, for one, counts elapsed
time).
"""

from __future__ import annotations

import logging
import re

from landfall_emulator.dialect.editing import Tokens, closing, following, phrase, preceding, significant
from landfall_emulator.dialect.lexer import join, tokenize

_CALLS = ("decode", "nvl2", "convert")
_WORDS = ("qualify", "pivot", "unpivot")
_OWN = frozenset({
    "add_months", "can_json_parse", "charindex", "convert_timezone", "date_add", "date_diff", "date_part",
    "date_trunc",
    "dateadd", "datediff", "extract", "get_array_length", "getdate", "is_valid_json",
    "is_valid_json_array", "isnull",
    "json_array_length", "json_extract_array_element_text", "json_extract_path_text", "json_parse",
    "json_serialize",
    "json_typeof", "last_day", "len", "listagg", "median", "months_between", "nvl", "sha2", "strtol",
    "string_agg",
    "to_char", "to_date", "to_timestamp", "trunc",
})  # fmt: skip
_SHIELD = "landfall_own_"
_MARK = re.compile(r"'landfall_literal_(\d+)'")


def rewrite_structure(tokens: Tokens) -> Tokens | None:
    """The tokens of the rewritten statement, or `None` where there is nothing to do or it is not
    understood."""
    if not _needed(tokens):
        return None
    literals: list[str] = []
    shielded: list[str] = []
    for at, token in enumerate(tokens):
        if token.kind in ("string", "dollar"):
            shielded.append(f"'landfall_literal_{len(literals)}'")
            literals.append(token.text)
        elif token.is_word("sysdate") or (token.is_word(*_OWN) and _is_call(tokens, at)):
            shielded.append(_SHIELD + token.text)
        else:
            shielded.append(token.text)
    rewritten = _sqlglot("".join(shielded))
    if rewritten is None:
        return None
    restored = _MARK.sub(lambda mark: literals[int(mark.group(1))], rewritten)
    return tokenize(re.sub(_SHIELD, "", restored, flags=re.IGNORECASE))


def rewrite_listagg(tokens: Tokens) -> None:
    """`LISTAGG(x, s) WITHIN GROUP (ORDER BY y)` is `string_agg(x, s ORDER BY y)`; the separator may be
    missing."""
    at = 0
    while at < len(tokens):
        opening = following(tokens, at)
        if tokens[at].is_word("listagg") and opening is not None and tokens[opening].is_punct("("):
            end = closing(tokens, opening)
            after = following(tokens, end)
            group = None if after is None else phrase(tokens, after, "within", "group")
            bracket = None if group is None else following(tokens, group)
            if bracket is not None and tokens[bracket].is_punct("("):
                order = join(tokens[bracket + 1 : closing(tokens, bracket)])
                inner = tokens[opening + 1 : end]
                arguments = _with_separator(inner)
                tokens[at : closing(tokens, bracket) + 1] = tokenize(f"string_agg({arguments} {order})")
        at += 1


def _with_separator(inner: Tokens) -> str:
    """The aggregate's two arguments; the value as text unless DISTINCT ties it to the ORDER BY."""
    depth = 0
    for at, token in enumerate(inner):
        if token.is_punct("("):
            depth += 1
        elif token.is_punct(")"):
            depth -= 1
        elif token.is_punct(",") and depth == 0:
            value, separator = join(inner[:at]), join(inner[at + 1 :])
            break
    else:
        value, separator = join(inner), "''"
    first = next(significant(inner), None)
    if first is not None and inner[first].is_word("distinct"):
        return f"{value}, {separator}"
    return f"({value})::text, {separator}"


def _needed(tokens: Tokens) -> bool:
    """Whether anything in the statement needs its structure to be understood."""
    found = False
    limited = False
    for at in significant(tokens):
        token = tokens[at]
        if token.is_word("limit") or _is_top(tokens, at):
            limited = True
        if (
            token.is_word("qualify")
            or (token.is_word(*_CALLS) and _is_call(tokens, at))
            or _is_top(tokens, at)
        ) or token.is_word(*_WORDS):
            found = True
    # sqlglot would limit before it qualifies: such a statement goes on as it is, and the database refuses it.
    return found and not (limited and any(token.is_word("qualify") for token in tokens))


def _is_call(tokens: Tokens, at: int) -> bool:
    """Whether the word is followed by a bracket."""
    after = following(tokens, at)
    return after is not None and tokens[after].is_punct("(")


def _is_top(tokens: Tokens, at: int) -> bool:
    """`SELECT TOP n`; `top` elsewhere is a name."""
    before = preceding(tokens, at)
    after = following(tokens, at)
    return (
        tokens[at].is_word("top")
        and before is not None
        and tokens[before].is_word("select", "distinct", "all")
        and after is not None
        and tokens[after].kind == "number"
    )


def _sqlglot(sql: str) -> str | None:
    """The statement rewritten, or `None` where it is not understood."""
    # Few statements need it, and importing it takes longer than running most of them.
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        parsed = sqlglot.parse(sql, read="redshift")
        if len(parsed) != 1 or parsed[0] is None or isinstance(parsed[0], sqlglot.exp.Command):
            return None
        return str(parsed[0].sql(dialect="postgres"))
    except (SqlglotError, RecursionError):
        return None
