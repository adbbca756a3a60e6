"""The guardrails: rules that every plan of the platform must pass.

An ordinary Pulumi policy pack (`pulumi preview --policy-pack policy_packs/guardrails`) and, in process, the
function `evaluate.evaluate`. Both run the same dispatcher over the same neutral view of a resource, so both
give the same verdicts. The pack judges resources, not intentions: it imports nothing of the program it
judges.
"""
