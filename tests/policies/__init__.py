"""Tests of the guardrails: every rule, waivers, the dispatcher; policy pack and `evaluate` agree."""
