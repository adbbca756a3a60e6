"""Policy packs: what a plan must obey, whoever wrote it."""
