"""Which distribution an imported module belongs to, and which of them a release does not declare.

Nothing is guessed. A module's distribution is one of the tree with that very name, or the one that the suite's
package of that name ships (python3-yaml ships pyyaml), or the one whose wheel has the module.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from re import compile as regex
from typing import Protocol

from packaging.utils import canonicalize_name

from debgen.archive.model import Binary, Shipped
from debgen.errors import HostileArchiveError, NetworkError, UnknownDistributionError
from debgen.upstream.imports import How, Import
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import metadata_source
from debgen.upstream.model import FileKind, Target
from debgen.upstream.pages import parsed
from debgen.upstream.remote import RemoteZip
from debgen.workspace import cache_directory, write_atomically

_RECORD = regex(r"[^/]+\.dist-info/RECORD")
_RECORD_LIMIT = 32 << 20
#: How many components of a dotted name can tell distributions apart: google.cloud.storage.
_DEPTH = 3
_READERS = 8


class Packages(Protocol):
    """What is asked of a suite; :class:`debgen.archive.index.SuiteIndex` answers it."""

    def binary(self, name: str) -> Binary | None: ...
    def shipped_by(self, package: str) -> tuple[Shipped, ...]: ...


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A distribution that is imported and not declared as a requirement.

    ``distribution`` is empty where no evidence says which one has the module; ``evidence`` is a sentence. ``parents``
    are those of the tree that ask for it all the same, ``extras`` the release's own extras that declare it.
    """

    module: str
    distribution: str
    how: How
    places: tuple[str, ...]
    evidence: str
    parents: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def undeclared(
    imports: Iterable[Import],
    declared: Collection[str],
    parents: Mapping[str, tuple[str, ...]],
    extras: Mapping[str, tuple[str, ...]],
    suite: Packages,
    wheels: Callable[[Iterable[str]], Mapping[str, Collection[str]]],
) -> tuple[Undeclared, ...]:
    """The distributions among ``imports`` that are not in ``declared``, the weightiest first.

    ``parents`` has every distribution of the tree, with those that ask for it; ``extras`` the distributions that
    only an extra of the release declares. ``wheels`` tells the modules in the wheels of distributions of the tree.
    """
    foreign = [found for found in imports if found.module.partition(".")[0] not in sys.stdlib_module_names]
    known = {*declared, *parents, *extras}
    owners: dict[str, tuple[str, str]] = {}
    for found in foreign:
        owner = _by_name(found.module, known) or _by_package(found.module, suite, known)
        if owner:
            owners[found.module] = owner
    left = [found.module for found in foreign if found.module not in owners]
    used = {name for name, _ in owners.values()}
    # First those whose modules must be named otherwise; the rest of the tree only for what is needed to start.
    for candidates, asking in (({*declared, *extras}, set(How)), (parents.keys(), {How.UNCONDITIONALLY})):
        left = [found.module for found in foreign if found.module not in owners and found.how in asking]
        if left:
            owners |= _by_wheels(left, wheels(sorted((candidates & parents.keys()) - used)))
    for found in foreign:
        if found.module not in owners and (owner := _by_package(found.module, suite, None)):
            owners[found.module] = owner
    groups: dict[tuple[str, str], list[Import]] = {}
    for found in foreign:
        name = owners.get(found.module, ("", ""))[0]
        if name not in declared:
            key = (name, "") if name else ("", found.module.partition(".")[0])
            groups.setdefault(key, []).append(found)
    ranks = list(How)
    rows = [_undeclared(name, group, owners, parents, extras) for (name, _), group in groups.items()]
    return tuple(sorted(rows, key=lambda row: (ranks.index(row.how), not row.distribution, row.module)))


def _undeclared(
    name: str,
    group: list[Import],
    owners: Mapping[str, tuple[str, str]],
    parents: Mapping[str, tuple[str, ...]],
    extras: Mapping[str, tuple[str, ...]],
) -> Undeclared:
    how = min((found.how for found in group), key=list(How).index)
    places = dict.fromkeys(place for found in group if found.how is how for place in found.places)
    return Undeclared(
        module=group[0].module.partition(".")[0] if not name else _common(found.module for found in group),
        distribution=name,
        how=how,
        places=tuple(places),
        evidence=owners[group[0].module][1] if name else "no distribution is known to have it",
        parents=parents.get(name, ()),
        extras=extras.get(name, ()),
    )


def _common(modules: Iterable[str]) -> str:
    """The longest dotted name that all have in common, at least the first component."""
    split = [module.split(".") for module in modules]
    shared = [parts[0] for parts in zip(*split, strict=False) if len(set(parts)) == 1]
    return ".".join(shared[: 1 if len(split) == 1 else None] or split[0][:1])


def _prefixes(module: str) -> Iterator[str]:
    parts = module.split(".")[:_DEPTH]
    for end in range(len(parts), 0, -1):
        yield ".".join(parts[:end])


def _by_name(module: str, names: Collection[str]) -> tuple[str, str] | None:
    for prefix in _prefixes(module):
        name = canonicalize_name(prefix)
        if name in names:
            return name, f"the tree has a distribution named {name}"
    return None


def _by_package(module: str, suite: Packages, names: Collection[str] | None) -> tuple[str, str] | None:
    """What the suite's package named after the module ships (Python Policy 4.3.2); one of ``names`` if given."""
    for prefix in _prefixes(module):
        lower = prefix.lower().replace("_", "-")
        for package in dict.fromkeys((f"python3-{lower}", f"python3-{lower.replace('.', '-')}")):
            shipped = sorted({row.distribution for row in suite.shipped_by(package)} if suite.binary(package) else ())
            fitting = [name for name in shipped if names is None or name in names]
            if len(fitting) == 1:
                return fitting[0], f"{package} ships {fitting[0]}"
    return None


def _by_wheels(modules: Iterable[str], wheels: Mapping[str, Collection[str]]) -> dict[str, tuple[str, str]]:
    owners: dict[str, tuple[str, str]] = {}
    for module in modules:
        for prefix in _prefixes(module):
            having = [name for name, inside in wheels.items() if prefix in inside]
            if len(having) == 1:
                owners[module] = (having[0], f"the wheel of {having[0]} has {prefix}")
                break
    return owners


class WheelModules:
    """The modules in wheels on the index, by their RECORD; of a wheel only that is fetched, once and for all."""

    def __init__(self, client: IndexClient, target: Target, versions: Mapping[str, str]) -> None:
        self._client = client
        self._target = target
        self._versions = versions

    def __call__(self, names: Iterable[str]) -> Mapping[str, Collection[str]]:
        """The dotted names of at most three components in each distribution's wheel; none where it has no wheel."""
        listed = list(names)
        with ThreadPoolExecutor(_READERS) as pool:
            return dict(zip(listed, pool.map(self._modules, listed), strict=True))

    def _modules(self, name: str) -> Collection[str]:
        with suppress(UnknownDistributionError, HostileArchiveError, NetworkError):
            wanted = parsed(self._versions[name])
            files = [file for file in self._client.files(name) if parsed(file.version) == wanted]
            file = metadata_source(files, self._target) if files else None
            if file is None or file.kind is not FileKind.WHEEL:
                return ()
            key = file.sha256 or hashlib.sha256(file.url.encode()).hexdigest()
            path = cache_directory("modules") / key
            with suppress(FileNotFoundError):
                return path.read_text(encoding="utf-8").split()
            record = RemoteZip(self._client.transport, file).read(_RECORD, _RECORD_LIMIT)
            found = sorted(modules_in_record(record.decode("utf-8", "replace")))
            write_atomically(path, "\n".join(found).encode())
            return found
        return ()


def _rows(text: str) -> Iterator[list[str]]:
    with suppress(csv.Error):  # such as a field of more than 128 KiB
        yield from csv.reader(io.StringIO(text))


def modules_in_record(text: str) -> set[str]:
    r"""Dotted names of the modules and packages in a RECORD (PEP 376), three components at most.

    A RECORD that is no CSV tells of those before the place where it isn't.

    >>> sorted(modules_in_record("google/protobuf/any.py,,\nx-1.dist-info/RECORD,,"))
    ['google', 'google.protobuf', 'google.protobuf.any']
    """
    found: set[str] = set()
    for row in _rows(text):
        path = PurePosixPath(row[0] if row else "")
        if path.suffix not in (".py", ".so", ".pyd") or path.is_absolute():
            continue
        parts = (*path.parts[:-1], path.name.partition(".")[0])
        if all(part.isidentifier() for part in parts):
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found |= {".".join(parts[:end]) for end in range(1, min(len(parts), _DEPTH) + 1)}
    return found
