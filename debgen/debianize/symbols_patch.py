"""Debugging symbols that upstream's build leaves out or strips: Debian's -dbgsym packages need them (policy 10.1)."""

from __future__ import annotations

import re

REASON = """\
Debian builds with debugging symbols and strips the binaries itself, once the
symbols are in a package of their own (policy 10.1)."""

_WITHOUT = re.compile(r"(?P<quote>[\"'])(?:-g0|-Wl,(?:-s|-S|--?strip-all|--?strip-debug))(?P=quote)")


def with_symbols(setup: str) -> str:
    """setup.py with ``-g`` in the place of each literal option that is against symbols.

    >>> with_symbols("args = ['-O3', '-g0']")
    "args = ['-O3', '-g']"
    """
    return _WITHOUT.sub(lambda option: f"{option['quote']}-g{option['quote']}", setup)
