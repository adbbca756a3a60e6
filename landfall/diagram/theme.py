"""Colours of pictures, light and dark: neutral surfaces, one accent for each group of AWS services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Theme = Literal["light", "dark"]

ACCENTS: Final[Mapping[str, tuple[str, str]]] = {
    "compute": ("#c2570c", "#f08c4a"),
    "containers": ("#b4540a", "#f09a5a"),
    "storage": ("#3f7d1e", "#7cc04f"),
    "database": ("#3b4fc4", "#8796f5"),
    "analytics": ("#7a35c2", "#b88af0"),
    "network": ("#6b3fb5", "#a98be8"),
    "security": ("#c02340", "#f2708a"),
    "integration": ("#c21f74", "#f06fb0"),
    "management": ("#ad1d63", "#ea6aa5"),
    "other": ("#52606d", "#9aa8b5"),
    "wait": ("#0b7285", "#4dc0d3"),
    "good": ("#2b7a2b", "#6cc56c"),
    "bad": ("#b3261e", "#ff8a80"),
}
"""Light and dark variant of each accent; white or near-black text on it has a contrast of 4.5 or more."""

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
    "crosses": (("#c2570c", "#f08c4a"), 2.2, ""),
    "regions": (("#3b4fc4", "#8796f5"), 1.8, "7 4"),
    "caught": (("#b3261e", "#ff8a80"), 1.4, "5 4"),
    "depends": (("#4a5868", "#a9b7c6"), 1.6, ""),
}
"""Colours, width in pixels and dash pattern of each kind of line."""


def of(pair: tuple[str, str], theme: Theme) -> str:
    """The colour of a pair for a theme."""
    return pair[theme == "dark"]
