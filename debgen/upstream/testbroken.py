"""Test files that can't be imported, because they or what they import take for granted what a build hasn't."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from debgen.upstream.testfiles import How, Read


def broken_files(reads: Sequence[Read], known: Mapping[str, str]) -> dict[str, str]:
    """The files that can't be imported, with the reason of each: those of ``known``, and what follows from them.

    A file can't be that takes an accelerator for granted, that imports another such file with it, or below the folder
    of a conftest.py that can't be.
    """
    found = dict(known)
    for read in reads:
        if read.accelerator:
            place = f"{read.path}:{read.accelerator}"
            found.setdefault(read.path, f"an accelerator is taken for granted, which a build hasn't ({place})")
    while more := {
        read.path: found[cause] for read in reads if read.path not in found for cause in _causes(read, found)
    }:
        found |= more
    return found


def _causes(read: Read, broken: Iterable[str]) -> Iterator[str]:
    """Those of ``broken`` that an import of the file comes to."""
    folder = posixpath.dirname(read.path)
    imported = {module for module, _, how in read.imports if how is How.TOP}
    imported |= {_absolute(folder, sibling) for sibling in read.siblings}
    for path in broken:
        above, name = posixpath.split(path)
        below = name == "conftest.py" and f"{folder}/".startswith(f"{above}/" if above else "")
        parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
        # Tests are imported from the top folder, or from their own.
        spelled = {".".join(parts), *([parts[-1]] if above == folder and parts[-1] != "conftest" else [])}
        if below or any(module == name or module.startswith(f"{name}.") for module in imported for name in spelled):
            yield path


def _absolute(folder: str, sibling: str) -> str:
    """A relative import of a file in ``folder``, from the top folder: ``..x`` in a/b is ``a.x``."""
    name = sibling.lstrip(".")
    parts = folder.split("/") if folder else []
    kept = parts[: len(parts) - (len(sibling) - len(name) - 1)]
    return ".".join([*kept, name])
