"""IAM enforcement that counts: the principal of every call is known, and its policies are judged.

LocalEmu has an enforcement of its own (`IAM_ENFORCEMENT=1`). It lets every call pass that one service makes
for another, and so everything that Step Functions, EventBridge, Scheduler and Lambda do; it grants across
accounts by a resource policy alone; and it knows neither KMS conditions nor the permissions that a service
checks on behalf of its caller. This package takes its place in the handler chain and keeps its parsers:
its matching of actions and resources, its resolution of access keys and its table of API operations.

| module | holds |
|---|---|
| `conditions` | condition operators and set qualifiers |
| `evaluation` | the decision over identity, boundary, session and resource policies; pure |
| `principals` | who calls, and which policies he has |
| `resource_policies` | policies of buckets, queues, topics, keys, functions; which key encrypts what |
| `requests` | what an API call must be allowed to do: actions, resources, condition keys |
| `dependents` | what a service checks on behalf of its caller: keys, secrets, tokens |
| `delegated` | what services do with a role outside of an API call: log delivery, traces, Map Runs |
| `trust` | whether a service may take a role: trust policies |
| `decisions` | the last decisions, for tests and proofs |
| `refusals` | refused calls in each service's own shape |
| `handler` | the hook in the handler chain |
"""
