"""The clients of a command in AWS accounts: the credentials are checked, and once is enough."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from landfall.cli import session as sessions
from landfall.cli.exits import CommandError
from landfall.cli.session import Session, open_session

MADE: Counter[tuple[str, str]] = Counter()


class FakeAws:
    """Stands for ``boto3.Session``: credentials of one account, and a count of the clients made."""

    account = ""

    def __init__(self, *, region_name: str) -> None:
        self.region = region_name

    def client(self, service: str, region_name: str | None = None) -> Any:
        MADE[service, region_name or self.region] += 1
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self.account}


@pytest.fixture
def prod(monkeypatch: pytest.MonkeyPatch) -> Session:
    MADE.clear()
    monkeypatch.setattr(sessions.boto3, "Session", FakeAws)
    found = open_session("prod")
    monkeypatch.setattr(FakeAws, "account", found.config.accounts[found.workflows.account].id)
    return found


def test_an_account_is_asked_once_whose_the_credentials_are(prod: Session) -> None:
    account = prod.workflows.account
    region = prod.config.accounts[account].regions[0]
    first = prod.client("dynamodb", account)
    assert prod.client("dynamodb", account) is first
    prod.client("stepfunctions", account)
    assert {("sts", region): 1, ("dynamodb", region): 1, ("stepfunctions", region): 1} == MADE


def test_credentials_of_another_account_are_refused_at_every_call(prod: Session) -> None:
    [other] = set(prod.config.accounts) - {prod.workflows.account}
    for _ in range(2):
        with pytest.raises(CommandError, match=f"but {other} is {prod.config.accounts[other].id}"):
            prod.client("dynamodb", other)
