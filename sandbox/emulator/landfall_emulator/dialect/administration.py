"""Rules for users, grants, maintenance and session settings."""

from __future__ import annotations

from landfall_emulator.dialect.editing import (
    Tokens,
    following,
    keywords,
    name_at,
    phrase,
    replace,
    significant,
)
from landfall_emulator.dialect.lexer import Token, join

_SETTING_PREFIX = "redshift."
# Session settings of Redshift that PostgreSQL does not have (Database Developer Guide, "Configuration
# reference"). PostgreSQL keeps any setting whose name has a prefix, so they can be set, shown and reset as
# scripts do.
_SETTINGS = frozenset({
    "activate_aqua", "analyze_threshold_percent", "auto_analyze", "auto_mv", "cast_super_null_on_error",
    "datashare_break_glass_session_var", "default_geometry_encoding", "describe_field_name_in_uppercase",
    "downcase_delimited_identifier", "enable_case_sensitive_identifier",
    "enable_case_sensitive_super_attribute",
    "enable_numeric_rounding", "enable_result_cache_for_session", "enable_vacuum_boost",
    "error_on_nondeterministic_update", "json_parse_truncate_strings", "json_serialization_enable",
    "json_serialization_parse_nested_strings", "max_concurrency_scaling_clusters",
    "max_cursor_result_set_size",
    "mv_enable_aqmv_for_session", "navigate_super_null_on_error", "parse_super_null_on_error", "query_group",
    "require_ssl", "spectrum_enable_pseudo_columns", "spectrum_query_maxerror", "use_fips_ssl",
    "wlm_json_configuration", "wlm_query_slot_count",
})  # fmt: skip
_USER_OPTIONS = {"createuser": "CREATEROLE", "nocreateuser": "NOCREATEROLE"}


def rewrite_setting(tokens: Tokens) -> None:
    """SET, RESET and SHOW of a setting that only Redshift has."""
    for at in significant(tokens, 1):
        if tokens[at].is_word("set", "reset", "show", "session", "local"):
            continue
        if tokens[at].is_word(*_SETTINGS):
            tokens[at] = Token("word", _SETTING_PREFIX + tokens[at].text.lower())
        return


def rewrite_user(tokens: Tokens) -> None:
    """CREATE USER and ALTER USER: privileges that PostgreSQL names differently, options it does not have."""
    at = next(significant(tokens), None)
    while at is not None:
        token = tokens[at]
        end: int | None = None
        text = ""
        after = following(tokens, at)
        if token.is_word(*_USER_OPTIONS):
            end, text = at, _USER_OPTIONS[token.text.lower()]
        elif (found := phrase(tokens, at, "password", "disable")) is not None:
            end, text = found, "PASSWORD NULL"
        elif (found := phrase(tokens, at, "connection", "limit", "unlimited")) is not None:
            end, text = found, "CONNECTION LIMIT -1"
        elif token.is_word("externalid"):
            end = after
        elif (
            found := phrase(tokens, at, "syslog", "access") or phrase(tokens, at, "session", "timeout")
        ) is not None:
            end = following(tokens, found)
        if end is not None:
            replace(tokens, at, end, text)
        at = following(tokens, at) if end is None or text else next(significant(tokens, at), None)


def rewrite_grant(tokens: Tokens) -> None:
    """GRANT and REVOKE: PostgreSQL names a role without the word ROLE."""
    for at in list(significant(tokens)):
        if at < len(tokens) and tokens[at].is_word("to", "from"):
            after = following(tokens, at)
            if after is not None and tokens[after].is_word("role"):
                replace(tokens, after, after)


def rewrite_vacuum(tokens: Tokens) -> str:
    """VACUUM in any of its forms: sorting and reclustering have nothing to do here."""
    at = following(tokens, next(significant(tokens)))
    while at is not None and tokens[at].is_word("full", "sort", "delete", "only", "reindex", "recluster"):
        at = following(tokens, at)
    if at is None or tokens[at].is_word("boost"):
        return "VACUUM"
    return f"VACUUM {name_at(tokens, at)[0]}"


def rewrite_analyze(tokens: Tokens) -> str:
    """ANALYZE with Redshift's choices of columns."""
    for words in (("predicate", "columns"), ("all", "columns")):
        for at in list(significant(tokens)):
            if at < len(tokens) and (end := phrase(tokens, at, *words)) is not None:
                replace(tokens, at, end)
    return join(tokens)


def first_words(tokens: Tokens) -> list[str]:
    """The words that tell the kind of statement."""
    return keywords(tokens, 6)
