"""The `rsql` of a sandbox host: Amazon Redshift RSQL's command line and script language on the sandbox's
warehouse.

Runs in the emulator's environment (`python -m sandbox.rsql`), because it shares the dialect with the
Redshift Data API. Source: Amazon Redshift Management Guide, "Amazon Redshift RSQL", and PostgreSQL's `psql`,
on which RSQL is built. Not there: single sign-on, Glue and federated tables (`\\de`), HTML reports, and the
report writer beyond headings.
"""
