"""The entry point of ``debgen`` and ``python -m debgen``."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Load the command line and run it; Ctrl-C while it loads ends as quietly as it does later."""
    try:
        # An index and a tree are a million objects that live on: looking through them time and again takes seconds.
        gc.set_threshold(100_000, 20, 50)
        from debgen.cli import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
