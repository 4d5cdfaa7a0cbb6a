"""Narration: what is happening now, one line at a time, on stderr. Results go to stdout, by the verbs."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print one line of narration."""
    print(text, file=sys.stderr, flush=True)
