"""Starts a workflow for an event."""
