"""Which modules come with Python itself."""

from __future__ import annotations

import sys

#: Modules of the standard library of other systems, or of other releases of Python than this one.
_ELSEWHERE = frozenset({
    "winreg", "_winreg", "msvcrt", "winsound", "_winapi", "nt", "_overlapped", "test", "annotationlib", "compression",
    "_interpreters", "_interpchannels", "_interpqueues", "_testcapi", "_testinternalcapi", "_testlimitedcapi",
    "__builtin__", "__main__",
})  # fmt: skip


#: What was in the standard library and has a distribution now: distutils is part of setuptools (PEP 632).
_GONE = frozenset({"distutils"})


def is_standard(module: str) -> bool:
    """Whether Python brings the module itself, on whatever system."""
    top = module.partition(".")[0]
    return (top in sys.stdlib_module_names and top not in _GONE) or top in _ELSEWHERE
