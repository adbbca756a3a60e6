#!/usr/bin/env bash
# Inserts row 1 of the sample.
# The runner puts the connection into the environment (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE).
set -euo pipefail

rsql <<'RSQL'
\echo 'Inserting row 1 into rsql_blog.blog_table'

INSERT INTO rsql_blog.blog_table (id, script_name) VALUES (1, 'rsql_blog_script_3.sh');

\if :ERROR <> 0
  \echo 'Error code:'
  \echo :ERRORCODE
  \remark :LAST_ERROR_MESSAGE
  \exit 1
\endif

\remark 'Row 1 is in rsql_blog.blog_table'
\exit 0
RSQL
