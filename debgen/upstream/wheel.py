"""What a release's wheel would install: its RECORD, METADATA and entry_points.txt, by range requests.

Nothing of it is executed or unpacked. A wheel's content never changes, so it is cached for good.
"""

from __future__ import annotations

import configparser
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from debgen.errors import HostileArchiveError
from debgen.upstream.facts import SdistFacts
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import METADATA_LIMIT, CoreMetadata, parse_metadata
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.pages import parsed
from debgen.upstream.remote import RemoteZip
from debgen.workspace import cache_directory, write_atomically

_FORMAT = 1
_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
_ENTRY_POINTS = re.compile(r"[^/]+\.dist-info/entry_points\.txt")
_RECORD_LIMIT = 32 << 20
#: Folders of modules that a wheel may leave out.
_NO_MODULES = frozenset({"tests", "test", "testing", "docs", "examples", "benchmarks", "templates"})

#: Entry points (PyPA's specification): by group, the object behind each name.
EntryPoints = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class WheelContents:
    """A wheel: ``files`` are the paths of its RECORD, ``*.data/`` and dist-info included, in order."""

    filename: str
    files: tuple[str, ...]
    metadata: CoreMetadata
    entry_points: EntryPoints = field(default_factory=dict)


def best_wheel(files: Iterable[ReleaseFile], version: str, target: Target) -> ReleaseFile | None:
    """The wheel of release ``version`` that says best what belongs on the target; None where there is none that can.

    Wheels for the target's machine come first: of its Python, then of the stable ABI, then of the nearest other Python,
    since their files differ in tags only. Then those for any machine, which lack what is compiled where a release has
    both; last those of other Unix machines. Windows' have other files, PyPy's and free-threaded Python's too.
    """
    ranked = [
        (rank, file.filename, file)
        for file in files
        if file.kind is FileKind.WHEEL and parsed(file.version) == parsed(version) and (rank := _rank(file, target))
    ]
    return min(ranked)[2] if ranked else None


def _rank(file: ReleaseFile, target: Target) -> tuple[int, int, int] | None:
    try:
        _, _, _, tags = parse_wheel_filename(file.filename)
    except InvalidWheelFilename:
        return None
    minor = int(target.python_version.split(".")[1])
    ranks = []
    for tag in tags:
        found = re.fullmatch(r"(cp|py)(\d)(\d*)", tag.interpreter)
        if not found or found[2] != "3" or tag.platform.startswith("win"):
            continue
        if tag.abi not in ("none", "abi3") and tag.abi.rstrip("m") != tag.interpreter:
            continue  # cp314t, of free-threaded Python
        own = tag.platform.endswith(f"_{target.machine}") and "linux" in tag.platform
        place = 0 if own else 1 if tag.platform == "any" else 2 if "linux" in tag.platform else 3
        python = int(found[3] or minor)
        stable = tag.abi in ("abi3", "none") and python <= minor
        libc = 1 if tag.platform.startswith("musllinux") else 0
        ranks.append((place, 0 if python == minor else 1 if stable else 2 + abs(minor - python), libc))
    return min(ranks, default=None)


def read_wheel(file: ReleaseFile, client: IndexClient) -> WheelContents:
    """Read a wheel on the index.

    HostileArchiveError where it is malformed or has no RECORD or METADATA, NetworkError where it can't be fetched.
    """
    key = file.sha256 or hashlib.sha256(file.url.encode()).hexdigest()
    path = cache_directory("wheels") / key
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, HostileArchiveError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] == _FORMAT:
            metadata = parse_metadata(kept["metadata"].encode())
            return WheelContents(file.filename, tuple(kept["files"]), metadata, kept["entry_points"])
    remote = RemoteZip(client.transport, file)
    record = remote.read(_RECORD, _RECORD_LIMIT)
    files = tuple(record_paths(record.decode("utf-8", "replace")))
    metadata = parse_metadata(remote.read(_METADATA, METADATA_LIMIT))
    has_entry_points = any(map(_ENTRY_POINTS.fullmatch, files))
    points = parse_entry_points(remote.read(_ENTRY_POINTS, METADATA_LIMIT)) if has_entry_points else {}
    wheel = WheelContents(file.filename, files, metadata, points)
    kept = {"format": _FORMAT, "files": files, "metadata": metadata.render(), "entry_points": points}
    write_atomically(path, json.dumps(kept).encode())
    return wheel


def record_paths(text: str) -> list[str]:
    r"""The paths of a RECORD (PEP 376) that lie in the wheel, each once, sorted.

    >>> record_paths("b.py,sha256=x,1\na.py,,\n")
    ['a.py', 'b.py']
    """
    try:
        paths = {row[0].removeprefix("./") for row in csv.reader(io.StringIO(text)) if row and row[0]}
    except csv.Error as error:
        raise HostileArchiveError(f"a wheel's RECORD can't be read: {error}") from None
    pure = map(PurePosixPath, sorted(paths))
    return [str(path) for path in pure if not path.is_absolute() and ".." not in path.parts]


def parse_entry_points(data: bytes) -> dict[str, dict[str, str]]:
    r"""The entry points of an entry_points.txt; what is malformed is as good as not there, as for pip.

    >>> parse_entry_points(b"[console_scripts]\nrun = a.b:main [extra]\n")
    {'console_scripts': {'run': 'a.b:main'}}
    """
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None, default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive
    try:
        parser.read_string(data.decode("utf-8", "replace"))
    except configparser.Error:
        return {}
    return {
        group: {name: re.sub(r"\s*\[.*\]$", "", target).replace(" ", "") for name, target in parser.items(group)}
        for group in parser.sections()
    }


def sdist_contents(facts: SdistFacts) -> WheelContents:
    """What the wheel that is built of an sdist would have at the least: its modules and commands.

    Tests and data files among the modules are left out: whether a wheel has them, only building it could tell.
    """
    kept = (path for path, _ in facts.installed if not _NO_MODULES.intersection(PurePosixPath(path).parts[:-1]))
    files = [path for path in kept if path.endswith((".py", ".pyi", "/py.typed"))]
    files += [f"{module.name.replace('.', '/')}.so" for module in facts.extension_modules]
    files += [f"sdist.data/scripts/{PurePosixPath(path).name}" for path in facts.script_files]
    points: dict[str, dict[str, str]] = {}
    for plugin in facts.plugins:
        points.setdefault(plugin.group, {})[plugin.name] = plugin.target.replace(" ", "")
    for group, scripts in (("console_scripts", facts.scripts), ("gui_scripts", facts.gui_scripts)):
        for script in scripts:
            points.setdefault(group, {}).setdefault(script.command, script.target.replace(" ", ""))
    metadata = CoreMetadata(facts.name, facts.version, requires_dist=tuple(map(str, facts.base_requirements)))
    return WheelContents("the sdist", tuple(sorted(files)), metadata, points)
