"""Landfall: one YAML stack config becomes a governed, multi-account AWS data platform."""

__version__ = "0.1.0"
