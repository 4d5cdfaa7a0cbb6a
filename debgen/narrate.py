"""Narration: what is happening now, one line at a time, on stderr. Results go to stdout, by the verbs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Label(threading.local):
    """What the lines of a thread begin with."""

    text = ""


def _print(line: str) -> None:
    sys.stderr.write(f"{line}\n")  # in one piece, or lines of threads would run into one another
    sys.stderr.flush()


_label = _Label()
_sinks: list[Callable[[str], None]] = [_print]


def say(text: str) -> None:
    """Print one line of narration; it begins with what this thread is about, where several work side by side."""
    told = not _label.text or text.startswith((f"{_label.text}:", f"{_label.text} "))
    _sinks[-1](text if told else f"{_label.text}: {text}")


@contextmanager
def about(label: str) -> Iterator[None]:
    """Say what the narration of this thread is about until the block ends."""
    before, _label.text = _label.text, label
    try:
        yield
    finally:
        _label.text = before


@contextmanager
def told_to(sink: Callable[[str], None]) -> Iterator[None]:
    """Give all lines of all threads to ``sink`` until the block ends."""
    _sinks.append(sink)
    try:
        yield
    finally:
        _sinks.remove(sink)
