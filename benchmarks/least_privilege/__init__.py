"""Least privilege, proved: without any one statement of a role, something that the platform does
fails.

``make least-privilege`` deploys the sandbox stack under IAM enforcement, runs scenarios with the roles as
they are, then takes each statement (with ``--actions`` each action of it) away, runs a scenario that uses it
and expects it to fail by a refusal of that very action. The outcome is `docs/least-privilege.md`.

| module | holds |
|---|---|
| `plane` | the deployed plane as scenarios see it: clients, waiting, decisions |
| `scenarios` | what the platform does, one function each |
| `policies` | the roles' statements, and a role without one of them |
| `proof` | the experiment |
| `page` | the generated page |
"""
