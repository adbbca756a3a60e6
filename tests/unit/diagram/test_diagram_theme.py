"""Colours that everybody can read, light and dark."""

from __future__ import annotations

import pytest

from landfall.diagram.scene import SIZES
from landfall.diagram.theme import ACCENTS, LINES, SURFACES, Theme, of

GROUNDS = ("page", "frame-account", "frame-region", "frame-plane", "frame-scope", "frame-stage", "card")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_have_a_contrast_of_four_and_a_half_on_whatever_they_stand(theme: Theme) -> None:
    for role in ("title", "heading", "label", "detail"):
        for ground in GROUNDS:
            assert contrast(of(SURFACES[role], theme), of(SURFACES[ground], theme)) >= 4.5, (role, ground)
    for name, pair in ACCENTS.items():
        for ground in ("card", "frame-plane", "on-accent"):
            assert contrast(of(pair, theme), of(SURFACES[ground], theme)) >= 4.5, (name, ground)
    assert {"title", "heading", "label", "detail", "on-accent"} == set(SIZES)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_have_a_contrast_of_three_wherever_they_run(theme: Theme) -> None:
    for name, (pair, _, _) in LINES.items():
        for ground in GROUNDS[:-1]:
            assert contrast(of(pair, theme), of(SURFACES[ground], theme)) >= 3, (name, ground)
