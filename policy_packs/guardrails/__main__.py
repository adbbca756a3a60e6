"""Entry point of the policy pack: the engine starts this folder and reads the port from standard output."""

import sys
from datetime import date
from importlib import import_module
from pathlib import Path

# The engine starts the folder itself, while tests and the command line import it as a package. Its parent on
# the path makes it a package here, too.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import_module("guardrails.pack").serve(today=date.today())
