"""Entry point of the policy pack: the engine starts this folder and reads the port from standard output."""

import sys
from datetime import date
from pathlib import Path

# The engine starts the folder itself; the pack is a package, so that tests and the command line can import it.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from guardrails.pack import serve  # noqa: E402

serve(today=date.today())
