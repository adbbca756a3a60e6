#!/usr/bin/env bash
# Creates the table of the sample anew, so that every run of the workflow starts from an empty table.
# The runner puts the connection into the environment (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE).
set -euo pipefail

rsql <<'RSQL'
\echo 'Creating table rsql_blog.blog_table'

DROP TABLE IF EXISTS rsql_blog.blog_table;

\if :ERROR <> 0
  \echo 'Error code:'
  \echo :ERRORCODE
  \remark :LAST_ERROR_MESSAGE
  \exit 1
\endif

CREATE TABLE rsql_blog.blog_table (
  id          INTEGER      NOT NULL,
  script_name VARCHAR(64)  NOT NULL,
  inserted_at TIMESTAMP    NOT NULL DEFAULT GETDATE()
)
DISTSTYLE AUTO
SORTKEY (id);

\if :ERROR <> 0
  \echo 'Error code:'
  \echo :ERRORCODE
  \remark :LAST_ERROR_MESSAGE
  \exit 1
\endif

\remark 'Table rsql_blog.blog_table is there and empty'
\exit 0
RSQL
