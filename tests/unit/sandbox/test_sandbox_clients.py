"""A client is made once: commands ask for one at every call."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config

from sandbox.clients import Clients

PLACE = {"account": "111111111111", "region": "eu-central-1", "endpoint": "http://127.0.0.1:1"}


def test_the_same_client_is_given_at_every_call_and_in_every_thread() -> None:
    prepared: list[Any] = []
    clients = Clients(Config, lambda client: prepared.append(client) or client)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: clients.get("sqs", **PLACE), range(8)))
    assert {id(client) for client in found} == {id(prepared[0])}
    assert len(prepared) == 1


def test_another_account_region_or_endpoint_has_a_client_of_its_own() -> None:
    clients = Clients(Config)
    others = {"account": "222222222222", "region": "eu-west-1", "endpoint": "http://127.0.0.1:2"}
    first = clients.get("sqs", **PLACE)
    for name, value in others.items():
        other = clients.get("sqs", **{**PLACE, name: value})
        assert other is not first
        credentials = other._request_signer._credentials
        assert credentials.access_key == (value if name == "account" else PLACE["account"])
        assert other.meta.region_name == (value if name == "region" else PLACE["region"])
        assert other.meta.endpoint_url == (value if name == "endpoint" else PLACE["endpoint"])
