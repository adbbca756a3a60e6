"""Amazon Redshift Data API on the sandbox's PostgreSQL (API Reference 2019-12-20).

Statements really run; everything else of the service (identifiers, states, paging, limits, events,
retention) follows its documentation. Not kept over a restart of the emulator: statements, results and
sessions.
"""
