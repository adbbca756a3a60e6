"""Rules for tables: physical attributes are left out, identities are PostgreSQL's, keys are not enforced.

Redshift takes primary, unique and foreign keys as information for its planner and enforces none of them;
only the NOT NULL of a primary key counts (Database Developer Guide, "Define table constraints"). The same
holds here.
"""

from __future__ import annotations

from landfall_emulator.dialect.editing import (
    Tokens,
    closing,
    following,
    items,
    keywords,
    name_at,
    phrase,
    replace,
    significant,
)
from landfall_emulator.dialect.lexer import Token, join, tokenize

_NO_CHANGE = "ALTER TABLE {table} REPLICA IDENTITY DEFAULT"


def rewrite_create_table(tokens: Tokens) -> None:
    """CREATE TABLE and CREATE TABLE AS."""
    at = next(position for position in significant(tokens) if tokens[position].is_word("table"))
    name = following(tokens, at)
    if name is not None and (end := phrase(tokens, name, "if", "not", "exists")) is not None:
        name = following(tokens, end)
    if name is None:
        return
    if tokens[name].text.startswith("#") and "temp" not in " ".join(keywords(tokens, 3)):
        tokens[at] = Token("word", "TEMPORARY TABLE")
    _, end = name_at(tokens, name)
    opening = following(tokens, end)
    if opening is not None and tokens[opening].is_punct("("):
        last = closing(tokens, opening)
        columns = [_column(part) for part in items(tokens[opening + 1 : last])]
        end = opening + 1
        replace(tokens, opening + 1, last - 1, ",".join(text for text in columns if text is not None))
        end = closing(tokens, opening)
    drop_attributes(tokens, end + 1)


def drop_attributes(tokens: Tokens, start: int) -> None:
    """Leave out the table attributes from `start` up to the query of a CREATE ... AS."""
    at = next(significant(tokens, start), None)
    while at is not None and not tokens[at].is_word("as"):
        end = _attribute(tokens, at)
        if end is None:
            at = following(tokens, at)
            continue
        replace(tokens, at, end, " ")
        at = next(significant(tokens, at), None)


def rewrite_alter_table(tokens: Tokens) -> str | None:
    """ALTER TABLE: the statement that does the same to the table's properties here, or `None` to go on as it
    is."""
    start = next(position for position in significant(tokens) if tokens[position].is_word("table"))
    first = following(tokens, start)
    if first is not None and (end := phrase(tokens, first, "if", "exists")) is not None:
        first = following(tokens, end)
    if first is None:
        return None
    table, end = name_at(tokens, first)
    action = following(tokens, end)
    if action is None:
        return None
    words = [tokens[at].text.lower() for at in significant(tokens, action)]
    if _physical_only(words) or _key(words):
        return _NO_CHANGE.format(table=table)
    if words[0] == "add":
        replace(tokens, action, len(tokens) - 1, _added_column(tokens[action:]))
    return None


def _physical_only(words: list[str]) -> bool:
    """Whether the change touches distribution, sorting or encoding only."""
    if words[0] != "alter":
        return False
    rest = words[1:]
    if rest and rest[0] in ("distkey", "diststyle", "sortkey", "compound", "interleaved", "encode"):
        return True
    return "encode" in rest and "type" not in rest


def _key(words: list[str]) -> bool:
    """Whether a key is added, which Redshift records and does not enforce."""
    if words[0] != "add":
        return False
    rest = words[3:] if words[1:2] == ["constraint"] else words[1:]
    return bool(rest) and rest[0] in ("primary", "unique", "foreign")


def _added_column(tokens: Tokens) -> str:
    """`ADD [COLUMN] definition` without Redshift's attributes."""
    at = following(tokens, 0)
    if at is not None and tokens[at].is_word("column"):
        at = following(tokens, at)
    if at is None:
        return join(tokens)
    return join(tokens[:at]) + (_column(tokens[at:]) or "")


def _column(tokens: Tokens) -> str | None:
    """One entry of the column list; `None` where nothing is left of it."""
    words = keywords(tokens, 3)
    if words[:1] == ["constraint"]:
        words = keywords(tokens, 4)[2:]
    if words[:1] == ["primary"]:
        return _not_null(tokens)
    if words[:1] in (["unique"], ["foreign"]):
        return None
    tokens = list(tokens)
    at = next(significant(tokens), None)
    while at is not None:
        end, text = _column_attribute(tokens, at)
        if end is None:
            at = following(tokens, at)
            continue
        replace(tokens, at, end, text)
        # What was put in is PostgreSQL's already and is passed over.
        at = next(significant(tokens, at + len(tokenize(text))), None)
    return join(tokens)


def _not_null(tokens: Tokens) -> str | None:
    """What is left of `PRIMARY KEY (a, b)`."""
    opening = next((at for at in significant(tokens) if tokens[at].is_punct("(")), None)
    if opening is None:
        return None
    columns = items(tokens[opening + 1 : closing(tokens, opening)])
    return ", ".join(f"NOT NULL {join(column).strip()}" for column in columns)


def _column_attribute(tokens: Tokens, at: int) -> tuple[int | None, str]:
    """End of the attribute that starts at `at` and what stands for it; no end where it is not one of
    Redshift's."""
    token = tokens[at]
    after = following(tokens, at)
    if token.is_word("encode") and after is not None:
        return after, ""
    if token.is_word("distkey", "sortkey", "unique") and _not_first(tokens, at):
        return at, ""
    if (end := phrase(tokens, at, "primary", "key")) is not None:
        return end, "NOT NULL"
    if token.is_word("references") and after is not None:
        _, end = name_at(tokens, after)
        opening = following(tokens, end)
        if opening is not None and tokens[opening].is_punct("("):
            end = closing(tokens, opening)
        return end, ""
    if token.is_word("identity") and after is not None and tokens[after].is_punct("("):
        return _identity(tokens, at, after)
    if (end := phrase(tokens, at, "collate", "case_sensitive")) is not None:
        return end, ""
    return None, ""


def _identity(tokens: Tokens, at: int, opening: int) -> tuple[int, str]:
    """`IDENTITY(seed, step)`; with GENERATED BY DEFAULT AS before it, values may be given."""
    end = closing(tokens, opening)
    numbers = [join(part).strip() for part in items(tokens[opening + 1 : end])]
    seed, step = numbers if len(numbers) == 2 else ("1", "1")
    before = [token for token in tokens[:at] if not token.blank]
    generated = len(before) >= 2 and before[-1].is_word("as") and before[-2].is_word("default", "always")
    return (
        end,
        f"{'' if generated else 'GENERATED ALWAYS AS '}IDENTITY (START WITH {seed} INCREMENT BY {step})",
    )


def _not_first(tokens: Tokens, at: int) -> bool:
    """A column may be called `sortkey`: an attribute never stands first."""
    return next(significant(tokens)) != at


def _attribute(tokens: Tokens, at: int) -> int | None:
    """End of the table attribute that starts at `at`."""
    token = tokens[at]
    after = following(tokens, at)
    if after is None:
        return None
    if token.is_word("diststyle", "backup") or phrase(tokens, at, "encode", "auto") is not None:
        return after
    if phrase(tokens, at, "auto", "refresh") is not None:
        return following(tokens, after)
    if token.is_word("compound", "interleaved"):
        return _attribute(tokens, after)
    if token.is_word("distkey", "sortkey"):
        return closing(tokens, after) if tokens[after].is_punct("(") else after
    return None


def column_text(definition: str) -> str | None:
    """One column definition translated (for tests and tools)."""
    return _column(tokenize(definition))
