#!/usr/bin/env bash
# Inserts row 2 of the sample.
# The runner puts the connection into the environment (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE).
set -euo pipefail

rsql <<'RSQL'
\echo 'Inserting row 2 into rsql_blog.blog_table'

INSERT INTO rsql_blog.blog_table (id, script_name) VALUES (2, 'rsql_blog_script_4.sh');

\if :ERROR <> 0
  \echo 'Error code:'
  \echo :ERRORCODE
  \remark :LAST_ERROR_MESSAGE
  \exit 1
\endif

\remark 'Row 2 is in rsql_blog.blog_table'
\exit 0
RSQL
