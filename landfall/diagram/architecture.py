"""A plan as a picture: accounts as frames, Regions in them, cards by plane, lines where one uses another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from landfall.diagram.legend import legend
from landfall.diagram.model import NOWHERE, Architecture, Card, Place, architecture
from landfall.diagram.place import Size, layered, ranks
from landfall.diagram.route import Rect, Router, Wanted
from landfall.diagram.scene import (
    GRID,
    Box,
    LegendEntry,
    Line,
    Mark,
    Scene,
    Text,
    fitted,
    snap,
)
from landfall.diagram.services import kind_of, plane_of

CARD_WIDTH: Final = 230
_ROW: Final = 17
_HEAD: Final = 46
_PAD: Final = 20
_MAX_ROWS: Final = 7
_NAMES: Final = 12
"""Names below one another in a card that names its resources; more begin a further column."""
_GAP: Final = 20
_FRAME_GAP: Final = 40
_MARGIN: Final = 40
_TOP: Final = 100
_TITLES: Final = {"frame-account": 50, "frame-region": 40, "frame-plane": 40}
"""Height of the strip with a frame's title."""
_OFF: Final = GRID / 2
"""Frames stand half a grid step off, so that no line runs along their edges."""

_LEAVE: Final = {"right": 0, "top": 4, "bottom": 4, "left": 12}
_ENTER: Final = {"left": 0, "top": 4, "bottom": 4, "right": 12}


def draw(plan: Mapping[str, Any], *, depth: int | None = None, expand: bool = False) -> Scene:
    """The picture of a plan.

    Args:
        plan: what `landfall preview --json` writes.
        depth: levels of components that get cards of their own; see `architecture`.
        expand: name every resource instead of counting kinds.
    """
    return scene_of(architecture(plan, depth), expand=expand)


def _sheet(blocks: Sequence[_Block], gap: int) -> _Block:
    """Accounts in rows; unlike other frames they keep their own size."""
    widest = _widest(blocks, gap)
    rows: list[list[_Block]] = [[]]
    for block in blocks:
        if rows[-1] and sum(other.width + gap for other in rows[-1]) + block.width > widest * 1.35:
            rows.append([])
        rows[-1].append(block)
    beside = [_beside(row, gap) for row in rows]
    boxes: list[Box] = []
    top = 0
    for row in beside:
        boxes += row.moved(0, top)
        top += row.height + gap
    return _Block(tuple(boxes), max(row.width for row in beside), top - gap)


@dataclass(frozen=True)
class _Block:
    """Boxes with places of their own, beginning at 0, 0."""

    boxes: tuple[Box, ...]
    width: int
    height: int

    def moved(self, x: float, y: float) -> tuple[Box, ...]:
        """The boxes, moved."""
        return tuple(box.moved(x, y) for box in self.boxes)


def scene_of(picture: Architecture, *, expand: bool = False) -> Scene:
    """Places everything and routes the lines."""
    links = [(link.source, link.target) for link in picture.links]
    blocks = [_account(picture, account, links, expand) for account in dict(picture.regions)]
    gap = 2 * _FRAME_GAP
    sheet = _sheet(blocks, gap)
    boxes = sheet.moved(_MARGIN, _TOP)
    width, height = float(sheet.width + 2 * _MARGIN), sheet.height
    title, subtitle = f"Stack {picture.stack}", _subtitle(picture)
    entries = _entries(picture)
    top = _TOP + height + 30
    legend_width = max(width, 900.0)
    key = legend(entries, _MARGIN, top, legend_width - 2 * _MARGIN)
    width = legend_width
    return Scene(
        title=title,
        subtitle=subtitle,
        description=f"{title}: {subtitle}. " + "; ".join(_told(picture)),
        width=width,
        height=top + key.height + 20,
        boxes=boxes,
        lines=_lines(picture, boxes, width, top),
        texts=(
            fitted(title, width - 2 * _MARGIN, x=_MARGIN, y=48, role="title"),
            fitted(subtitle, width - 2 * _MARGIN, x=_MARGIN, y=74, role="detail"),
            *key.texts,
        ),
        marks=key.marks,
        samples=key.samples,
    )


def _subtitle(picture: Architecture) -> str:
    regions = {card.place.region for card in picture.cards} - {NOWHERE}
    accounts = {card.place.account for card in picture.cards} - {NOWHERE}
    parts = [
        _counted(picture.resources, "resource"),
        _counted(len(accounts), "account"),
        _counted(len(regions), "Region"),
        _counted(len(picture.cards), "component"),
    ]
    return " · ".join(parts) + (" (top level only)" if picture.collapsed else "")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _told(picture: Architecture) -> Iterable[str]:
    counts = Counter((card.place.account, card.place.region) for card in picture.cards for _ in card.members)
    for account, region in picture.regions:
        name = picture.accounts.get(account, account)
        yield f"account {name}, Region {region}: {_counted(counts[account, region], 'resource')}"


def _entries(picture: Architecture) -> list[LegendEntry]:
    used = {kind_of(member["type"]).accent for card in picture.cards for member in card.members}
    names = {
        "compute": "compute",
        "containers": "containers",
        "storage": "storage",
        "database": "database",
        "analytics": "analytics",
        "network": "network",
        "security": "security, identity",
        "integration": "integration, events",
        "management": "operations",
        "other": "other",
    }
    entries = [LegendEntry(text=text, accent=accent) for accent, text in names.items() if accent in used]
    kinds = {link.kind for link in picture.links}
    lines = {
        "uses": "uses (dependency, or ARN that its policies and definitions name)",
        "regions": "uses in another Region",
        "crosses": "uses in another account",
    }
    entries += [LegendEntry(text=text, line=kind) for kind, text in lines.items() if kind in kinds]
    return entries


def _frame(key: str, kind: str, title: Sequence[Text], inner: _Block, tooltip: str = "") -> _Block:
    strip = _TITLES[kind]
    least = max((text.x + text.width for text in title), default=0.0) + 2 * _PAD
    width, height = max(inner.width, snap(least) - 2 * _PAD) + 2 * _PAD, inner.height + strip + _PAD
    frame = Box(
        key=key,
        kind=kind,
        x=-_OFF,
        y=-_OFF,
        width=width + 2 * _OFF,
        height=height + 2 * _OFF,
        texts=tuple(title),
        tooltip=tooltip,
    )
    held = tuple(replace(box, parent=key) if box.parent is None else box for box in inner.moved(_PAD, strip))
    return _Block((frame, *held), width, height)


def _beside(blocks: Sequence[_Block], gap: int) -> _Block:
    boxes: list[Box] = []
    left = height = 0
    for block in blocks:
        boxes += block.moved(left, 0)
        left += block.width + gap
        height = max(height, block.height)
    return _Block(tuple(boxes), left - gap, height)


def _packed(blocks: Sequence[_Block], gap: int, widest: int, least: int = 0) -> _Block:
    """Frames in rows at most ``widest`` and at least ``least`` wide; the last of a row fills it, and all of a
    row are as high."""
    rows: list[list[_Block]] = []
    for block in blocks:
        used = sum(other.width + gap for other in rows[-1]) if rows else 0
        if rows and used + block.width <= widest:
            rows[-1].append(block)
        else:
            rows.append([block])
    width = max(least, *(sum(b.width for b in row) + gap * (len(row) - 1) for row in rows))
    boxes: list[Box] = []
    top = 0
    for row in rows:
        left, height = 0, max(block.height for block in row)
        for number, block in enumerate(row):
            own = width - left if number == len(row) - 1 else block.width
            boxes += _Block(tuple(_grown(box, own, height) for box in block.boxes), own, height).moved(
                left, top
            )
            left += own + gap
        top += height + gap
    return _Block(tuple(boxes), width, top - gap if rows else 0)


def _grown(box: Box, width: int, height: int) -> Box:
    """An outermost frame as large as its row has place for; other boxes unchanged."""
    if box.parent is not None:
        return box
    return replace(box, width=width + 2 * _OFF, height=height + 2 * _OFF)


def _widest(blocks: Sequence[_Block], gap: int) -> int:
    """A width at which blocks fill a sheet that is half as wide again as high."""
    area = sum((block.width + gap) * (block.height + gap) for block in blocks)
    return max([*(block.width for block in blocks), int(math.sqrt(area * 1.5))])


def _account(picture: Architecture, account: str, links: Sequence[tuple[str, str]], expand: bool) -> _Block:
    alias = picture.accounts.get(account)
    title = f"Account {alias}" if alias else "No account" if account == NOWHERE else "Account"
    names = [region for at, region in picture.regions if at == account]
    regions = [_region(picture, account, region, links, expand) for region in names]
    if len(regions) > 1:
        # Again, now that it is known how wide the widest is: the others lay their planes beside one another.
        room = max(block.width for block in regions) - 2 * _PAD
        regions = [_region(picture, account, region, links, expand, room) for region in names]
    heading = Text(x=_PAD, y=28, text=title, role="heading")
    texts = [heading]
    if account != NOWHERE:
        texts.append(Text(x=_PAD + heading.width + 12, y=28, text=account, role="detail"))
    inner = _packed(regions, _FRAME_GAP, _widest(regions, _FRAME_GAP))
    return _frame(f"account {account}", "frame-account", texts, inner, tooltip=f"{title} {account}")


def _region(
    picture: Architecture,
    account: str,
    region: str,
    links: Sequence[tuple[str, str]],
    expand: bool,
    room: int = 0,
) -> _Block:
    planes: dict[str, list[Card]] = {}
    for card in picture.cards:
        if (card.place.account, card.place.region) == (account, region):
            planes.setdefault(card.place.plane, []).append(card)
    order = sorted(planes, key=lambda plane: (-len(planes[plane]), plane))
    blocks = [
        _plane(Place(account=account, region=region, plane=plane), planes[plane], links, expand)
        for plane in order
    ]
    title = Text(x=_PAD, y=25, text="Global" if region == NOWHERE else region, role="label")
    count = sum(len(card.members) for cards in planes.values() for card in cards)
    texts = [
        title,
        Text(x=_PAD + title.width + 12, y=25, text=_counted(count, "resource"), role="detail"),
    ]
    inner = _packed(blocks, 30, max(room, _widest(blocks, 30)), room)
    return _frame(f"region {account} {region}", "frame-region", texts, inner)


def _plane(place: Place, cards: Sequence[Card], links: Sequence[tuple[str, str]], expand: bool) -> _Block:
    title, accent = plane_of(place.plane)
    inner = _arranged(cards, links, expand)
    text = Text(x=_PAD, y=25, text=title, role="label", accent=accent)
    return _frame(f"plane {place.account} {place.region} {place.plane}", "frame-plane", (text,), inner)


def _arranged(cards: Sequence[Card], links: Sequence[tuple[str, str]], expand: bool) -> _Block:
    """Cards that use one another in columns from left to right, the others in columns of like height."""
    drawn = {card.key: _card(card, expand) for card in cards}
    within = [link for link in links if link[0] in drawn and link[1] in drawn]
    joined = {end for link in within for end in link}
    sizes = {key: Size(across=int(box.height), along=int(box.width)) for key, box in drawn.items()}
    alone = [key for key in drawn if key not in joined]
    if not joined:
        return _columns([drawn[key] for key in alone])
    connected = {key: size for key, size in sizes.items() if key in joined}
    placed = layered(connected, within, gap=_GAP, rank_gap=60, rank_of=_balanced(connected, within))
    at = {key: (along, across) for key, (across, along) in placed.at.items()}
    left = [key for key in alone if not _slotted(key, at, sizes, placed.across)]
    block = _Block(tuple(drawn[key].moved(x, y) for key, (x, y) in at.items()), placed.along, placed.across)
    return _beside([block, _columns([drawn[key] for key in left], placed.across)], 60) if left else block


def _slotted(key: str, at: dict[str, tuple[int, int]], sizes: Mapping[str, Size], height: int) -> bool:
    """Puts a card into the largest free end of a column, where it finds room there; says whether it did."""
    columns: dict[int, list[str]] = {}
    for other, (x, _) in at.items():
        columns.setdefault(x, []).append(other)
    need = sizes[key].across + _GAP
    best: tuple[int, int, int] | None = None
    for x, others in columns.items():
        first = min(at[other][1] for other in others)
        last = max(at[other][1] + sizes[other].across for other in others)
        for room, y in ((first, 0), (height - last, height - sizes[key].across)):
            if room >= need + _GAP and (best is None or (room, x) > best[:2]):
                best = (room, x, y)
    if best is not None:
        at[key] = best[1:]
    return best is not None


def _balanced(sizes: Mapping[str, Size], links: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Ranks in which no column is much higher than the rest: what is too much moves one column back."""
    rank = ranks(list(sizes), links)
    total = sum(size.across for size in sizes.values())
    columns = max(rank.values()) + 1
    most = max(total // max(columns, 3), 460)
    result: dict[str, int] = {}
    shift = 0
    for number in range(columns):
        height = 0
        for name in [n for n in sizes if rank[n] == number]:
            if height and height + sizes[name].across > most * 1.4:
                shift += 1
                height = 0
            height += sizes[name].across + _GAP
            result[name] = number + shift
    return result


def _columns(boxes: Sequence[Box], tallest: int = 0) -> _Block:
    """Boxes below one another, in as many columns as keep the block as high as its neighbour, or squarish."""
    heights = [int(box.height) for box in boxes]
    area = sum((box.height + _GAP) * (box.width + _FRAME_GAP) for box in boxes)
    most = max(*heights, tallest or snap((area / 1.6) ** 0.5)) if len(heights) > 1 else heights[0]
    columns: list[list[Box]] = [[]]
    for box in boxes:
        if columns[-1] and sum(other.height + _GAP for other in columns[-1]) + box.height > most:
            columns.append([])
        columns[-1].append(box)
    placed: list[Box] = []
    left = height = 0
    for column in columns:
        top = 0
        for box in column:
            placed.append(box.moved(left, top))
            height = max(height, top + int(box.height))
            top += int(box.height) + _GAP
        left += max(int(box.width) for box in column) + _FRAME_GAP
    return _Block(tuple(placed), left - _FRAME_GAP, height)


def _card(card: Card, expand: bool) -> Box:
    rows = _named_rows(card) if expand else _counted_rows(card)
    per_column = _MAX_ROWS if len(rows) <= _MAX_ROWS else max(_NAMES, -(-len(rows) // 4))
    columns = -(-len(rows) // per_column)
    width = CARD_WIDTH * columns
    texts = [
        fitted(card.title, width - 32, x=18, y=20, role="label"),
        fitted(card.subtitle, width - 32, x=18, y=35, role="detail"),
    ]
    marks = [Mark(x=0, y=0, width=6, height=0, accent=card.accent, radius=3)]
    top = _HEAD + 8.0
    for index, (row_accent, label, value) in enumerate(rows):
        x, y = CARD_WIDTH * (index // per_column), top + _ROW * (index % per_column)
        marks.append(Mark(x=x + 18, y=y - 8, width=9, height=9, accent=row_accent, radius=2))
        number = Text(x=x + CARD_WIDTH - 12, y=y, text=value, role="detail", anchor="end")
        room = CARD_WIDTH - 34 - 12 - (number.width + 8 if value else 0)
        texts.append(fitted(label, room, x=x + 34, y=y, role="detail"))
        if value:
            texts.append(number)
    y = top + _ROW * min(len(rows), per_column)
    if card.keys:
        marks.append(Mark(x=18, y=y - 8, width=9, height=9, accent="security", radius=4.5))
        label = "encrypted with " + ", ".join(card.keys)
        texts.append(fitted(label, width - 34 - 12, x=34, y=y, role="detail", accent="security"))
        y += _ROW
    height = snap(y - 4)
    marks[0] = replace(marks[0], height=height)
    return Box(
        key=card.key,
        kind="card",
        x=0,
        y=0,
        width=width,
        height=height,
        texts=tuple(texts),
        marks=tuple(marks),
        tooltip=f"{', '.join(card.names)}: " + ", ".join(f"{n} {k.label}" for k, n in card.kinds()),
        counts=len(card.members),
    )


def _counted_rows(card: Card) -> list[tuple[str, str, str]]:
    kinds = card.kinds()
    shown = kinds if len(kinds) <= _MAX_ROWS else kinds[: _MAX_ROWS - 1]
    rows = [(kind.accent, kind.label, str(count)) for kind, count in shown]
    if rest := kinds[len(shown) :]:
        rows.append(("other", f"{len(rest)} more kinds", str(sum(count for _, count in rest))))
    return rows


def _named_rows(card: Card) -> list[tuple[str, str, str]]:
    order = {kind: number for number, (kind, _) in enumerate(card.kinds())}
    members = sorted(card.members, key=lambda one: (order[kind_of(one["type"])], one["name"], one["urn"]))
    return [
        (kind_of(one["type"]).accent, f"{kind_of(one['type']).noun.capitalize()} {one['name']}", "")
        for one in members
    ]


def _lines(picture: Architecture, boxes: Sequence[Box], width: float, height: float) -> tuple[Line, ...]:
    where = {box.key: box for box in boxes}
    cards = [_rect(box) for box in boxes if not box.is_frame]
    titles = [
        (text.left - 6, text.top - 4, text.left + text.width + 6, text.bottom + 4)
        for box in boxes
        if box.is_frame
        for text in box.texts
    ]
    router = Router(width, height, cards, titles)
    names = {card.key: card.title for card in picture.cards}
    found: dict[tuple[str, str], Line] = {}
    for link in sorted(
        picture.links,
        key=lambda one: (_distance(where[one.source], where[one.target]), one.target, one.source),
    ):
        near = where[link.source].parent == where[link.target].parent
        way = router.route(
            Wanted(
                source=_rect(where[link.source]),
                target=_rect(where[link.target]),
                shares=f"{link.kind} {link.target}",
                leave=_LEAVE if near else {},
                enter=_ENTER if near else {},
            )
        )
        found[link.source, link.target] = Line(
            source=link.source,
            target=link.target,
            kind=link.kind,
            points=way.points,
            joins=way.joins,
            tooltip=f"{names[link.source]} uses {names[link.target]}"
            + (f" ({link.count} references)" if link.count > 1 else ""),
        )
    return tuple(found[link.source, link.target] for link in picture.links)


def _rect(box: Box) -> Rect:
    return box.x, box.y, box.right, box.bottom


def _distance(one: Box, other: Box) -> float:
    aside = max(other.x - one.right, one.x - other.right, 0)
    above = max(other.y - one.bottom, one.y - other.bottom, 0)
    return aside + above
