"""Systems Manager in the emulator: documents, commands and associations, run by the sandbox's host agents."""
