"""Small tools for rules that rewrite a token list in place."""

from __future__ import annotations

from collections.abc import Iterator

from landfall_emulator.dialect.lexer import Token, join, tokenize

Tokens = list[Token]


def significant(tokens: Tokens, start: int = 0) -> Iterator[int]:
    """Positions of the tokens that mean something, from `start` on."""
    return (at for at in range(start, len(tokens)) if not tokens[at].blank)


def following(tokens: Tokens, at: int) -> int | None:
    """Position of the next token that means something after `at`."""
    return next(significant(tokens, at + 1), None)


def preceding(tokens: Tokens, at: int) -> int | None:
    """Position of the token that means something before `at`."""
    return next((before for before in range(at - 1, -1, -1) if not tokens[before].blank), None)


def keywords(tokens: Tokens, count: int) -> list[str]:
    """The first `count` words or marks of the statement in lower case; quoted names as they are."""
    found = []
    for at in significant(tokens):
        found.append(tokens[at].text.lower() if tokens[at].kind == "word" else tokens[at].text)
        if len(found) == count:
            break
    return found


def closing(tokens: Tokens, opening: int) -> int:
    """Position of the bracket that closes the one at `opening`; the end where it is missing."""
    depth = 0
    for at in range(opening, len(tokens)):
        if tokens[at].is_punct("("):
            depth += 1
        elif tokens[at].is_punct(")"):
            depth -= 1
            if depth == 0:
                return at
    return len(tokens) - 1


def replace(tokens: Tokens, start: int, end: int, text: str = "") -> None:
    """Put `text` in the place of the tokens from `start` to `end`, both included."""
    tokens[start : end + 1] = tokenize(text) if text else []


def phrase(tokens: Tokens, at: int, *words: str) -> int | None:
    """End position of the words, if they stand at `at` one after another."""
    position: int | None = at
    end = at
    for word in words:
        if position is None or not tokens[position].is_word(word):
            return None
        end = position
        position = following(tokens, position)
    return end


def items(tokens: Tokens) -> list[Tokens]:
    """The parts between the commas at this level."""
    parts: list[Tokens] = [[]]
    depth = 0
    for token in tokens:
        if token.is_punct("("):
            depth += 1
        elif token.is_punct(")"):
            depth -= 1
        elif token.is_punct(",") and depth == 0:
            parts.append([])
            continue
        parts[-1].append(token)
    return parts


def name_at(tokens: Tokens, at: int) -> tuple[str, int]:
    """A possibly qualified name that starts at `at`, as written, and the position of its last token."""
    end = at
    while True:
        dot = following(tokens, end)
        if dot is None or not tokens[dot].is_punct("."):
            return join(tokens[at : end + 1]), end
        part = following(tokens, dot)
        if part is None:
            return join(tokens[at : dot + 1]), dot
        end = part
