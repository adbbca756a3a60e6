"""Cross-field rules of a stack config: pure functions from a `Tree` to findings.

They run on whatever parsed, so all mistakes are reported at once (DESIGN section 4).
"""

from __future__ import annotations

import ipaddress
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from landfall.config.errors import (
    CIDR_OVERLAP,
    CONTRADICTION,
    CYCLE,
    DUPLICATE,
    NAME_TOO_LONG,
    NOT_ALLOWED,
    TOO_LARGE,
    UNKNOWN_REFERENCE,
    ZONES,
    Finding,
    Path,
    nearest,
    printable,
    show,
)
from landfall.config.limits import BUCKET_NAME, ITEM_BYTES, REGIONS, ROLE_NAME, SCHEDULE_NAME
from landfall.config.network import PRIVATE_RANGES
from landfall.config.tree import Tree
from landfall.naming import Names, NameTooLong
from landfall.powertools import POWERTOOLS_LAYERS

DEFINITIONS: Final[Path] = ("workflows", "definitions")
_REPLICAS: Final[Path] = ("workflows", "audit", "replica_regions")
_BUCKET_PURPOSES: Final = ("log-archive", "artifacts")
_LONGEST_NETWORK_ROLE: Final = "flow-log"
_LONGEST_RING: Final = 12
"""Jobs that wait for each other which an error names."""


def check(tree: Tree) -> Iterator[Finding]:
    """All findings that take more than one section or more than one entry to see."""
    yield from _account_ids(tree)
    yield from _references(tree)
    yield from _regions(tree)
    yield from _cidrs(tree)
    yield from _zones(tree)
    yield from _replicas(tree)
    yield from _function_region(tree)
    yield from _names(tree)
    for workflow_id in tree.keys(*DEFINITIONS):
        yield from _definition(tree, workflow_id)


def derived_job_name(entry: Any) -> str | None:
    """The name that an entry of `scripts` has in audit records, from its plain values."""
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, Mapping):
        return None
    if isinstance(entry.get("name"), str):
        return str(entry["name"])
    kind = entry.get("kind", "rsql")
    if kind == "sql":
        return _stem(entry.get("file")) or "sql"
    source = {
        "rsql": "script",
        "lambda": "function",
        "glue": "job",
        "emr_serverless": "entry_point",
        "state_machine": "state_machine",
    }.get(kind if isinstance(kind, str) else "")
    value = entry.get(source) if source else None
    if not isinstance(value, str):
        return None
    if kind == "emr_serverless":
        return _stem(value)
    return value.rsplit(":", 1)[-1] if kind in ("lambda", "state_machine") else value


def _stem(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    name = value.rsplit("/", 1)[-1]
    stem = name.rpartition(".")[0]
    return stem or name


def _account_ids(tree: Tree) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for alias in tree.keys("accounts"):
        number = tree.text("accounts", alias, "id")
        if number is not None and number in seen:
            yield Finding(
                code=DUPLICATE,
                path=("accounts", alias, "id"),
                found=show(number),
                message=f"the account id of {seen[number]} again",
                hint="Give each alias an account of its own, or remove one of the two.",
            )
        elif number is not None:
            seen[number] = alias


def _function_region(tree: Tree) -> Iterator[Finding]:
    account = tree.text("workflows", "account")
    if account is None:
        return
    path = ("accounts", account, "regions", 0)
    region = tree.text(*path)
    if region is not None and region in REGIONS.values and region not in POWERTOOLS_LAYERS:
        yield Finding(
            code=NOT_ALLOWED,
            path=path,
            found=show(region),
            allowed=tuple(sorted(POWERTOOLS_LAYERS)),
            message="no Powertools layer is recorded for the home Region of the workflows' account",
            hint="Choose another home Region, or record the layer in landfall/powertools.py.",
        )


def _references(tree: Tree) -> Iterator[Finding]:
    """Names of accounts, networks and workflows that are not defined; each name once."""
    places: dict[tuple[Path, str], list[Path]] = {}
    for section, path in _named(tree):
        name = tree.text(*path)
        if name is not None:
            places.setdefault((section, name), []).append(path)
    for (section, name), paths in places.items():
        known = tree.keys(*section)
        # Where the section itself is wrong or empty, or all that is in it, that is the mistake.
        if name not in known and not all(tree.wrong(*section, key) for key in known):
            unused = [key for key in known if (section, key) not in places]
            yield from _unknown(
                name,
                paths,
                known,
                {key: (*section, key) for key in unused},
                tree,
                _NOUNS[section],
                may_be_unused=section == DEFINITIONS,
            )
    yield from _network_of_workflows(tree)


_NOUNS: Final[Mapping[Path, str]] = {
    ("accounts",): "account",
    ("network",): "network",
    DEFINITIONS: "workflow",
}


def _named(tree: Tree) -> Iterator[tuple[Path, Path]]:
    """Where names are used: the section that defines them, and the path of the use."""
    for key in tree.keys("network"):
        yield ("accounts",), ("network", key, "account")
    yield ("accounts",), ("workflows", "account")
    yield ("accounts",), ("workflows", "operations", "account")
    yield ("network",), ("workflows", "network")
    for workflow_id in tree.keys(*DEFINITIONS):
        for stage, _ in tree.items(*DEFINITIONS, workflow_id, "workflow_stages"):
            at = (*DEFINITIONS, workflow_id, "workflow_stages", stage, "preconditions")
            for index, _ in tree.items(*at):
                yield DEFINITIONS, (*at, index, "workflow_id")


def _unknown(
    name: str,
    paths: list[Path],
    known: Sequence[str],
    unused: Mapping[str, Path],
    tree: Tree,
    noun: str,
    *,
    may_be_unused: bool = False,
) -> Iterator[Finding]:
    """The one finding on a name that is used in `paths` and not defined.

    `unused` has the keys that define names which nothing uses. Where one of them is spelt almost like a name
    that is used several times, it is the definition that is misspelt, unless such things `may_be_unused`.
    """
    near = nearest(name, unused)
    if near is not None and tree.wrong(*unused[near]):
        return  # the definition's own key is wrong, and reported
    if near is not None and len(paths) > 1 and not may_be_unused:
        yield Finding(
            code=UNKNOWN_REFERENCE,
            path=unused[near],
            found=show(near),
            message=f"nothing names this {noun}, but {len(paths)} keys name {show(name)}",
            suggestion=name,
            on_key=True,
            also=tuple(paths),
        )
        return
    near = nearest(name, known) or (known[0] if len(known) == 1 else None)
    yield Finding(
        code=UNKNOWN_REFERENCE,
        path=paths[0],
        found=show(name),
        message=f"no such {noun}",
        allowed=tuple(known),
        suggestion=near,
        hint="" if near else f"Define the {noun}, or name one that is there.",
        also=tuple(paths[1:]),
    )


def _network_of_workflows(tree: Tree) -> Iterator[Finding]:
    network, account = tree.text("workflows", "network"), tree.text("workflows", "account")
    if network is not None and not tree.keys("network") and not tree.wrong("network"):
        yield Finding(
            code=UNKNOWN_REFERENCE,
            path=("workflows", "network"),
            found=show(network),
            message="no such network: the stack defines none",
            hint="Add landfall:network with this key.",
        )
    owner = tree.text("network", network, "account") if network else None
    if (
        account
        and owner
        and owner != account
        and owner in tree.keys("accounts")
        and account in tree.keys("accounts")
    ):
        yield Finding(
            code=CONTRADICTION,
            path=("workflows", "network"),
            found=show(network),
            message=f"that network is in account {owner}, the workflows are in account {account}",
            suggestion=next(
                (key for key in tree.keys("network") if tree.text("network", key, "account") == account), None
            ),
            hint="The plane's compute and its network must be in one account.",
        )


def _account_regions(tree: Tree, account: str | None) -> tuple[str, ...]:
    if account is None:
        return ()
    return tuple(
        region for _, region in tree.items("accounts", account, "regions") if isinstance(region, str)
    )


def _network_region(tree: Tree, key: str) -> str | None:
    """Region of a network, given or the home Region; None where either is missing or wrong."""
    if tree.has("network", key, "region"):
        return tree.text("network", key, "region")
    return tree.text("accounts", tree.text("network", key, "account") or "", "regions", 0)


def _regions(tree: Tree) -> Iterator[Finding]:
    """Regions that an account has nothing in, each once, whether for a network or for copies of tables."""
    places: dict[tuple[str, str], list[Path]] = {}
    for key in tree.keys("network"):
        path = ("network", key, "region")
        account, region = tree.text("network", key, "account"), tree.text(*path)
        if account is not None and region is not None:
            places.setdefault((account, region), []).append(path)
    account = tree.text("workflows", "account")
    for index, region in tree.items(*_REPLICAS):
        if account is not None and isinstance(region, str):
            places.setdefault((account, region), []).append((*_REPLICAS, index))
    for (account, region), paths in places.items():
        regions = _account_regions(tree, account)
        if regions and region not in regions and not _partly_wrong(tree, account):
            near = nearest(region, regions)
            yield Finding(
                code=UNKNOWN_REFERENCE,
                path=paths[0],
                found=show(region),
                message=f"account {account} has no resources in that Region",
                allowed=regions,
                suggestion=near,
                hint=""
                if near
                else f"Add it to landfall:accounts.{account}.regions, or choose one that is there.",
                also=tuple(paths[1:]),
            )


def _partly_wrong(tree: Tree, account: str | None) -> bool:
    """Whether some Region of the account is wrong, so that its list says less than it means to."""
    raw = tree.get("accounts", account or "", "regions")
    return not isinstance(raw, list | tuple) or len(raw) != len(_account_regions(tree, account))


def _cidrs(tree: Tree) -> Iterator[Finding]:
    ranges = {
        key: ipaddress.IPv4Network(text)
        for key in tree.keys("network")
        if (text := tree.text("network", key, "cidr")) is not None
    }
    taken = _merged(ranges.values())
    seen: list[tuple[int, int, str]] = []
    for key, cidr in ranges.items():
        first, last = int(cidr.network_address), int(cidr.broadcast_address)
        clash = next((other for start, end, other in seen if start <= last and first <= end), None)
        if clash is not None:
            free = _next_free(cidr, taken)
            yield Finding(
                code=CIDR_OVERLAP,
                path=("network", key, "cidr"),
                found=show(str(cidr)),
                message=f"overlaps {ranges[clash]} of network {clash}",
                suggestion=str(free) if free else None,
                hint="" if free else "Choose a range that no other network of the stack has.",
            )
        seen.append((first, last, key))


def _merged(ranges: Iterable[ipaddress.IPv4Network]) -> list[tuple[int, int]]:
    """First and last address of what the ranges cover together, sorted and apart from each other."""
    return [
        (int(covered.network_address), int(covered.broadcast_address))
        for covered in ipaddress.collapse_addresses(ranges)
    ]


def _next_free(cidr: ipaddress.IPv4Network, taken: Sequence[tuple[int, int]]) -> ipaddress.IPv4Network | None:
    """The next block of the same size in the same private range that overlaps nothing that is `taken`."""
    home = next(private for private in PRIVATE_RANGES if cidr.subnet_of(private))
    size = cidr.num_addresses
    address = int(cidr.network_address) + size
    at = bisect_left(taken, (address, 0))
    while address + size - 1 <= int(home.broadcast_address):
        at = max(0, at - 1)
        while at < len(taken) and taken[at][1] < address:
            at += 1
        if at == len(taken) or taken[at][0] > address + size - 1:
            return ipaddress.IPv4Network((address, cidr.prefixlen))
        address = -(-(taken[at][1] + 1) // size) * size  # the next multiple of the size
    return None


def _zones(tree: Tree) -> Iterator[Finding]:
    for key in tree.keys("network"):
        path = ("network", key, "availability_zones")
        region = _network_region(tree, key)
        zones = [(index, zone) for index, zone in tree.items(*path) if isinstance(zone, str)]
        elsewhere = _region_of_all(tree, key)
        if region is None or elsewhere == region:
            continue
        if elsewhere is not None and len(zones) > 1:
            home = tree.text("network", key, "region") is None
            yield Finding(
                code=ZONES,
                path=path,
                message=f"all zones are in {elsewhere}, but the network is in {region}"
                + (", the home Region of its account" if home else ""),
                hint=f"Write region: {elsewhere} for the network, or zones of {region}.",
            )
            continue
        for index, zone in zones:
            if zone[:-1] != region:
                yield Finding(
                    code=ZONES,
                    path=(*path, index),
                    found=show(zone),
                    message=f"the zone is not in {region}, the Region of the network",
                    suggestion=region + zone[-1],
                )


def _region_of_all(tree: Tree, key: str) -> str | None:
    """The one Region that all zones of a network are in, if they are in one."""
    regions = {
        zone[:-1] for _, zone in tree.items("network", key, "availability_zones") if isinstance(zone, str)
    }
    return next(iter(regions)) if len(regions) == 1 else None


def _replicas(tree: Tree) -> Iterator[Finding]:
    account, network = tree.text("workflows", "account"), tree.text("workflows", "network")
    home = _network_region(tree, network) if network else None
    if network and _region_of_all(tree, network) not in (None, home):
        home = None  # unclear, and reported at the network's zones
    regions = _account_regions(tree, account)
    seen: set[str] = set()
    for index, region in tree.items(*_REPLICAS):
        others = tuple(sorted(set(regions) - {home, *seen}, key=str))
        problem = None
        if region in seen:
            problem = "the Region is listed twice"
        elif region == home:
            problem = "that is the Region of the audit tables themselves"
        seen.add(region)
        if problem:
            yield Finding(
                code=CONTRADICTION,
                path=(*_REPLICAS, index),
                found=show(region),
                message=problem,
                suggestion=nearest(region, others),
                hint="" if nearest(region, others) else "Remove it, or add the Region to the account.",
            )


def _names(tree: Tree) -> Iterator[Finding]:
    """Physical names that are longer than their service allows."""
    prefix, environment = tree.text("platform", "name"), tree.text("platform", "environment")
    if prefix is None or environment is None:
        return
    names = Names(prefix, environment)

    def too_long(path: Path, error: NameTooLong, *, on_key: bool = False) -> Finding:
        return Finding(
            code=NAME_TOO_LONG,
            path=path,
            message=str(error),
            hint="The name is made of landfall:platform.name, the environment and this key.",
            on_key=on_key,
        )

    for workflow_id in tree.keys(*DEFINITIONS):
        try:
            # A schedule has the workflow's name, a rule that starts it the longer one.
            started_by_event = tree.has(*DEFINITIONS, workflow_id, "trigger")
            purpose = f"trigger-{workflow_id}" if started_by_event else workflow_id
            names.physical(purpose, limit=SCHEDULE_NAME.value)
        except NameTooLong as error:
            if len(workflow_id) <= SCHEDULE_NAME.value:  # a longer one is too long by itself
                yield too_long((*DEFINITIONS, workflow_id), error, on_key=True)
        except ValueError:
            continue  # the key itself is malformed, and reported as such
    for key in tree.keys("network"):
        try:
            names.physical(f"{key}-{_LONGEST_NETWORK_ROLE}", limit=ROLE_NAME.value)
        except NameTooLong as error:
            yield too_long(("network", key), error, on_key=True)
        except ValueError:
            continue
    reported = False
    for account in (tree.text("workflows", "account"), tree.text("workflows", "operations", "account")):
        number = tree.text("accounts", account or "", "id")
        for region in _account_regions(tree, account) if number else ():
            for purpose in _BUCKET_PURPOSES:
                try:
                    names.physical(f"{purpose}-{number}-{region}", limit=BUCKET_NAME.value)
                except NameTooLong as error:
                    if not reported:
                        yield too_long(("platform", "name"), error)
                    reported = True


def _definition(tree: Tree, workflow_id: str) -> Iterator[Finding]:
    here = (*DEFINITIONS, workflow_id)
    stated = tree.text(*here, "workflow_id")
    if stated is not None and stated != workflow_id:
        yield Finding(
            code=CONTRADICTION,
            path=(*here, "workflow_id"),
            found=show(stated),
            message="the id of a workflow is the key of its definition",
            suggestion=workflow_id,
        )
    value = tree.get(*here)
    size = len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")) if value else 0
    if size > ITEM_BYTES.value:
        yield Finding(
            code=TOO_LARGE,
            path=here,
            message=f"the definition has {size} bytes, an execution's data at most {ITEM_BYTES.value}",
            hint="Move statements into files, or split the workflow.",
            on_key=True,
        )
    names: dict[str, str] = {}
    for stage, _ in tree.items(*here, "workflow_stages"):
        at = (*here, "workflow_stages", stage)
        yield from _job_names(tree, at, names, stage)
        yield from _dependencies(tree, at)
        for index, _ in tree.items(*at, "preconditions"):
            path = (*at, "preconditions", index, "workflow_id")
            if tree.text(*path) == workflow_id:
                yield Finding(
                    code=CYCLE,
                    path=path,
                    found=show(workflow_id),
                    message="the workflow waits for itself",
                    hint="Name another workflow.",
                )


def _job_names(tree: Tree, at: Path, names: dict[str, str], stage: int) -> Iterator[Finding]:
    """Names given are unique in the workflow; derived ones too where a graph refers to them."""
    graph = tree.text(*at, "execution_type") == "graph"
    local: set[str] = set()
    for index, entry in tree.items(*at, "scripts"):
        name = derived_job_name(entry)
        if name is None:
            continue
        given = isinstance(entry, Mapping) and isinstance(entry.get("name"), str)
        earlier = f"an earlier job of stage {stage + 1}" if graph and name in local else None
        if given and name in names:
            earlier = names[name]
        if earlier:
            path = (*at, "scripts", index)
            yield Finding(
                code=DUPLICATE,
                path=(*path, "name") if given else path,
                found=show(name),
                message=f"the name of {earlier} again",
                suggestion=_free_name(name, {*names, *local}),
            )
        local.add(name)
        if given:
            names.setdefault(name, f"a job of stage {stage + 1}")


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _dependencies(tree: Tree, at: Path) -> Iterator[Finding]:
    graph = tree.text(*at, "execution_type")
    edges: dict[str, list[str]] = {}
    paths: dict[tuple[str, str], Path] = {}
    missing: dict[str, list[Path]] = {}
    entries = [(index, derived_job_name(entry)) for index, entry in tree.items(*at, "scripts")]
    known = sorted({name for _, name in entries if name is not None})
    # An entry that is wrong itself may be the one that is meant.
    complete = sum(name is not None for _, name in entries) == len(tree.get(*at, "scripts") or ())
    for index, name in entries:
        needs = tree.get(*at, "scripts", index, "depends_on")
        if not isinstance(needs, list | tuple) or not needs or name is None or graph is None:
            continue
        if graph != "graph":
            yield Finding(
                code=CONTRADICTION,
                path=(*at, "scripts", index, "depends_on"),
                message=f"depends_on has no meaning in a {graph} stage",
                hint="Write execution_type: graph, or remove it.",
                on_key=True,
            )
            continue
        for position, need in tree.items(*at, "scripts", index, "depends_on"):
            path = (*at, "scripts", index, "depends_on", position)
            if need in known:
                edges.setdefault(name, []).append(need)
                paths.setdefault((name, need), path)
            elif complete and isinstance(need, str):
                missing.setdefault(need, []).append(path)
    used = {need for needs in edges.values() for need in needs}
    unused: dict[str, Path] = {
        name: (*at, "scripts", index) for index, name in entries if name is not None and name not in used
    }
    for need, places in missing.items():
        own = {derived_job_name(tree.get(*path[:-2])) for path in places}
        others = {name: path for name, path in unused.items() if name not in own}
        yield from _unknown(
            need, places, [job for job in known if job not in own], others, tree, "job of this stage"
        )
    # Names that stand for two jobs make no graph; they are reported by themselves.
    cycle = _cycle(edges) if len(known) == len(entries) else None
    if cycle:
        yield Finding(
            code=CYCLE,
            path=paths[(cycle[0], cycle[1])],
            message="these jobs wait for each other: " + _ring(cycle),
            hint="Remove one of the dependencies.",
        )


def _ring(names: list[str]) -> str:
    """The names of a ring, first and last equal; of a long one its beginning and its end."""
    shown = names if len(names) <= _LONGEST_RING else [*names[: _LONGEST_RING - 2], "…", names[-1]]
    return " → ".join(printable(name) for name in shown)


def _cycle(edges: Mapping[str, list[str]]) -> list[str] | None:
    """One cycle as names, first and last equal, or None. Without recursion: stages may be long."""
    done: set[str] = set()
    for start in edges:
        trail: list[str] = []
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            name, position = stack.pop()
            if position == 0:
                if name in done:
                    continue
                trail.append(name)
            needs = edges.get(name, [])
            if position == len(needs):
                trail.pop()
                done.add(name)
                continue
            stack.append((name, position + 1))
            need = needs[position]
            if need in trail:
                return [*trail[trail.index(need) :], need]
            stack.append((need, 0))
    return None
