"""Closes the records of executions that ended without closing them."""
