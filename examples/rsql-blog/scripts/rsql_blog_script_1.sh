#!/usr/bin/env bash
# Creates the schema of the sample; nothing changes where it exists.
# The runner puts the connection into the environment (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE).
set -euo pipefail

rsql <<'RSQL'
\echo 'Creating schema rsql_blog'

CREATE SCHEMA IF NOT EXISTS rsql_blog;

\if :ERROR <> 0
  \echo 'Error code:'
  \echo :ERRORCODE
  \remark :LAST_ERROR_MESSAGE
  \exit 1
\endif

\remark 'Schema rsql_blog is there'
\exit 0
RSQL
