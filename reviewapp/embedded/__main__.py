"""``python -m reviewapp.embedded postgres|redis [--var DIR] [--fast]``: one server in the foreground."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from reviewapp.embedded.errors import EngineError
from reviewapp.embedded.serve import serve

DEFAULT_VAR = Path(__file__).resolve().parent.parent.parent / "var"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m reviewapp.embedded", description=__doc__)
    parser.add_argument("engine", choices=["postgres", "redis"])
    parser.add_argument("--var", type=Path, default=Path(os.environ.get("REVIEWAPP_VAR") or DEFAULT_VAR))
    parser.add_argument("--fast", action="store_true", help="for tests: loses data if the machine stops")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is a server to stop: leave, without a traceback
    try:
        return serve(options.engine, options.var.absolute(), durable=not options.fast)
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
