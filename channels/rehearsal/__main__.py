"""`python -m channels.rehearsal`: the rehearsal platforms as a process of their own."""

from __future__ import annotations

import argparse
from pathlib import Path

from channels.rehearsal.app import serve
from channels.rehearsal.config import RehearsalConfig


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m channels.rehearsal", description="演练平台")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8009)
    parser.add_argument("--config", type=Path, help="JSON file; the invented demo accounts when left out")
    parser.add_argument("--data", type=Path, help="folder for ledger and state; in memory when left out")
    parser.add_argument("--public-url", default="", help="the address others know this process by")
    chosen = parser.parse_args()
    config = RehearsalConfig.load(chosen.config) if chosen.config else RehearsalConfig.demo()
    given = {"data": chosen.data or config.data, "public_url": chosen.public_url or config.public_url}
    serve(config.model_copy(update=given), chosen.host, chosen.port)


if __name__ == "__main__":
    main()
