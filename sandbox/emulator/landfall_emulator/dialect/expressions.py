"""Rules for expressions, applied to every statement: functions, types and literals that Redshift writes
differently."""

from __future__ import annotations

from landfall_emulator.dialect.editing import (
    Tokens,
    closing,
    following,
    phrase,
    preceding,
    replace,
    significant,
)
from landfall_emulator.dialect.lexer import Token, join, tokenize

_RENAMED = {"nvl": "coalesce", "isnull": "coalesce", "date_add": "dateadd", "date_diff": "datediff"}
_DATE_PART_FIRST = ("dateadd", "date_add", "datediff", "date_diff", "date_part")
_TYPES = {"nvarchar": "varchar", "varbyte": "bytea", "varbinary": "bytea"}


def rewrite_expressions(tokens: Tokens) -> None:
    """Apply every rule of this module."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "string":
            tokens[at] = _literal(token)
        elif token.kind == "dollar":
            tokens[at] = _body(token)
        elif token.kind == "word":
            _word(tokens, at)
        at += 1


def _literal(token: Token) -> Token:
    """Redshift's plain literals know backslash escapes; PostgreSQL's need an E for that."""
    if "\\" in token.text and token.text[0] not in "eE":
        return Token("string", f"E{token.text}")
    return token


def _body(token: Token) -> Token:
    """The body of a function or procedure is SQL itself."""
    tag = token.text[: token.text.index("$", 1) + 1]
    if len(token.text) < 2 * len(tag) or not token.text.endswith(tag):
        return token
    inner = tokenize(token.text[len(tag) : -len(tag)])
    rewrite_expressions(inner)
    return Token("dollar", f"{tag}{join(inner)}{tag}")


def _word(tokens: Tokens, at: int) -> None:
    """Rules that start at a keyword or function name."""
    word = tokens[at].text.lower()
    before = preceding(tokens, at)
    if before is not None and tokens[before].is_punct("."):
        return
    after = following(tokens, at)
    call = after is not None and tokens[after].is_punct("(")
    if before is not None and tokens[before].is_word("as") and not call:
        return
    if word.startswith("#"):
        tokens[at] = Token("quoted", f'"{word}"')
    elif word == "sysdate" and not call:
        tokens[at] = Token("word", "localtimestamp")
    elif word == "minus" and after is not None and tokens[after].is_word("select", "all", "distinct"):
        tokens[at] = Token("word", "EXCEPT")
    elif word == "approximate" and after is not None and tokens[after].is_word("count", "percentile_disc"):
        replace(tokens, at, after - 1)
    elif word in ("varchar", "nvarchar", "varbyte", "varbinary") and (call or word != "varchar"):
        _sized_type(tokens, at, after if call else None)
    elif call and after is not None:
        if word in _DATE_PART_FIRST:
            _quote_date_part(tokens, after, word)
        if word in _RENAMED:
            tokens[at] = Token("word", _RENAMED[word])


def _sized_type(tokens: Tokens, at: int, opening: int | None) -> None:
    """`VARCHAR(MAX)` is the largest VARCHAR; binary types have no length in PostgreSQL."""
    word = tokens[at].text.lower()
    if opening is not None:
        size = following(tokens, opening)
        end = closing(tokens, opening)
        if _TYPES.get(word) == "bytea":
            replace(tokens, opening, end)
        elif size is not None and tokens[size].is_word("max"):
            tokens[size] = Token("number", "65535")
    if word in _TYPES:
        tokens[at] = Token("word", _TYPES[word])


def _quote_date_part(tokens: Tokens, opening: int, function: str) -> None:
    """The date part may be a bare word in Redshift: `DATEADD(day, 1, d)`."""
    part = following(tokens, opening)
    if part is None or tokens[part].kind not in ("word", "string"):
        return
    comma = following(tokens, part)
    if comma is None or not tokens[comma].is_punct(","):
        return
    text = tokens[part].text if tokens[part].kind == "string" else f"'{tokens[part].text.lower()}'"
    if function == "date_part":
        # PostgreSQL's own function, which does not know Redshift's abbreviations.
        replace(tokens, part, part, f"landfall_datepart({text})")
    else:
        tokens[part] = Token("string", text)


def drop_schema_binding(tokens: Tokens) -> None:
    """PostgreSQL has no late-binding views: the view is made as an ordinary one."""
    for at in list(significant(tokens)):
        if at < len(tokens) and (end := phrase(tokens, at, "with", "no", "schema", "binding")) is not None:
            replace(tokens, at, end)
            return
