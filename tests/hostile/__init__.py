"""Hostile input: one table of cases, each met at its real door; a page is made from what they get."""
