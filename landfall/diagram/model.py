"""What an architecture picture says, before anything has a place: accounts, Regions, planes, cards, edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from landfall.diagram.references import Resource, references
from landfall.diagram.services import Kind, is_global, kind_of, sentence, words

NOWHERE: Final = "—"
"""Account or Region of a resource that has none."""
MANY_SIBLINGS: Final = 3
"""More components of one type in one place than this become one card."""
MANY_CARDS: Final = 60
"""More cards than this are collapsed to one for each top-level component, unless a depth is asked for."""
DEFAULT_DEPTH: Final = 2


@dataclass(frozen=True, order=True)
class Place:
    """Where a card stands."""

    account: str
    region: str
    plane: str
    """Area of the top-level component, such as `network`."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Some resources that are drawn as one box."""

    key: str
    place: Place
    title: str
    subtitle: str
    members: tuple[Resource, ...]
    names: tuple[str, ...] = ()
    """Names of the components that it stands for."""
    keys: tuple[str, ...] = ()
    """Titles of the customer keys that its resources are encrypted with."""

    def kinds(self) -> list[tuple[Kind, int]]:
        """What it holds and how often, the most telling first."""
        counts = Counter(kind_of(member["type"]) for member in self.members)
        return sorted(counts.items(), key=lambda item: (_RANKS.get(item[0].noun, 0), item[0].label))

    @property
    def accent(self) -> str:
        """Colour of the group of services that most of its telling resources belong to."""
        kinds = self.kinds()
        least = _RANKS.get(kinds[0][0].noun, 0)
        sizes: Counter[str] = Counter()
        for kind, count in kinds:
            if _RANKS.get(kind.noun, 0) == least:
                sizes[kind.accent] += count
        return max(sizes, key=lambda accent: sizes[accent])


_RANKS: Final[Mapping[str, int]] = {
    "state machine": -2,
    "workgroup": -2,
    "cluster": -2,
    "network": -2,
    "function": -1,
    "topic": -1,
    "table": -1,
    "target": 1,
    "log group": 1,
    "key": 1,
    "metric alarm": 1,
    "table item": 1,
    "topic subscription": 1,
    "schedule group": 2,
    "role": 2,
    "policy": 3,
    "instance profile": 3,
    "permission": 3,
    "alias": 4,
    "bucket settings": 4,
    "queue policy": 4,
    "topic policy": 4,
    "security group": 1,
    "security group rule": 2,
    "route table": 1,
    "route table association": 3,
}
"""Kinds that say more of what a component is for than others (below 0), or less; the smallest come first."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """Resources of one card use resources of another."""

    source: str
    target: str
    count: int
    """Pairs of resources."""
    kind: str
    """`uses` within a Region, `regions` between Regions of an account, `crosses` between accounts."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A stack as a picture shows it."""

    stack: str
    resources: int
    accounts: Mapping[str, str]
    """Alias of each account in the picture, by id."""
    cards: tuple[Card, ...]
    links: tuple[Link, ...]
    depth: int
    collapsed: bool = field(default=False)
    """Whether the depth was lowered because there would have been too many cards."""

    def to_json(self) -> dict[str, Any]:
        """The picture's content as data: cards with the URNs that they stand for, and links between cards."""
        return {
            "stack": self.stack,
            "resources": self.resources,
            "depth": self.depth,
            "collapsed": self.collapsed,
            "accounts": dict(self.accounts),
            "cards": [
                {
                    "key": card.key,
                    "account": card.place.account,
                    "region": card.place.region,
                    "plane": card.place.plane,
                    "title": card.title,
                    "components": list(card.names),
                    "counts": {kind.label: count for kind, count in card.kinds()},
                    "encrypted_with": list(card.keys),
                    "urns": [member["urn"] for member in card.members],
                }
                for card in self.cards
            ],
            "links": [
                {"source": link.source, "target": link.target, "kind": link.kind, "references": link.count}
                for link in self.links
            ],
        }

    @property
    def regions(self) -> list[tuple[str, str]]:
        """Accounts with their Regions, those with most resources first."""
        sizes: Counter[tuple[str, str]] = Counter()
        totals: Counter[str] = Counter()
        for card in self.cards:
            sizes[card.place.account, card.place.region] += len(card.members)
            totals[card.place.account] += len(card.members)
        return sorted(sizes, key=lambda at: (-totals[at[0]], at[0], -sizes[at], at[1]))


def architecture(plan: Mapping[str, Any], depth: int | None = None) -> Architecture:
    """The picture's content from a plan's JSON (DESIGN section 10).

    Args:
        plan: what `landfall preview --json` writes.
        depth: levels of components that get cards of their own; 1 is the top level. Chosen when not given:
            two levels, one where those would be too many.
    """
    wanted = depth if depth is not None else DEFAULT_DEPTH
    made = _at_depth(plan, wanted)
    if depth is None and len(made.cards) > MANY_CARDS:
        return replace(_at_depth(plan, 1), collapsed=True)
    return made


def deployed(plan: Mapping[str, Any]) -> list[Resource]:
    """What AWS will hold: neither components nor providers nor the stack."""
    return [
        resource
        for resource in plan["resources"]
        if resource["custom"] and not resource["type"].startswith(("pulumi:providers:", "pulumi:pulumi:"))
    ]


def _at_depth(plan: Mapping[str, Any], depth: int) -> Architecture:
    by_urn: dict[str, Resource] = {resource["urn"]: resource for resource in plan["resources"]}
    resources = deployed(plan)
    holders: dict[str, tuple[str, str]] = {}
    regional: dict[str, Counter[str]] = {}
    for resource in resources:
        chain = _components(resource, by_urn)
        holder = chain[min(depth, len(chain)) - 1]["urn"] if chain else ""
        holders[resource["urn"]] = (holder, _area(chain[0]["type"]) if chain else "stack")
        if resource.get("region") and not is_global(resource["type"]):
            regional.setdefault(holder, Counter())[resource["region"]] += 1
    groups: dict[tuple[Place, str], list[Resource]] = {}
    for resource in resources:
        holder, plane = holders[resource["urn"]]
        region = resource.get("region") or NOWHERE
        if is_global(resource["type"]) and holder in regional:
            # It has no Region: it is drawn with its component, wherever its provider is at home.
            region = min(regional[holder].items(), key=lambda item: (-item[1], item[0]))[0]
        place = Place(account=resource.get("account") or NOWHERE, region=region, plane=plane)
        groups.setdefault((place, holder), []).append(resource)
    cards, card_of = _cards(groups, by_urn)
    return _linked(plan, cards, card_of, depth)


def _components(resource: Resource, by_urn: Mapping[str, Resource]) -> list[Resource]:
    """The components around a resource, the outermost first, without the stack."""
    found: list[Resource] = []
    parent = by_urn.get(resource.get("parent") or "")
    while parent is not None and not parent["type"].startswith("pulumi:"):
        if not parent["custom"]:
            found.append(parent)
        parent = by_urn.get(parent.get("parent") or "")
    return found[::-1]


def _area(type_: str) -> str:
    parts = type_.split(":")
    return parts[1].partition("/")[0] if len(parts) > 2 else parts[0]


def _cards(
    groups: Mapping[tuple[Place, str], Sequence[Resource]], by_urn: Mapping[str, Resource]
) -> tuple[list[Card], dict[str, str]]:
    siblings: dict[tuple[Place, str, str], list[str]] = {}
    for place, holder in groups:
        component = by_urn.get(holder)
        family = (place, component["type"] if component else "", (component or {}).get("parent") or "")
        siblings.setdefault(family, []).append(holder)
    cards: list[Card] = []
    card_of: dict[str, str] = {}
    for (place, type_, _), holders in sorted(siblings.items()):
        kind = sentence(words(type_.rpartition(":")[2])) if type_ else "Stack"
        together = [holders] if len(holders) > MANY_SIBLINGS and type_ else [[holder] for holder in holders]
        for some in together:
            names = tuple(by_urn[holder]["name"] if holder in by_urn else "stack" for holder in some)
            members = tuple(resource for holder in some for resource in groups[place, holder])
            card = Card(
                key=f"card{len(cards) + 1}",
                place=place,
                title=names[0] if len(some) == 1 else f"{len(some)} × {words(type_.rpartition(':')[2])}",
                subtitle=_subtitle(names, kind, members),
                members=members,
                names=names,
            )
            cards.append(card)
            card_of.update((member["urn"], card.key) for member in members)
    return cards, card_of


def _subtitle(names: Sequence[str], kind: str, members: Sequence[Resource]) -> str:
    """Names where there are several; else the kind, unless the name has said it."""
    if len(names) > 1:
        return ", ".join(names)
    if kind.lower() != names[0].lower():
        return kind
    return f"{len(members)} resource" + "s" * (len(members) != 1)


def _linked(
    plan: Mapping[str, Any], cards: Sequence[Card], card_of: Mapping[str, str], depth: int
) -> Architecture:
    by_key = {card.key: card for card in cards}
    only_keys = {
        card.key for card in cards if {kind_of(member["type"]).service for member in card.members} == {"KMS"}
    }
    counts: Counter[tuple[str, str]] = Counter()
    encrypted: dict[str, list[str]] = {}
    for one, other in references(plan["resources"]):
        source, target = card_of.get(one), card_of.get(other)
        if source is None or target is None or source == target:
            continue
        if target in only_keys:
            encrypted.setdefault(source, []).append(by_key[target].title)
        else:
            counts[source, target] += 1
    links = []
    for (source, target), count in sorted(counts.items()):
        one_place, other_place = by_key[source].place, by_key[target].place
        if one_place.account != other_place.account:
            kind = "crosses"
        else:
            kind = "uses" if one_place.region == other_place.region else "regions"
        links.append(Link(source=source, target=target, count=count, kind=kind))
    present = {card.place.account for card in cards}
    return Architecture(
        stack=plan["stack"],
        resources=sum(len(card.members) for card in cards),
        accounts={account: alias for account, alias in sorted(_aliases(plan)) if account in present},
        cards=tuple(replace(card, keys=tuple(dict.fromkeys(encrypted.get(card.key, ())))) for card in cards),
        links=tuple(links),
        depth=depth,
    )


def _aliases(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Accounts with the names of their providers, which are the config's aliases."""
    for resource in plan["resources"]:
        if resource["type"].startswith("pulumi:providers:aws") and resource.get("account"):
            yield resource["account"], resource["name"]
