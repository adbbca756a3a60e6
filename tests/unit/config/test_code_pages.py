"""Every error page holds: its example has that error and no other, its fix is a valid stack file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from landfall.config import report
from landfall.config.code_pages import STACK, changed, index, issues, loaded, page
from landfall.config.codes import CODES, Code
from landfall.config.errors import WRONG_TYPE


def test_the_stack_file_of_the_examples_is_valid() -> None:
    result = loaded(STACK)
    assert report(result.issues) == ""
    assert result.ok


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_the_example_of_a_page_has_exactly_its_error_and_the_fix_has_none(code: Code) -> None:
    assert [issue.code for issue in issues(code)] == [code.code]
    assert loaded(changed(replace(code, wrong=code.right))).ok


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_a_page_shows_cause_example_error_and_fix(code: Code) -> None:
    text = page(code)
    (issue,) = issues(code)
    for piece in (code.title, code.cause, code.wrong, code.right, code.fix, str(issue)):
        assert piece in text
    assert issue.excerpt is not None
    assert issue.excerpt.text in text
    assert "never-here" not in text.partition("```\n\n```\n")[2], "the report hides the secret"


def test_right_lines_that_are_not_in_the_stack_file_are_refused() -> None:
    (code,) = (code for code in CODES if code.code == WRONG_TYPE)
    for right in ("not: there", "account: data"):
        with pytest.raises(ValueError, match="times in the stack file"):
            changed(replace(code, right=right))


def test_the_overview_links_every_page() -> None:
    text = index()
    assert all(f"[{code.code}]({code.code}.md) | {code.title}" in text for code in CODES)
