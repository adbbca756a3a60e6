"""Plans of any size for pictures: accounts, Regions, components and resources from a few numbers."""

from __future__ import annotations

from typing import Any

PROJECT = "urn:pulumi:big::landfall"
TEAM = (
    ("HandlerFunction", "orchestration", ("aws:lambda/function:Function", "aws:iam/role:Role")),
    (
        "EtlMachine",
        "orchestration",
        ("aws:sfn/stateMachine:StateMachine", "aws:cloudwatch/logGroup:LogGroup"),
    ),
    ("Warehouse", "warehouse", ("aws:redshiftserverless/workgroup:Workgroup", "aws:iam/role:Role")),
    ("PrivateBucket", "storage", ("aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy")),
)


class PlanMaker:
    """Builds a plan's JSON resource by resource."""

    def __init__(self, stack: str = "big") -> None:
        self.stack = stack
        self.resources: list[dict[str, Any]] = []
        self._root = self.add("pulumi:pulumi:Stack", f"landfall-{stack}", custom=False)

    def add(
        self,
        type_: str,
        name: str,
        *,
        parent: str | None = None,
        custom: bool = True,
        account: str | None = None,
        region: str | None = None,
        inputs: dict[str, Any] | None = None,
        dependencies: tuple[str, ...] = (),
    ) -> str:
        """A resource; returns its URN."""
        urn = f"{PROJECT}::{type_}::{parent or ''}#{name}"
        self.resources.append(
            {
                "urn": urn,
                "type": type_,
                "name": name,
                "parent": parent or (None if not self.resources else self._root),
                "custom": custom,
                "protect": False,
                "account": account,
                "region": region,
                "inputs": inputs or {},
                "dependencies": list(dependencies),
            }
        )
        return urn

    def plan(self) -> dict[str, Any]:
        """The plan."""
        return {"stack": self.stack, "engine": "embedded", "resources": self.resources, "violations": []}


def big_plan(accounts: int = 4, teams: int = 9) -> dict[str, Any]:
    """Teams of eight resources in each account and Region, each using a topic of the first account."""
    maker = PlanMaker()
    topic = None
    for number in range(accounts):
        account = f"{number + 1:012d}"
        maker.add("pulumi:providers:aws", f"account{number + 1}", account=account, region="eu-central-1")
        hub = maker.add("landfall:orchestration:OperationsHub", f"hub-{number}", custom=False)
        found = maker.add(
            "aws:sns/topic:Topic",
            f"topic-{number}",
            parent=hub,
            account=account,
            region="eu-central-1",
            inputs={"name": f"topic-{number}"},
        )
        topic = topic or found
        for team in range(teams):
            region = ("eu-central-1", "eu-west-1")[team % 3 == 2]
            before: list[str] = [topic]
            tops: dict[str, str] = {}
            for component, area, types in TEAM:
                if area not in tops:
                    tops[area] = maker.add(
                        f"landfall:{area}:Plane", f"team-{number}-{team}-{area}", custom=False
                    )
                inner = maker.add(
                    f"landfall:{area}:{component}",
                    f"team-{team}-{component.lower()}",
                    parent=tops[area],
                    custom=False,
                )
                for type_ in types:
                    urn = maker.add(
                        type_,
                        f"team-{team}-{component.lower()}",
                        parent=inner,
                        account=account,
                        region=region,
                        dependencies=tuple(before),
                    )
                before = [urn]
    return maker.plan()
