"""The AWS sample's design, rebuilt from its description, beside ours in the same emulator.

Three state machines (master, sequential, parallel) and seven functions against one machine and none. Both run
the sample workflow of six scripts; the same stand-in answers the scripts of both, so what is left is the
orchestration. (source: specs/rsql-orchestration, "Flow", "Contract", "Measured on the sample")
"""
