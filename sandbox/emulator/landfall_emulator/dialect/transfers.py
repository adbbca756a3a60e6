"""COPY and UNLOAD parsed into what they ask for.

Source: Database Developer Guide, "COPY" and "UNLOAD". What the warehouse cannot do is refused by name,
never skipped silently; options that only tune Redshift's storage are accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from landfall_emulator.dialect.editing import Tokens, closing, items, name_at
from landfall_emulator.dialect.errors import WarehouseError
from landfall_emulator.dialect.lexer import Token, join, tokenize
from landfall_emulator.dialect.translate import NotAvailable

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_UNAVAILABLE = frozenset({
    "parquet", "orc", "avro", "fixedwidth", "shapefile", "encrypted", "ssh", "readratio", "lzop", "partition",
    "kms_key_id", "master_symmetric_key", "rowgroupsize", "access_key_id", "secret_access_key",
})  # fmt: skip
# Storage and statistics: nothing to do here. The value counts how many words follow.
_TUNING = {
    "compupdate": 1, "statupdate": 1, "comprows": 1, "roundec": 0, "acceptanydate": 0, "encoding": 1,
    "dateformat": 1, "timeformat": 1, "region": 1, "maxfilesize": 2, "verbose": 0,
}  # fmt: skip


@dataclass
class Options:
    """The options of either statement."""

    format: str = "text"
    delimiter: str | None = None
    quote: str = '"'
    compression: str | None = None
    null: str | None = None
    json: str = "auto"
    ignore_header: int = 0
    header: bool = False
    manifest: bool = False
    parallel: bool = True
    allow_overwrite: bool = False
    clean_path: bool = False
    extension: str = ""
    flags: set[str] = field(default_factory=set)
    """Present switches such as `escape`, `emptyasnull`, `fillrecord`."""


@dataclass(frozen=True)
class Copy:
    """COPY: load objects into a table."""

    table: str
    columns: tuple[str, ...]
    source: str
    options: Options


@dataclass(frozen=True)
class Unload:
    """UNLOAD: write the rows of a query to objects."""

    query: str
    target: str
    options: Options


_FLAGS = frozenset({
    "acceptinvchars", "addquotes", "blanksasnull", "emptyasnull", "escape", "explicit_ids", "fillrecord",
    "ignoreblanklines", "noload", "removequotes", "trimblanks", "truncatecolumns",
})  # fmt: skip


def parse_transfer(sql: str) -> Copy | Unload | None:
    """The COPY or UNLOAD that `sql` is, or `None` for any other statement.

    Raises:
        WarehouseError: the statement is malformed (42601).
        NotAvailable: it asks for a format or key that the sandbox does not have.
    """
    tokens = [token for token in tokenize(sql.strip().rstrip(";")) if not token.blank]
    if not tokens:
        return None
    if tokens[0].is_word("copy"):
        return _copy(tokens)
    if tokens[0].is_word("unload"):
        return _unload(tokens)
    return None


def literal(token: Token) -> str:
    """The value of a string literal or dollar-quoted text."""
    if token.kind == "dollar":
        tag = token.text[: token.text.index("$", 1) + 1]
        return token.text[len(tag) : -len(tag)]
    if token.kind != "string":
        raise _syntax(token)
    body = token.text[token.text.index("'") + 1 : -1].replace("''", "'")
    return _ESCAPE.sub(_unescape, body)


def _unescape(match: re.Match[str]) -> str:
    """One backslash escape; an unknown one is the character itself."""
    code = match.group(1)
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)


def _copy(tokens: Tokens) -> Copy:
    """`COPY table [(columns)] FROM 's3://…' options`."""
    _require(tokens, 1)
    table, at = name_at(tokens, 1)
    at += 1
    columns: tuple[str, ...] = ()
    if at < len(tokens) and tokens[at].is_punct("("):
        end = closing(tokens, at)
        columns = tuple(join(part) for part in items(tokens[at + 1 : end]))
        at = end + 1
    _require(tokens, at + 1)
    if not tokens[at].is_word("from"):
        raise _syntax(tokens[at])
    source = literal(tokens[at + 1])
    if not source.lower().startswith("s3://"):
        raise NotAvailable("COPY reads from Amazon S3 only in the sandbox's warehouse")
    return Copy(table, columns, source, _options(tokens, at + 2))


def _unload(tokens: Tokens) -> Unload:
    """`UNLOAD ('query') TO 's3://…' options`."""
    _require(tokens, 5)
    if not (tokens[1].is_punct("(") and tokens[3].is_punct(")") and tokens[4].is_word("to")):
        raise _syntax(next(t for t in tokens[1:] if not t.is_punct("(")))
    return Unload(literal(tokens[2]), literal(tokens[5]), _options(tokens, 6))


def _options(tokens: Tokens, start: int) -> Options:
    """Everything after the address, in any order."""
    options = Options()
    reader = _Reader(tokens, start)
    authorized = False
    while (word := reader.word()) is not None:
        if word in ("iam_role", "credentials"):
            authorized = True
            reader.authorization(word)
        elif word in _UNAVAILABLE:
            raise NotAvailable(f"{word.upper()} is not available in the sandbox's COPY and UNLOAD")
        elif word in _FLAGS:
            options.flags.add(word)
        elif word in _TUNING:
            reader.skip(_TUNING[word])
        else:
            _option(options, word, reader)
    if not authorized:
        raise WarehouseError("no authorization given: COPY and UNLOAD need IAM_ROLE", "42601")
    return options


def _option(options: Options, word: str, reader: _Reader) -> None:
    """One option with an effect."""
    match word:
        case "format":
            reader.optional("as")
            _format(options, reader)
        case "csv":
            options.format = "csv"
        case "json":
            options.format = "json"
            options.json = reader.value() if reader.has_value() else "auto"
        case "delimiter":
            options.delimiter = reader.value()
        case "quote":
            options.quote = reader.value()
        case "null":
            options.null = reader.value()
        case "gzip" | "bzip2" | "zstd":
            if word == "zstd":
                raise NotAvailable(
                    "ZSTD is not available in the sandbox's COPY and UNLOAD; use GZIP or BZIP2"
                )
            options.compression = word
        case "ignoreheader":
            options.ignore_header = reader.number()
        case "header":
            options.header = True
        case "manifest":
            options.manifest = True
        case "allowoverwrite":
            options.allow_overwrite = True
        case "cleanpath":
            options.clean_path = True
        case "extension":
            options.extension = "." + reader.value().lstrip(".")
        case "parallel":
            options.parallel = reader.switch()
        case "maxerror":
            if reader.number():
                raise NotAvailable(
                    "MAXERROR above 0 is not available: the sandbox's COPY loads everything or nothing"
                )
        case _:
            raise reader.error()


def _format(options: Options, reader: _Reader) -> None:
    """`FORMAT [AS] CSV | JSON | …`."""
    name = reader.word()
    if name in _UNAVAILABLE:
        raise NotAvailable(f"FORMAT {name.upper()} is not available in the sandbox's COPY and UNLOAD")
    if name not in ("csv", "json"):
        raise reader.error()
    _option(options, name, reader)


class _Reader:
    """Walks the options."""

    def __init__(self, tokens: Tokens, at: int) -> None:
        self.tokens = tokens
        self.at = at

    def word(self) -> str | None:
        """The next keyword in lower case; `None` at the end."""
        if self.at >= len(self.tokens):
            return None
        token = self.tokens[self.at]
        self.at += 1
        if token.kind != "word":
            raise _syntax(token)
        return token.text.lower()

    def has_value(self) -> bool:
        """Whether a literal follows, AS or not."""
        at = self.at + 1 if self.at < len(self.tokens) and self.tokens[self.at].is_word("as") else self.at
        return at < len(self.tokens) and self.tokens[at].kind == "string"

    def optional(self, word: str) -> None:
        """Pass over a noise word."""
        if self.at < len(self.tokens) and self.tokens[self.at].is_word(word):
            self.at += 1

    def value(self) -> str:
        """`[AS] 'literal'`."""
        self.optional("as")
        return literal(self._take())

    def number(self) -> int:
        """`[AS] n`."""
        self.optional("as")
        token = self._take()
        if not token.text.isdigit():
            raise _syntax(token)
        return int(token.text)

    def switch(self) -> bool:
        """`[ON | OFF | TRUE | FALSE]`."""
        if self.at < len(self.tokens) and self.tokens[self.at].is_word("on", "off", "true", "false"):
            return self._take().is_word("on", "true")
        return True

    def skip(self, count: int) -> None:
        """Pass over the value of an option without effect."""
        self.optional("as")
        for _ in range(count):
            if self.at < len(self.tokens) and (
                self.tokens[self.at].kind in ("string", "number")
                or self.tokens[self.at].is_word(
                    "on", "off", "preset", "true", "false", "mb", "gb", "utf8", "auto"
                )
            ):
                self.at += 1

    def authorization(self, word: str) -> None:
        """`IAM_ROLE default | 'arn'`, `CREDENTIALS 'aws_iam_role=arn'`."""
        self.optional("as")
        token = self._take()
        if word == "iam_role" and token.is_word("default"):
            return
        given = literal(token)
        if (
            word == "iam_role"
            and given.lower() != "default"
            and not re.match(r"arn:aws[a-z-]*:iam::\d{12}:role/", given)
        ):
            raise WarehouseError(f"Invalid IAM role ARN: {given}", "22023")
        if word == "credentials" and not given.startswith("aws_iam_role="):
            raise NotAvailable("access keys are not taken by the sandbox's COPY and UNLOAD: use IAM_ROLE")

    def error(self) -> WarehouseError:
        """A syntax error at the word read last."""
        return _syntax(self.tokens[min(self.at - 1, len(self.tokens) - 1)])

    def _take(self) -> Token:
        if self.at >= len(self.tokens):
            raise WarehouseError("syntax error at end of input", "42601")
        self.at += 1
        return self.tokens[self.at - 1]


def _require(tokens: Tokens, at: int) -> None:
    """The statement must go on."""
    if at >= len(tokens):
        raise WarehouseError("syntax error at end of input", "42601")


def _syntax(token: Token) -> WarehouseError:
    """The database's own way to say it."""
    return WarehouseError(f'syntax error at or near "{token.text}"', "42601")
