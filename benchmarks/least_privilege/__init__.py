"""Least privilege, proved: without any one statement of a role, something that the platform does
fails.

``make least-privilege`` deploys the sandbox stack under IAM enforcement, runs scenarios with the roles as
they are, then takes each action and each resource of each statement (with ``--whole`` each statement) away,
runs a scenario that uses it and expects it to fail by a refusal of that very part. The outcome is
`docs/least-privilege.md`.

| module | holds |
|---|---|
| `stack` | the stack, with a workflow of every job kind |
| `plane` | the deployed plane as scenarios see it: clients, waiting, decisions |
| `scenarios` | what the platform does, one function each |
| `policies` | the roles' statements, and a role without one of them |
| `proof` | the experiment |
| `page` | the generated page |
"""
