"""Where pictures go and in which formats, for every command that draws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import typer

from landfall.cli.exits import CommandError, Exit, cannot_write, unknown
from landfall.cli.stacks import ROOT
from landfall.cli.terminal import err, say
from landfall.diagram.scene import Scene
from landfall.diagram.theme import Theme

FOLDER = ROOT / "build" / "diagrams"
"""Where pictures go without --out."""
SUFFIXES = {"svg": ".svg", "png": ".png", "mermaid": ".mmd"}
_STANDARD_OUTPUT = "-"

Formats = Annotated[
    list[str] | None,
    typer.Option("--format", "-f", help="svg, png or mermaid; may be given several times. Default svg."),
]
Outs = Annotated[
    list[str] | None,
    typer.Option(
        "--out",
        "-o",
        help="File that ends in .svg, .png or .mmd; may be given several times. - for standard output.",
    ),
]
Colours = Annotated[
    str | None,
    typer.Option("--theme", help="light or dark. SVG has both by default, PNG is light."),
]


@dataclass(frozen=True)
class Picture:
    """What can be written: the scene and the Mermaid text are made when they are wanted."""

    name: str
    scene: Callable[[], Scene]
    mermaid: Callable[[], str]


def write(
    picture: Picture, formats: Sequence[str] | None, outs: Sequence[str] | None, theme: str | None
) -> None:
    """Writes a picture wherever it is wanted and prints the paths; raises ``CommandError`` for a bad wish."""
    if theme not in (None, *get_args(Theme)):
        raise unknown("theme", theme or "", get_args(Theme), "allowed")
    wanted = targets(picture.name, formats or (), outs or ())
    made: list[Scene] = []
    for kind, path in wanted:
        if kind != "mermaid" and not made:
            with working(f"drawing {picture.name}"):
                made.append(picture.scene())
        content = _content(kind, made, picture, theme)
        if path is None:
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (OSError, ValueError) as error:
            raise cannot_write(str(path), error) from error
        say(f"wrote {_shown(path)}")


def working(title: str) -> AbstractContextManager[object]:
    """A spinner on a terminal; nothing elsewhere."""
    return err.status(title) if err.is_terminal else nullcontext()


def targets(name: str, formats: Sequence[str], outs: Sequence[str]) -> list[tuple[str, Path | None]]:
    """Format and path of each file that is wanted; no path is standard output."""
    for kind in formats:
        if kind not in SUFFIXES:
            raise unknown("format", kind, list(SUFFIXES), "allowed")
    by_suffix = {suffix: kind for kind, suffix in SUFFIXES.items()}
    if not outs:
        return [(kind, FOLDER / f"{name}{SUFFIXES[kind]}") for kind in dict.fromkeys(formats or ["svg"])]
    found: list[tuple[str, Path | None]] = []
    for out in outs:
        path = Path(out)
        if out == _STANDARD_OUTPUT:
            if len(set(formats)) > 1:
                raise CommandError("standard output takes one format", Exit.INVALID)
            found.append((formats[0] if formats else "svg", None))
        elif path.suffix in by_suffix:
            found.append((by_suffix[path.suffix], path))
            # Further formats of the same picture stand beside it.
            found += [(kind, path.with_suffix(SUFFIXES[kind])) for kind in formats if len(outs) == 1]
        elif not path.suffix and formats:
            found += [(kind, path.with_suffix(SUFFIXES[kind])) for kind in formats]
        else:
            raise CommandError(_bad_suffix(out), Exit.INVALID)
    if missing := [kind for kind in formats if kind not in {kind for kind, _ in found}]:
        raise CommandError(
            f"no --out is for --format {missing[0]}; add one that ends in {SUFFIXES[missing[0]]}",
            Exit.INVALID,
        )
    return list(dict.fromkeys(found))


def _bad_suffix(out: str) -> str:
    from landfall.config.errors import nearest, show

    near = nearest(Path(out).suffix, list(SUFFIXES.values()))
    return f"{show(out)} must end in .svg, .png or .mmd." + (f' Did you mean "{near}"?' if near else "")


def _content(kind: str, made: Sequence[Scene], picture: Picture, theme: str | None) -> bytes:
    if kind == "mermaid":
        return picture.mermaid().encode()
    chosen: Theme | None = "dark" if theme == "dark" else "light" if theme else None
    if kind == "png":
        from landfall.diagram.png import png

        return png(made[0], chosen or "light")
    from landfall.diagram.svg import render

    return render(made[0], chosen).encode()


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
