"""Orchestration plane: the generic ETL workflow, its audit and its operations."""
