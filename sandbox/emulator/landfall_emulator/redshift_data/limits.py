"""Quotas of the service (Amazon Redshift Management Guide, "Quotas for the Data API", as of 2026-11)."""

from __future__ import annotations

from typing import Final

STATEMENT_BYTES: Final = 100 * 1024
BATCH_STATEMENTS: Final = 40
RESULT_BYTES: Final = 100 * 1024 * 1024
RETENTION_SECONDS: Final = 24 * 3600
TOKEN_SECONDS: Final = 8 * 3600
ACTIVE_STATEMENTS: Final = 500
ACTIVE_SESSIONS: Final = 500
PAGE_BYTES: Final = 1024 * 1024
PAGE_ROWS: Final = 1000
LIST_PAGE: Final = 100
CATALOG_PAGE: Final = 1000
