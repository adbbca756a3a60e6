"""A cloud of two resource types in a folder, to test engines without an emulator.

Each resource is one file; a file `fail-<name>` makes calls for that name fail as a service would, and a file
`slow-<name>` makes them take that many seconds. Started as a program it is a `pulumi-resource-aws`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sandbox.provisioners import Call, Created


class Thing:
    """A named resource that is one file."""

    name_key = "name"
    taggable = True

    def __init__(self, token: str, kind: str, folder: Path, replace_on: frozenset[str]) -> None:
        self.token = token
        self.replace_on = replace_on
        self._kind = kind
        self._folder = folder

    def create(self, call: Call, inputs: Any, name: str) -> Created:
        chosen = inputs.get("name") or f"{name}-1234567"
        self._obey("Create", chosen)
        path = self._path(call, chosen)
        if path.exists():
            raise ClientError({"Error": {"Code": "AlreadyExists", "Message": f"{chosen} exists"}}, "Create")
        outputs = self._outputs(call, inputs, chosen)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(outputs))
        return Created(chosen, outputs)

    def update(self, call: Call, id: str, old: Any, new: Any) -> dict[str, Any]:
        self._obey("Update", id)
        outputs = self._outputs(call, new, id)
        self._path(call, id).write_text(json.dumps(outputs))
        return outputs

    def delete(self, call: Call, id: str, state: Any) -> None:
        self._obey("Delete", id)
        self._path(call, id).unlink(missing_ok=True)

    def read(self, call: Call, id: str, state: Any) -> dict[str, Any] | None:
        path = self._path(call, id)
        return json.loads(path.read_text()) if path.exists() else None

    def _outputs(self, call: Call, inputs: Any, name: str) -> dict[str, Any]:
        tags = {**call.default_tags, **(inputs.get("tags") or {})}
        computed = {"name": name, "arn": call.arn(self._kind, name), "region": call.region, "tagsAll": tags}
        return {**inputs, **computed}

    def _path(self, call: Call, name: str) -> Path:
        return self._folder / call.account / call.region / f"{self._kind}-{name}.json"

    def _obey(self, operation: str, name: str) -> None:
        if (slow := self._folder / f"slow-{name}").exists():
            time.sleep(float(slow.read_text()))
        if (self._folder / f"fail-{name}").exists():
            error = {"Error": {"Code": "ServiceUnavailable", "Message": f"{name} cannot be served now"}}
            raise ClientError(error, f"{operation}{self._kind.capitalize()}")


def provisioners(folder: Path) -> dict[str, Any]:
    """The table of the two types."""
    return {
        "aws:sqs/queue:Queue": Thing("aws:sqs/queue:Queue", "queue", folder, frozenset({"name"})),
        "aws:sns/topic:Topic": Thing(
            "aws:sns/topic:Topic", "topic", folder, frozenset({"name", "fifoTopic"})
        ),
    }


def main() -> int:
    """Serve the provider protocol on the fake cloud."""
    from pulumi.runtime.proto import provider_pb2_grpc

    from sandbox.engines.plugin_process import serve
    from sandbox.engines.recorded import Ledger
    from sandbox.engines.resource_provider import ResourceProvider

    provider = ResourceProvider(
        provisioners(Path(os.environ.get("FAKE_CLOUD", "/nonexistent"))), Ledger.from_environment()
    )
    return serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))


if __name__ == "__main__":
    sys.exit(main())
