"""Ways of lines around boxes: horizontal and vertical stretches on the grid, with few bends and crossings.

Each line takes the cheapest way that is left (A* over the grid). Lines that lead to the same end may share
their last stretch, as wires of one bus; all others keep a grid step apart, and cross only at right angles.
(source: Lee 1961, "An Algorithm for Path Connections"; Hart, Nilsson, Raphael 1968)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from types import MappingProxyType

from landfall.diagram.scene import GRID, Point

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Side = str
"""`left`, `right`, `top` or `bottom` of a box."""
FREELY: Mapping[Side, int] = MappingProxyType({})

_STEP, _SHARED, _BEND, _CROSSING, _NEAR, _OFF_CENTRE = 10, 5, 28, 34, 4, 2
_GUESS = 11
"""What a step is taken to cost of a way that is not known yet; a little more than it does, for speed."""
_FORCED, _ENDLESS = 300, 1 << 60
_RIGHT, _DOWN, _LEFT, _UP = range(4)
_OUTWARD = {"right": _RIGHT, "bottom": _DOWN, "left": _LEFT, "top": _UP}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A line that is wanted."""

    source: Rect
    target: Rect
    shares: str
    """Lines that say the same may run together."""
    leave: Mapping[Side, int] = FREELY
    """Extra cost of leaving by a side, in steps."""
    enter: Mapping[Side, int] = FREELY
    """Extra cost of arriving at a side, in steps."""


@dataclass(frozen=True)
class Way:
    """A line as it was routed."""

    points: tuple[Point, ...]
    """Its corners, from the source's border to the target's; empty where there is no way."""
    joins: tuple[Point, ...] | None
    """Its corners up to where it joins a line to the same end, where it does."""


class Router:
    """Ways on one sheet; each line that is routed is in the way of the next."""

    def __init__(
        self, width: float, height: float, boxes: Sequence[Rect], keep_clear: Sequence[Rect] = ()
    ) -> None:
        """
        Args:
            width: width of the sheet.
            height: height of the sheet.
            boxes: what no line may touch; on the grid.
            keep_clear: texts that no line may run over.
        """
        self._columns = int(width // GRID) + 2
        self._rows = int(height // GRID) + 2
        cells = self._columns * self._rows
        self._box = bytearray(cells)
        self._text = bytearray(cells)
        self._near = bytearray(cells)
        for rect in boxes:
            for cell in self._cells(rect, 0):
                self._box[cell] = 1
        for rect in boxes:
            for cell in self._cells(rect, GRID):
                self._near[cell] = 1
        for rect in keep_clear:
            for cell in self._cells(rect, 0):
                self._text[cell] = 1
        self._across = [0] * cells
        """Who runs horizontally through a cell; 0 for nobody."""
        self._upright = [0] * cells
        """Who runs vertically through a cell."""
        self._owners: dict[str, int] = {}
        self._steps: dict[int, set[tuple[int, int]]] = {}
        """Steps from cell to cell that somebody's lines take."""

    def _cells(self, rect: Rect, around: float) -> Iterator[int]:
        left, top, right, bottom = rect
        first = max(0, int(-(-(left - around) // GRID)))
        last = min(self._columns - 1, int((right + around) // GRID))
        upper = max(0, int(-(-(top - around) // GRID)))
        lower = min(self._rows - 1, int((bottom + around) // GRID))
        for row in range(upper, lower + 1):
            yield from range(row * self._columns + first, row * self._columns + last + 1)

    def route(self, wanted: Wanted) -> Way:
        """The cheapest way that is left for a line."""
        owner = self._owners.setdefault(wanted.shares, len(self._owners) + 1)
        cells = self._search(wanted, owner, strict=True) or self._search(wanted, owner, strict=False)
        steps = self._steps.setdefault(owner, set())
        alone = len(cells) - 1
        while alone > 0 and (cells[alone - 1], cells[alone]) in steps:
            alone -= 1
        self._occupy(cells, owner)
        steps.update(pairwise(cells))
        points = [((cell % self._columns) * GRID, (cell // self._columns) * GRID) for cell in cells]
        joins = tuple(_corners(points[: alone + 1])) if 0 < alone < len(cells) - 1 else None
        return Way(tuple(_corners(points)), joins)

    def _ports(self, rect: Rect, costs: Mapping[Side, int]) -> dict[int, list[tuple[int, int]]]:
        """Cells of a border with the outward direction and the cost of using it; corners are no ports."""
        left, top, right, bottom = (int(value // GRID) for value in rect)
        found: dict[int, list[tuple[int, int]]] = {}
        for side, outward in _OUTWARD.items():
            extra = costs.get(side, 0) * _STEP
            if side in ("left", "right"):
                column = left if side == "left" else right
                cells = [(column, row) for row in range(top + 1, bottom)]
                middle = (top + bottom) / 2
                far = [abs(row - middle) for _, row in cells]
            else:
                row = top if side == "top" else bottom
                cells = [(column, row) for column in range(left + 1, right)]
                middle = (left + right) / 2
                far = [abs(column - middle) for column, _ in cells]
            for (column, row), away in zip(cells, far, strict=True):
                if 0 <= column < self._columns and 0 <= row < self._rows:
                    found.setdefault(row * self._columns + column, []).append(
                        (outward, extra + int(away * _OFF_CENTRE))
                    )
        return found

    def _search(self, wanted: Wanted, owner: int, *, strict: bool) -> list[int]:
        columns, cells = self._columns, self._columns * self._rows
        moves = (1, columns, -1, -columns)
        box, text, near = self._box, self._text, self._near
        across, upright = self._across, self._upright
        goals = self._ports(wanted.target, wanted.enter)
        low_x, low_y, high_x, high_y = (int(value // GRID) for value in wanted.target)

        # How far it is at least, by column and by row; ways through free sheet cost a little more.
        aside = [max(low_x - x, x - high_x, 0) * _GUESS for x in range(columns)]
        above = [max(low_y - y, y - high_y, 0) * _GUESS for y in range(self._rows)]
        free = (0, owner)
        cost: dict[int, int] = {}
        came: dict[int, int] = {}
        heap: list[tuple[int, int, int]] = []
        for cell, ways in sorted(self._ports(wanted.source, wanted.leave).items()):
            for outward, extra in ways:
                taken = across[cell] if outward in (_RIGHT, _LEFT) else upright[cell]
                if taken not in free:
                    if strict:
                        continue
                    extra += _FORCED
                state = cell * 4 + outward
                if extra < cost.get(state, _ENDLESS):
                    cost[state] = extra
                    came[state] = -1
                    heappush(heap, (extra + aside[cell % columns] + above[cell // columns], extra, state))
        best, ending = _ENDLESS, -1
        while heap:
            estimate, spent, state = heappop(heap)
            if estimate >= best:
                break
            if spent > cost[state]:
                continue
            cell, heading = divmod(state, 4)
            mayturn = across[cell] in free and upright[cell] in free
            for turn in (0,) if came[state] == -1 else (0, 1, 3):
                price = 0
                if turn:
                    price = _BEND
                    if not mayturn:
                        if strict:
                            continue
                        price += _FORCED
                direction = (heading + turn) % 4
                following = cell + moves[direction]
                if not 0 <= following < cells:
                    continue
                column = following % columns
                level = direction in (_RIGHT, _LEFT)
                if level:
                    if abs(column - cell % columns) > 1:
                        continue
                    same, other, running = across[following], upright[following], across[cell]
                else:
                    same, other, running = upright[following], across[following], upright[cell]
                if same not in free:
                    if strict:
                        continue
                    price += _FORCED
                if box[following]:
                    for outward, extra in goals.get(following, ()):
                        if (outward + 2) % 4 == direction:
                            total = spent + price + _STEP + extra
                            if total < best:
                                best, ending = total, following * 4 + direction
                                came[ending] = state
                    continue
                if text[following]:
                    if strict:
                        continue
                    price += _FORCED
                if other not in free:
                    price += _CROSSING
                price += _SHARED if running == owner == same else _STEP + _NEAR * near[following]
                total = spent + price
                arrived = following * 4 + direction
                if total < cost.get(arrived, _ENDLESS):
                    cost[arrived] = total
                    came[arrived] = state
                    heappush(heap, (total + aside[column] + above[following // columns], total, arrived))
        found = []
        while ending != -1:
            found.append(ending // 4)
            ending = came[ending]
        return found[::-1]

    def _occupy(self, cells: Sequence[int], owner: int) -> None:
        for one, two in pairwise(cells):
            kept = self._across if abs(one - two) == 1 else self._upright
            for cell in (one, two):
                kept[cell] = owner


def _corners(points: Sequence[tuple[int, int]]) -> Iterator[Point]:
    for number, point in enumerate(points):
        if 0 < number < len(points) - 1:
            before, after = points[number - 1], points[number + 1]
            if before[0] == after[0] or before[1] == after[1]:
                continue
        yield (float(point[0]), float(point[1]))
