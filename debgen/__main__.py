"""The entry point of ``debgen`` and ``python -m debgen``."""

from __future__ import annotations

import sys


def main() -> int:
    """Load the command line and run it; Ctrl-C while it loads ends as quietly as it does later."""
    try:
        from debgen.cli import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
