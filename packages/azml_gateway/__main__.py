"""The entry point: `python -m azml_gateway --config FILE`. Parses the command line, nothing else."""

import argparse
import sys
from pathlib import Path

from azml_gateway.config import ConfigError
from azml_gateway.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code (2: the config cannot be used)."""
    parser = argparse.ArgumentParser(prog="azml_gateway", description="Serve the deployments of one endpoint.")
    parser.add_argument("--config", type=Path, required=True, help="JSON file; azml_gateway.config says what is in it")
    config: Path = parser.parse_args(arguments).config
    try:
        serve(config)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
