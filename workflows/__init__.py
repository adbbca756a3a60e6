"""Workflows: pure functions from a typed spec to an Amazon States Language definition.

Nothing here knows Pulumi or boto3, reads a clock or the environment. (source: DESIGN section 6)
"""
