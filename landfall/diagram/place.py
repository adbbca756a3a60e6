"""Where boxes of a directed graph go: in ranks along the arrows, few crossings, straight ways.

The method is Sugiyama's: cycles are opened, ranks are longest paths, long arrows pass intermediate ranks as
invisible boxes, ranks are ordered by the mean place of neighbours, and coordinates follow the neighbours as
far as neighbours in the rank allow. (source: Sugiyama, Tagawa, Toda 1981; Gansner, Koutsofios, North and Vo
1993)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from landfall.diagram.scene import GRID, snap

_SWEEPS = 24
_LANE = GRID
"""Width that an arrow passing a rank gets there."""


@dataclass(frozen=True)
class Size:
    """Extent of a box: `across` the direction of the arrows, and `along` it, in pixels."""

    across: int
    along: int


@dataclass(frozen=True)
class Placed:
    """Where boxes begin, and how much room they take in all; coordinates as in `Size`."""

    at: Mapping[str, tuple[int, int]]
    """Beginning of each box: (across, along)."""
    across: int
    along: int


type Edge = tuple[str, str]


def ranks(names: Sequence[str], edges: Iterable[Edge]) -> dict[str, int]:
    """A rank for each box so that arrows lead to higher ones; arrows that close a circle do not count.

    Boxes without an arrow into them stand as near to their first successor as they can.
    """
    following: dict[str, list[str]] = {name: [] for name in names}
    for source, target in dict.fromkeys(edges):
        if source != target:
            following[source].append(target)
    order = _depth_first(names, following)
    position = {name: number for number, name in enumerate(order)}
    forward = {name: [t for t in following[name] if position[t] > position[name]] for name in names}
    found = dict.fromkeys(names, 0)
    for name in order:
        for target in forward[name]:
            found[target] = max(found[target], found[name] + 1)
    entered = {target for targets in forward.values() for target in targets}
    for name in reversed(order):
        if name not in entered and forward[name]:
            found[name] = max(found[name], min(found[target] for target in forward[name]) - 1)
    return found


def _depth_first(names: Sequence[str], following: Mapping[str, Sequence[str]]) -> list[str]:
    """The names in reverse postorder: topological but for arrows that close a circle.

    What is named first is followed first, so that of two arrows that make a circle the later one is opened.
    """
    done: list[str] = []
    seen: set[str] = set()
    # Beginnings first, so that circles are opened where they are entered.
    entered = {target for targets in following.values() for target in targets}
    for start in [*(n for n in names if n not in entered), *names]:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(following[start]))]
        while stack:
            name, rest = stack[-1]
            for target in rest:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(following[target])))
                    break
            else:
                done.append(name)
                stack.pop()
    return done[::-1]


def layered(
    sizes: Mapping[str, Size],
    edges: Sequence[Edge],
    *,
    gap: int,
    rank_gap: int,
    rank_of: Mapping[str, int] | None = None,
) -> Placed:
    """Places boxes in ranks.

    Args:
        sizes: extents, multiples of the grid, in the order in which boxes are to appear where nothing else
            says so.
        edges: arrows; circles and repetitions are allowed.
        gap: least distance of two boxes of a rank.
        rank_gap: least distance of two ranks; more where many arrows turn between them.
        rank_of: ranks decided elsewhere.
    """
    if not sizes:
        return Placed({}, 0, 0)
    names = list(sizes)
    rank = dict(rank_of) if rank_of is not None else ranks(names, edges)
    rows: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in names:
        rows[rank[name]].append(name)
    widths = {name: sizes[name].across for name in names}
    links: list[Edge] = []
    for source, target in dict.fromkeys(edges):
        if source != target:
            links += _chain(source, target, rank, rows, widths)
    rows = _ordered(rows, links, rank)
    begin = _coordinates(rows, links, rank, widths, gap)
    depth = [max((sizes[name].along for name in row if name in sizes), default=0) for row in rows]
    tops, top = [], 0
    for number, height in enumerate(depth):
        tops.append(top)
        turning = _turns(number, links, rank, begin, widths)
        top += height + max(rank_gap, snap(min(turning, 8) * GRID + 2 * GRID))
    left = min(begin[name] for name in names)
    at = {name: (begin[name] - left, tops[rank[name]]) for name in names}
    return Placed(
        at,
        max(at[name][0] + sizes[name].across for name in names),
        tops[-1] + depth[-1],
    )


def _chain(
    source: str, target: str, rank: dict[str, int], rows: list[list[str]], widths: dict[str, int]
) -> list[Edge]:
    """The arrow as steps from rank to rank, with an invisible box in each rank that it passes."""
    low, high = (source, target) if rank[source] <= rank[target] else (target, source)
    before, found = low, []
    for number in range(rank[low] + 1, rank[high]):
        lane = f"\0{source}\0{target}\0{number}"
        rank[lane] = number
        widths[lane] = _LANE
        rows[number].append(lane)
        found.append((before, lane))
        before = lane
    if rank[low] != rank[high]:
        found.append((before, high))
    return found


def _ordered(rows: list[list[str]], links: Sequence[Edge], rank: Mapping[str, int]) -> list[list[str]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for low, high in links:
        above.setdefault(high, []).append(low)
        below.setdefault(low, []).append(high)
    best, least = [list(row) for row in rows], _crossings(rows, below)
    current = [list(row) for row in rows]
    for sweep in range(_SWEEPS):
        if not least:
            break
        down = sweep % 2 == 0
        numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        neighbours = above if down else below
        for number in numbers:
            place = {n: i for i, n in enumerate(current[number - 1 if down else number + 1])}
            own = {n: i for i, n in enumerate(current[number])}

            def mean(
                name: str,
                place: Mapping[str, int] = place,
                own: Mapping[str, int] = own,
                neighbours: Mapping[str, list[str]] = neighbours,
            ) -> tuple[float, int]:
                found = sorted(place[other] for other in neighbours.get(name, ()) if other in place)
                if not found:
                    return float(own[name]), own[name]
                middle = len(found) // 2
                median = found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
                return float(median), own[name]

            current[number].sort(key=mean)
        _swap(current, above, below)
        count = _crossings(current, below)
        if count < least:
            best, least = [list(row) for row in current], count
    return best


def _swap(rows: list[list[str]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    """Neighbours change places where that makes fewer crossings."""
    for number, row in enumerate(rows):
        upper = {n: i for i, n in enumerate(rows[number - 1])} if number else {}
        lower = {n: i for i, n in enumerate(rows[number + 1])} if number + 1 < len(rows) else {}

        def pairs(left: str, right: str, upper: dict[str, int] = upper, lower: dict[str, int] = lower) -> int:
            return sum(
                place[one] > place[two]
                for place, neighbours in ((upper, above), (lower, below))
                for one in neighbours.get(left, ())
                for two in neighbours.get(right, ())
                if one in place and two in place
            )

        for index in range(len(row) - 1):
            if pairs(row[index], row[index + 1]) > pairs(row[index + 1], row[index]):
                row[index], row[index + 1] = row[index + 1], row[index]


def _crossings(rows: Sequence[Sequence[str]], below: Mapping[str, Sequence[str]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        place = {name: number for number, name in enumerate(lower)}
        seen: list[int] = []
        for name in upper:
            ends = sorted(place[other] for other in below.get(name, ()) if other in place)
            for end in ends:
                total += len(seen) - bisect_right(seen, end)
            for end in ends:
                seen.insert(bisect_right(seen, end), end)
    return total


def _coordinates(
    rows: Sequence[Sequence[str]],
    links: Sequence[Edge],
    rank: Mapping[str, int],
    widths: Mapping[str, int],
    gap: int,
) -> dict[str, int]:
    """Beginning of each box across the arrows: near the middle of its neighbours, no nearer than the gap."""
    neighbours: dict[str, list[str]] = {}
    for low, high in links:
        neighbours.setdefault(low, []).append(high)
        neighbours.setdefault(high, []).append(low)
    centre: dict[str, float] = {}
    for row in rows:
        at = 0.0
        for name in row:
            centre[name] = at + widths[name] / 2
            at += widths[name] + gap
        for name in row:
            centre[name] -= at / 2
    for sweep in range(_SWEEPS):
        order = rows if sweep % 2 == 0 else rows[::-1]
        for row in order:
            wishes, weights = [], []
            for name in row:
                near = neighbours.get(name, ())
                lane = name.startswith("\0")
                straight = [n for n in near if lane or not n.startswith("\0")] or near
                places = sorted(centre[other] for other in straight)
                middle = len(places) // 2
                wish = (
                    centre[name]
                    if not places
                    else places[middle]
                    if len(places) % 2
                    else (places[middle - 1] + places[middle]) / 2
                )
                wishes.append(wish)
                weights.append(4.0 if lane else 1.0 + len(near))
            for name, place in zip(row, _apart(row, wishes, weights, widths, gap), strict=True):
                centre[name] = place
    # On the grid, from left to right, so that rounding keeps the distances.
    begin: dict[str, int] = {}
    for row in rows:
        least = None
        for name in row:
            wished = round((centre[name] - widths[name] / 2) / GRID) * GRID
            begin[name] = wished if least is None else max(least, wished)
            least = begin[name] + widths[name] + _room(name, gap)
    return begin


def _room(name: str, gap: int) -> int:
    return GRID if name.startswith("\0") else gap


def _apart(
    row: Sequence[str],
    wishes: Sequence[float],
    weights: Sequence[float],
    widths: Mapping[str, int],
    gap: int,
) -> list[float]:
    """The places nearest to the wishes (weighted least squares) that keep order and distances.

    With distances taken off, order is monotony, so pooling adjacent violators solves it exactly.
    """
    offsets, offset = [], 0.0
    for number, name in enumerate(row):
        if number:
            before = row[number - 1]
            offset += widths[before] / 2 + _room(before, gap) + widths[name] / 2
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []
    for wish, weight, taken in zip(wishes, weights, offsets, strict=True):
        pools.append((wish - taken, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, first, many), (two, second, more) = pools[-2:]
            total = first + second
            pools[-2:] = [((one * first + two * second) / total, total, many + more)]
    flat = [value for value, _, count in pools for _ in range(count)]
    return [value + taken for value, taken in zip(flat, offsets, strict=True)]


def _turns(
    number: int,
    links: Sequence[Edge],
    rank: Mapping[str, int],
    begin: Mapping[str, int],
    widths: Mapping[str, int],
) -> int:
    """How many arrows turn between a rank and the next, counting those to one end once."""
    turning = {
        high
        for low, high in links
        if rank[low] == number and abs(begin[low] + widths[low] / 2 - begin[high] - widths[high] / 2) > GRID
    }
    return len(turning)
