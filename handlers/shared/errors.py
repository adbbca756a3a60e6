"""Errors of the functions; a workflow matches them by their class names."""

from __future__ import annotations


class InvalidRequest(Exception):
    """The event asks for something that cannot be done; repeating it changes nothing."""
