"""`python -m azml_local --home DIR`: serve a local Azure in the foreground."""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m azml_local", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="Folder that holds everything it has.")
    arguments = parser.parse_args()
    from azml_local.serve import main

    sys.exit(main(arguments.home))
