"""Errors of the sandbox that a user may see."""

from __future__ import annotations


class SandboxError(Exception):
    """Something about the sandbox is wrong; the text is one sentence for the user (exit code 3)."""
