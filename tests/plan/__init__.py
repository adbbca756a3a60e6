"""Tests of what the shipped stacks would create, on the embedded engine's plan."""
