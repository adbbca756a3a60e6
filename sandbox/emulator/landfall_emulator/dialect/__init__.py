"""Amazon Redshift's SQL on PostgreSQL, shared by the Redshift Data provider and the `rsql` shim.

`translate` turns one statement into what PostgreSQL understands, `split_statements` cuts a script,
`bind_parameters` turns `:name` into positions, `execute` runs one statement, COPY and UNLOAD included. Needs
`sqlglot` and, for `execute`, `psycopg`; nothing of LocalEmu.
"""

from landfall_emulator.dialect.lexer import Token, tokenize
from landfall_emulator.dialect.parameters import ParameterError, bind_parameters, parameter_names
from landfall_emulator.dialect.split import split_statements
from landfall_emulator.dialect.translate import NotAvailable, translate

__all__ = [
    "NotAvailable",
    "ParameterError",
    "Token",
    "bind_parameters",
    "parameter_names",
    "split_statements",
    "tokenize",
    "translate",
]
