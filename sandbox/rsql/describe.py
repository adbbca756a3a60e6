"""The queries behind `\\d` and its family, `\\l`, `\\dn`, `\\du`, `\\df`, `\\sv`."""

from __future__ import annotations

from dataclasses import dataclass

_RELATIONS = r"""
SELECT n.nspname AS schema, c.relname AS name,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS type,
       pg_get_userbyid(c.relowner) AS owner{extra}
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ({kinds}) AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp\_%'
  AND ({system} OR n.nspname NOT IN ('pg_catalog', 'information_schema'))
  AND c.relname LIKE $1 AND ($2 = '' AND pg_table_is_visible(c.oid) OR n.nspname LIKE $2)
ORDER BY 1, 2
"""
_DESCRIPTION = ", obj_description(c.oid, 'pg_class') AS description"
_KINDS = {"d": "'r', 'p', 'v', 'm'", "dt": "'r', 'p'", "dv": "'v'", "dm": "'m'"}
_COLUMNS = """
SELECT a.attname AS "Column", format_type(a.atttypid, a.atttypmod) AS "Type", '' AS "Collation",
       CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS "Nullable",
       coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS "Default Value", 'none' AS "Encoding", 'f' AS
       "DistKey", 0 AS "SortKey"
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_SIMPLE = {
    "dn": (
        "List of schemas",
        r"""SELECT nspname AS name, pg_get_userbyid(nspowner) AS owner FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' AND nspname LIKE $1 ORDER BY 1""",
    ),
    "du": (
        "List of users",
        r"""SELECT rolname AS name, CASE WHEN rolcreatedb THEN 'create database' ELSE '' END AS "user options"
        FROM pg_roles WHERE rolcanlogin AND rolname LIKE $1 ORDER BY 1""",
    ),
    "l": (
        "List of databases",
        """SELECT datname AS name, pg_get_userbyid(datdba) AS owner, pg_encoding_to_char(encoding) AS encoding
        FROM pg_database WHERE NOT datistemplate AND datname LIKE $1 ORDER BY 1""",
    ),
    "df": (
        "List of functions",
        """SELECT n.nspname AS schema, p.proname AS name, pg_get_function_result(p.oid) AS "result data type",
        pg_get_function_arguments(p.oid) AS "argument data types"
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.proname LIKE $1 ORDER BY 1, 2""",
    ),
    "dp": (
        "Access privileges",
        """SELECT n.nspname AS schema, c.relname AS name, coalesce(array_to_string(c.relacl, ','), '')
        AS "access privileges" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(c.oid) AND c.relname LIKE $1
        AND n.nspname <> 'pg_catalog' ORDER BY 1, 2""",
    ),
}


@dataclass(frozen=True)
class Description:
    """A catalog query, its parameters and the title of its result."""

    title: str
    query: str
    parameters: tuple[str, ...]


def describe(command: str, pattern: str | None) -> Description | None:
    """The query for a command without its backslash; `None` where it is none of this family."""
    plain = command.rstrip("+S")
    plain = "dp" if plain == "z" else plain
    if plain == "sv" and pattern:
        return Description(
            f"View {pattern}", "SELECT pg_get_viewdef(to_regclass($1)) AS definition", (pattern,)
        )
    if plain in _SIMPLE:
        title, query = _SIMPLE[plain]
        return Description(title, query, (_like(pattern),))
    if plain == "d" and pattern and "*" not in pattern:
        return Description(f'Table "{pattern}"', _COLUMNS, (pattern,))
    if plain in _KINDS:
        schema, _, name = (pattern or "").rpartition(".")
        query = _RELATIONS.format(
            kinds=_KINDS[plain],
            system="true" if "S" in command else "false",
            extra=_DESCRIPTION if command.endswith("+") else "",
        )
        return Description("List of relations", query, (_like(name), _like(schema) if schema else ""))
    return None


def _like(pattern: str | None) -> str:
    """`*` and `?` as LIKE writes them."""
    if not pattern:
        return "%"
    escaped = pattern.replace("\\", "\\\\").replace("_", r"\_").replace("%", r"\%")
    return escaped.replace("*", "%").replace("?", "_")
