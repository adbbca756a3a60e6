"""Mermaid flowcharts: labels that cannot break out of their quotes, and the text of an architecture."""

from __future__ import annotations

from collections.abc import Iterator

from landfall.diagram.model import NOWHERE, Architecture, Card
from landfall.diagram.services import plane_of

_ENTITIES = {
    "&": "#amp;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "`": "#96;",
    "#": "#35;",
    ";": "#59;",
    "\\": "#92;",
}
_STYLES = (
    "classDef card fill:#ffffff,stroke:#66758a,color:#16202b",
    "classDef plane fill:#eef2f7,stroke:#c3ccd6,color:#16202b",
    "classDef region fill:#fdfdfe,stroke:#c3ccd6,color:#16202b",
    "classDef account fill:#f5f7fa,stroke:#66758a,color:#16202b",
)


def label(text: str) -> str:
    """Text for a quoted Mermaid label; control characters become spaces, and a backslash begins nothing."""
    return "".join(_ENTITIES.get(letter, letter if letter >= " " else " ") for letter in text)


def architecture(picture: Architecture) -> str:
    """A stack as a Mermaid flowchart: subgraphs for accounts, Regions and planes."""
    return "\n".join(_flowchart(picture)) + "\n"


def _flowchart(picture: Architecture) -> Iterator[str]:
    yield "---"
    yield f'title: "{label(f"Stack {picture.stack}: {picture.resources} resources")}"'
    yield "---"
    yield "flowchart LR"
    ids: dict[str, str] = {}
    groups: dict[str, list[str]] = {"account": [], "region": [], "plane": []}
    regions = picture.regions
    for account in dict(regions):
        ids[account] = name = f"a{len(ids)}"
        groups["account"].append(name)
        alias = picture.accounts.get(account)
        shown = "no account" if account == NOWHERE else f"account {alias or ''} {account}".replace("  ", " ")
        yield f'  subgraph {name} ["{label(shown)}"]'
        for number, region in enumerate(region for at, region in regions if at == account):
            inner = f"{name}r{number}"
            groups["region"].append(inner)
            yield f'    subgraph {inner} ["{label("global" if region == NOWHERE else region)}"]'
            planes: dict[str, list[Card]] = {}
            for card in picture.cards:
                if (card.place.account, card.place.region) == (account, region):
                    planes.setdefault(card.place.plane, []).append(card)
            for index, (plane, cards) in enumerate(sorted(planes.items())):
                groups["plane"].append(f"{inner}p{index}")
                yield f'      subgraph {inner}p{index} ["{label(plane_of(plane)[0])}"]'
                for card in cards:
                    yield f'        {card.key}["{_card(card)}"]'
                yield "      end"
            yield "    end"
        yield "  end"
    for link in picture.links:
        arrow = {"uses": "-->", "regions": "-.->", "crosses": "==>"}[link.kind]
        yield f"  {link.source} {arrow} {link.target}"
    yield from (f"  {style}" for style in _STYLES)
    if picture.cards:
        yield f"  class {','.join(card.key for card in picture.cards)} card"
    for style, names in groups.items():
        if names:
            yield f"  class {','.join(names)} {style}"


def _card(card: Card) -> str:
    kinds = "<br/>".join(label(f"{count} {kind.label}") for kind, count in card.kinds())
    return f"<b>{label(card.title)}</b><br/>{label(card.subtitle)}<br/>{kinds}"
