"""Colours of pictures, light and dark: neutral surfaces, one accent for each group of AWS services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Theme = Literal["light", "dark"]

ACCENTS: Final[Mapping[str, tuple[str, str]]] = {
    "compute": ("#b04d08", "#f08c4a"),
    "containers": ("#94500a", "#f0b27a"),
    "storage": ("#3a761b", "#7cc04f"),
    "database": ("#2452c4", "#83a4f7"),
    "analytics": ("#806000", "#d9b44a"),
    "network": ("#6b3fb5", "#b199ea"),
    "security": ("#c02340", "#f47f97"),
    "integration": ("#c21f74", "#f27fb9"),
    "management": ("#0b6b7a", "#4dc0d3"),
    "other": ("#52606d", "#9aa8b5"),
    "wait": ("#0b7285", "#4dc0d3"),
    "good": ("#2b7a2b", "#6cc56c"),
    "bad": ("#b3261e", "#ff8a80"),
}
"""Light and dark variant of each accent; white or near-black text on it has a contrast of 4.5 or more,
and so have they on cards and planes (WCAG 2.2, 1.4.3)."""

SURFACES: Final[Mapping[str, tuple[str, str]]] = {
    "page": ("#ffffff", "#0f141a"),
    "frame-account": ("#f5f7fa", "#161d26"),
    "frame-region": ("#fdfdfe", "#1b2430"),
    "frame-plane": ("#eef2f7", "#212c3a"),
    "frame-scope": ("#f5f7fa", "#161d26"),
    "frame-stage": ("#f3f6fa", "#18212c"),
    "card": ("#ffffff", "#2a3747"),
    "border": ("#c3ccd6", "#46566a"),
    "border-strong": ("#66758a", "#8a9bb0"),
    "title": ("#16202b", "#f2f5f8"),
    "heading": ("#16202b", "#f2f5f8"),
    "label": ("#1d2a38", "#e8edf2"),
    "detail": ("#4a5868", "#b3c0ce"),
    "on-accent": ("#ffffff", "#0f141a"),
}

LINES: Final[Mapping[str, tuple[tuple[str, str], float, str]]] = {
    "flow": (("#4a5868", "#a9b7c6"), 1.6, ""),
    "uses": (("#6d7d90", "#8fa1b5"), 1.4, ""),
    "crosses": (("#b04d08", "#f08c4a"), 2.2, ""),
    "regions": (("#3b4fc4", "#8796f5"), 1.8, "7 4"),
    "caught": (("#b3261e", "#ff8a80"), 1.4, "5 4"),
    "depends": (("#4a5868", "#a9b7c6"), 1.6, ""),
}
"""Colours, width in pixels and dash pattern of each kind of line."""


def of(pair: tuple[str, str], theme: Theme) -> str:
    """The colour of a pair for a theme."""
    return pair[theme == "dark"]
