"""`python -m sandbox.rsql`."""

import sys

from sandbox.rsql.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
