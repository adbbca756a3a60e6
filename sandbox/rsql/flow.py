r"""Which parts of a script run: `\if` blocks and `\goto`."""

from __future__ import annotations

from dataclasses import dataclass


class FlowError(ValueError):
    """Blocks do not fit together."""


@dataclass
class _Block:
    """One `\\if`."""

    active: bool
    """The present branch runs."""
    done: bool
    """A branch has run already, or none may."""
    last: bool = False
    """`\\else` has been seen."""


class Flow:
    """The state of one file."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._label: str | None = None

    @property
    def active(self) -> bool:
        """Whether commands run now."""
        return self._label is None and all(block.active for block in self._blocks)

    @property
    def seeking(self) -> str | None:
        """The label that a `\\goto` looks for."""
        return self._label

    @property
    def open_blocks(self) -> int:
        """How many blocks have no end yet."""
        return len(self._blocks)

    def wants_condition(self) -> bool:
        """Whether the condition of an `\\elseif` that comes now decides anything."""
        return (
            self._label is None and bool(self._blocks) and not self._blocks[-1].done and self._outer_active()
        )

    def begin(self, value: bool) -> None:
        """`\\if`; `value` counts only where commands run."""
        active = self.active
        self._blocks.append(_Block(active=active and value, done=not active or value))

    def otherwise(self, value: bool, *, last: bool) -> None:
        """`\\elseif` with its value, or `\\else` (`last`)."""
        if not self._blocks:
            raise FlowError(f"\\{'else' if last else 'elseif'}: no matching \\if")
        block = self._blocks[-1]
        if block.last:
            raise FlowError(f"\\{'else' if last else 'elseif'}: cannot occur after \\else")
        block.last = last
        block.active = not block.done and (last or value)
        block.done = block.done or block.active

    def finish(self) -> None:
        """`\\endif`."""
        if not self._blocks:
            raise FlowError("\\endif: no matching \\if")
        self._blocks.pop()

    def seek(self, label: str) -> None:
        """`\\goto`: nothing runs until the label."""
        self._label = label

    def reach(self, label: str) -> bool | None:
        """`\\label`: whether it is the one sought; `None` where none is."""
        if self._label is None:
            return None
        if label.lower() != self._label.lower():
            return False
        self._label = None
        # The label's own surroundings run, whichever branch it stands in.
        for block in self._blocks:
            block.active = True
            block.done = True
        return True

    def _outer_active(self) -> bool:
        return all(block.active for block in self._blocks[:-1])
