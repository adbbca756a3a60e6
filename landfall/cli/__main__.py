"""``python -m landfall.cli``, by whichever Python: one that cannot run it is told so, without a traceback."""

import sys

OLDEST = (3, 12)

if sys.version_info < OLDEST:
    sys.stderr.write("landfall needs Python 3.12 or later; `make setup` makes .venv with one\n")
    sys.exit(3)

try:
    from landfall.cli.main import main
except ImportError as error:
    from landfall.cli.missing import sentence

    said = sentence(error)
    if said is None:
        raise
    sys.stderr.write(f"{said}\n")
    sys.exit(3)

sys.exit(main())
