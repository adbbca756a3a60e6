"""The page of an error code, in the terminal."""

from __future__ import annotations

import sys

from rich.markdown import Markdown

from landfall.cli.exits import unknown
from landfall.cli.terminal import out, print_json
from landfall.config.code_pages import page, said
from landfall.config.codes import CODES


def explain_code(code: str, as_json: bool) -> int:
    """Print the page of ``code``; raises ``CommandError`` with the nearest code where there is none."""
    table = {entry.code: entry for entry in CODES}
    found = table.get(code.upper())
    if found is None:
        raise unknown("error code", code.upper(), list(table), "the codes are")
    if as_json:
        print_json(
            {
                "code": found.code,
                "title": found.title,
                "cause": found.cause,
                "example": found.wrong,
                "report": said(found),
                "fix": found.fix,
                "fixed": found.right,
                "page": f"docs/errors/{found.code}.md",
            }
        )
    elif out.is_terminal:
        out.print(Markdown(page(found)), soft_wrap=False)
    else:
        sys.stdout.write(page(found))  # as it is: Rich would make spaces of tabs
    return 0
