"""The fault matrix: every Task state of the ETL machine under every fault, with invariants and coverage."""
