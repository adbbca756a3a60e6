"""One Redshift statement into PostgreSQL.

Own rules on tokens do what has a fixed form; `sqlglot` rewrites the few constructs that need the statement's
structure (`structure`). Whatever is not understood goes on as it is, so that the database's own error
appears.
"""

from __future__ import annotations

from landfall_emulator.dialect.administration import (
    first_words,
    rewrite_analyze,
    rewrite_grant,
    rewrite_setting,
    rewrite_user,
    rewrite_vacuum,
)
from landfall_emulator.dialect.editing import Tokens, following, replace, significant
from landfall_emulator.dialect.expressions import drop_schema_binding, rewrite_expressions
from landfall_emulator.dialect.lexer import join, tokenize
from landfall_emulator.dialect.structure import rewrite_listagg, rewrite_structure
from landfall_emulator.dialect.tables import drop_attributes, rewrite_alter_table, rewrite_create_table

# CREATE ... of these needs services that the sandbox does not have.
_EXTERNAL = ("external", "library", "model", "datashare", "masking", "rls")


class NotAvailable(ValueError):
    """The statement needs something of Redshift that the sandbox's warehouse does not have; SQLSTATE
    0A000."""


def translate(sql: str) -> str:
    """The statement for PostgreSQL.

    Raises:
        NotAvailable: external schemas and tables, models, data shares and the like.
    """
    tokens = tokenize(sql.strip().rstrip(";"))
    words = first_words(tokens)
    if not words:
        return sql
    _refuse(words)
    done = _by_kind(tokens, words)
    if done is not None:
        return done
    tokens = rewrite_structure(tokens) or tokens
    rewrite_listagg(tokens)
    rewrite_expressions(tokens)
    return join(tokens).strip()


def _refuse(words: list[str]) -> None:
    """Say clearly what the sandbox has not."""
    if words[0] in ("create", "alter", "drop"):
        kind = next((word for word in words[1:4] if word in _EXTERNAL), None)
        if kind is not None and words[1] in (*_EXTERNAL, "or"):
            name = f"external {words[words.index('external') + 1]}" if kind == "external" else kind
            raise NotAvailable(
                f"{words[0].upper()} {name.upper()} is not available in the sandbox's warehouse: it has no "
                f"data outside "
                "its own database"
            )
    if words[:2] == ["analyze", "compression"]:
        raise NotAvailable(
            "ANALYZE COMPRESSION is not available in the sandbox's warehouse: it has no encodings"
        )
    if words[:2] == ["alter", "table"] and "append" in words:
        raise NotAvailable(
            "ALTER TABLE APPEND is not available in the sandbox's warehouse: use INSERT ... SELECT"
        )


def _by_kind(tokens: Tokens, words: list[str]) -> str | None:
    """Rules for one kind of statement; a text where it is finished with them."""
    match words[0]:
        case "create" if "table" in words[1:5]:
            rewrite_create_table(tokens)
        case "create" if "view" in words[1:5]:
            _rewrite_view(tokens)
        case "alter" if words[1:2] == ["table"]:
            return rewrite_alter_table(tokens)
        case "create" | "alter" if words[1:2] == ["user"]:
            rewrite_user(tokens)
        case "grant" | "revoke":
            rewrite_grant(tokens)
        case "vacuum":
            return rewrite_vacuum(tokens)
        case "analyze" | "analyse":
            return rewrite_analyze(tokens)
        case "set" | "reset" | "show":
            rewrite_setting(tokens)
        case "delete":
            _add_from(tokens)
        case "cancel" if len(words) > 1 and words[1].isdigit():
            return f"SELECT pg_cancel_backend({words[1]})"
    return None


def _rewrite_view(tokens: Tokens) -> None:
    """Views: attributes of materialized ones, late binding."""
    start = next(at for at in significant(tokens) if tokens[at].is_word("view"))
    drop_attributes(tokens, start + 1)
    drop_schema_binding(tokens)


def _add_from(tokens: Tokens) -> None:
    """FROM may be left out after DELETE."""
    start = next(significant(tokens))
    after = following(tokens, start)
    if after is not None and not tokens[after].is_word("from"):
        replace(tokens, start, start, "DELETE FROM")
