"""Faults: calls of AWS services that fail, wait, or are executed otherwise than asked, by rule."""
