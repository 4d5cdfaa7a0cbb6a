"""Whether a built package is hollow: its files beside those of upstream's own wheel of the same release.

Whatever the wheel has and the package lacks is a :class:`Lack` with its name, unless a rule of Debian's
(:mod:`debgen.building.contentrules`) or a line of the recipe says why. What the package should not have is one too.
Where upstream has no wheel, the modules of the sdist take its place.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.building.contentrules import TOO_GENERIC, USR, excuse, extension_key, generic_names, is_licence
from debgen.building.contentsreport import ContentsReport, Kind, Lack
from debgen.building.debfiles import Installed, read_debs
from debgen.errors import HostileArchiveError
from debgen.narrate import say
from debgen.upstream.facts import read_facts
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import ReleaseFile
from debgen.upstream.pages import parsed
from debgen.upstream.requirements import is_requirement
from debgen.upstream.wheel import WheelContents, read_wheel, sdist_contents

_COMMANDS = ("console_scripts", "gui_scripts")


class Explained(Protocol):
    """A recipe's ``[[lacks]]``: a pattern of paths, and the reason why the package does without."""

    @property
    def path(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Need:
    """How requirements are judged: for which environment, by which packages, and which the recipe drops.

    ``table`` is dh_python3's own, package by normalised name: it writes Depends by that (cffi is needed to build, its
    back end at run time).
    """

    environment: Mapping[str, str]
    lookup: Callable[[str], Match | None]
    dropped: Callable[[str], bool] = lambda name: False
    table: Mapping[str, str] = field(default_factory=dict)

    def is_met(self, name: str, package: str, depends: Collection[str]) -> bool:
        """Whether ``depends`` have the requirement's ``package``, or what stands for its binary interface."""
        packages = {package, self.table.get(name, package)}
        names = "|".join(map(re.escape, packages))
        interface = re.compile(f"(?:{names})[0-9a-z-]*-(?:api|abi)[0-9a-z-]*")  # python3-numpy2-abi0
        return package == "python3" or not packages.isdisjoint(depends) or any(map(interface.fullmatch, depends))


def compare(
    debs: Iterable[Path],
    wheel: ReleaseFile | None,
    client: IndexClient,
    tree: Path,
    *,
    lacks: Sequence[Explained] = (),
    need: Need | None = None,
) -> ContentsReport:
    """Compare built packages with upstream's ``wheel``, or where there is none with what the sdist has.

    ``tree`` is the unpacked sdist; ``lacks`` are the recipe's lines, and without ``need`` requirements aren't looked
    at. BuildError for a package that can't be read, NetworkError where the wheel can't be fetched.
    """
    upstream = _upstream(wheel, client, tree)
    found = (path for path in tree.rglob("*") if path.is_file() and path.relative_to(tree).parts[0] != "debian")
    source = frozenset(path.relative_to(tree).as_posix() for path in found)
    return compare_contents(read_debs(debs), upstream, source, lacks=lacks, need=need)


def _upstream(wheel: ReleaseFile | None, client: IndexClient, tree: Path) -> WheelContents:
    """What the wheel has; where there is none that can be read, what the sdist has."""
    if wheel:
        try:
            return read_wheel(wheel, client)
        except HostileArchiveError as error:
            say(f"warning: {error}; the package is compared with the sdist")
    return sdist_contents(read_facts(tree))


def compare_contents(
    installed: Installed,
    upstream: WheelContents,
    source: Collection[str] = (),
    *,
    lacks: Sequence[Explained] = (),
    need: Need | None = None,
) -> ContentsReport:
    """The comparison itself; ``source`` are the paths of the sdist, where they are known."""
    comparison = _Comparison(installed, upstream, source)
    found = [*comparison.files(), *comparison.scripts(), *comparison.metadata(need)]
    left: list[Lack] = []
    used: set[str] = set()
    for lack in found:
        line = next((line for line in lacks if fnmatchcase(lack.path, line.path)), None)
        if line is None:
            left.append(lack)
        else:
            used.add(line.path)
            comparison.excused.append((lack.path, " ".join(line.reason.split())))
    left += [
        Lack(Kind.RECIPE, line.path, "the recipe's line in lacks matches nothing that is lacking; remove it")
        for line in lacks
        if line.path not in used
    ]
    left += comparison.misplaced()
    return ContentsReport(
        upstream.filename, dict(comparison.compared), tuple(left), tuple(comparison.excused), comparison.extra()
    )


class _Comparison:
    def __init__(self, installed: Installed, upstream: WheelContents, source: Collection[str]) -> None:
        self.installed = installed
        self._source = source
        self.upstream = upstream
        self.excused: list[tuple[str, str]] = []
        self.compared: Counter[str] = Counter()
        self._extensions = {key for path in installed.modules if (key := extension_key(path))}
        self._modules: list[tuple[str, str]] = []  # as the wheel has it, and below the modules' folder
        self._others: list[tuple[str, str]] = []  # as the wheel has it, and below its .data
        for path in upstream.files:
            first, _, rest = path.partition("/")
            scheme, _, inner = rest.partition("/")
            if first.endswith(".dist-info"):
                continue
            if not first.endswith(".data"):
                self._modules.append((path, path))
            elif scheme in ("purelib", "platlib"):
                self._modules.append((path, inner))
            else:
                self._others.append((path, rest))
        self._expected = {inner for _, inner in self._modules}
        self._generic = generic_names(self._expected, upstream.metadata.name)

    def files(self) -> Iterator[Lack]:
        """Modules, extension modules, and data files that lie among them or elsewhere."""
        for path, inner in self._modules:
            key = extension_key(inner)
            kind = Kind.EXTENSION if key else Kind.MODULE if inner.endswith((".py", ".pyi")) else Kind.DATA
            if reason := excuse(inner, self._expected, self._generic, self.installed, self._source):
                if not self._has_module(inner, key):
                    self.excused.append((path, reason))
                continue
            self.compared[kind] += 1
            if not self._has_module(inner, key):
                yield Lack(kind, path, self._why(inner, key))
        for path, inner in self._others:
            scheme, _, rest = inner.partition("/")
            if scheme in ("data", "headers"):
                yield from self._data(path, scheme, rest)

    def _has_module(self, path: str, key: str) -> bool:
        if key and key in self._extensions:
            return True
        return any(self.installed.has(f"{folder}{path}") for folder in self.installed.folders)

    def _why(self, path: str, key: str) -> str:
        if key:
            return "the package doesn't have it; a fallback in Python may hide that"
        if not self._source:
            return "the package doesn't have it"
        there = min((p for p in self._source if p == path or p.endswith(f"/{path}")), key=len, default="")
        return f"the package doesn't have it, the sdist does ({there})" if there else "neither package nor sdist has it"

    def _data(self, path: str, scheme: str, rest: str) -> Iterator[Lack]:
        top, name = rest.partition("/")[0], posixpath.basename(rest)
        if is_licence(rest):
            self.excused.append((path, "a licence; the package has debian/copyright"))
            return
        if scheme == "data" and top not in USR | {"etc", "man"}:
            self.excused.append((path, f"the file system has no place for /usr/{top}"))
            return
        self.compared[Kind.DATA] += 1
        if scheme == "headers":
            there = any(p.startswith("usr/include/") and p.endswith(f"/{name}") for p in self.installed.files)
        elif rest.startswith(("share/doc/", "man/")):  # where they are is Debian's affair
            places = ("usr/share/doc/", "usr/share/man/")
            there = any(
                p.startswith(places) and posixpath.basename(p).removesuffix(".gz") == name for p in self.installed.files
            )
        else:
            there = any(self.installed.has(p) for p in (f"usr/{rest}", f"usr/{rest}.gz", rest))
        if not there:
            yield Lack(Kind.DATA, path, f"nothing is at /{rest if top == 'etc' else f'usr/{rest}'}")

    def scripts(self) -> Iterator[Lack]:
        """The commands: scripts of the wheel's own, and those of entry points."""
        wanted = {inner.removeprefix("scripts/"): path for path, inner in self._others if inner.startswith("scripts/")}
        for group in _COMMANDS:
            wanted |= {name: f"entry_points/{group}/{name}" for name in self.upstream.entry_points.get(group, ())}
        for name, path in sorted(wanted.items()):
            if reason := excuse(f"scripts of the wheel/{name}", (), (), self.installed):
                self.excused.append((path, reason))
                continue
            self.compared[Kind.SCRIPT] += 1
            names = (name, posixpath.splitext(name)[0])  # no suffix that tells the language (policy 10.4)
            if not any(
                f"usr/{folder}/{n}" in self.installed.files for folder in ("bin", "sbin", "games") for n in names
            ):
                yield Lack(Kind.SCRIPT, path, f"there is no /usr/bin/{name}")

    def metadata(self, need: Need | None) -> Iterator[Lack]:
        """What the distribution says of itself: name, version, requirements, entry points."""
        wheel = self.upstream.metadata
        self.compared[Kind.METADATA] += 1
        name = canonicalize_name(wheel.name)
        own = {p: m for p, m in self.installed.metadata.items() if canonicalize_name(m.name) == name}
        if not own:
            others = ", ".join(sorted({f"{m.name} {m.version}" for m in self.installed.metadata.values()}))
            yield Lack(
                Kind.METADATA,
                "METADATA",
                f"no metadata of {wheel.name} is there" + (f", but of {others}" * bool(others)),
            )
            return
        path = min(own, key=lambda p: (not p.endswith(".dist-info/METADATA"), p))
        mine = own[path]
        if not path.endswith(".dist-info/METADATA"):
            yield Lack(Kind.METADATA, path, "egg-info instead of dist-info")
        if parsed(mine.version) != parsed(wheel.version):
            yield Lack(Kind.METADATA, path, f"it says version {mine.version}, the wheel {wheel.version}")
        there = self.installed.entry_points(path)
        for group, names in sorted(self.upstream.entry_points.items()):
            for entry, target in sorted(names.items()):
                self.compared[Kind.ENTRY_POINT] += 1
                found = there.get(group, {}).get(entry, "")
                if found != target:
                    why = f"it is {found}, the wheel has {target}" if found else f"the metadata lacks it ({target})"
                    yield Lack(Kind.ENTRY_POINT, f"entry_points/{group}/{entry}", why)
        if need is not None:
            yield from self._requirements(wheel, mine, need)

    def _requirements(self, wheel: CoreMetadata, mine: CoreMetadata, need: Need) -> Iterator[Lack]:
        own = _required(mine, need.environment)
        depends = self.installed.depends_on("Depends", "Pre-Depends") | {deb.name for deb in self.installed.debs}
        for name in sorted(_required(wheel, need.environment)):
            if need.dropped(name):
                continue
            self.compared[Kind.REQUIREMENT] += 1
            match = need.lookup(name)
            if name not in own:
                yield Lack(Kind.REQUIREMENT, f"Requires-Dist/{name}", "the package's metadata doesn't ask for it")
            elif match is None:
                yield Lack(Kind.REQUIREMENT, f"Requires-Dist/{name}", "the suite has no package of it")
            elif not need.is_met(name, match.package, depends):
                yield Lack(Kind.REQUIREMENT, f"Requires-Dist/{name}", f"{match.package} isn't in Depends")

    def misplaced(self) -> Iterator[Lack]:
        """What the package has and no package may have."""
        tops = {path.partition("/")[0].partition(".")[0] for path in self.installed.modules if _is_code(path)}
        for top in sorted(tops):
            if TOO_GENERIC.fullmatch(top):
                yield Lack(Kind.NAME, top, "too generic a name for a module that all of Debian shares")
        for path in sorted(self.installed.files):
            first, _, rest = path.partition("/")
            if first != "etc" and (first != "usr" or rest.partition("/")[0] not in USR):
                yield Lack(Kind.PLACE, path, "files belong below /usr, in the folders of the file system hierarchy")

    def extra(self) -> tuple[str, ...]:
        """Top-level names that the wheel doesn't have, then other files below the modules' folder."""
        wheel = {path.partition("/")[0] for path in self._expected}
        wheel_keys = {key for path in self._expected if (key := extension_key(path))}
        folders = self.installed.folders
        links = {path.removeprefix(f) for path, to in self.installed.files.items() if to for f in folders}
        more = [
            path
            for path in sorted(self.installed.modules - self._expected - links)
            if not path.partition("/")[0].endswith((".dist-info", ".egg-info"))
            and extension_key(path) not in wheel_keys
        ]
        new = sorted({top for path in more if (top := path.partition("/")[0]) not in wheel})
        return (*new, *(path for path in more if path.partition("/")[0] in wheel and "/" in path))


def _is_code(path: str) -> bool:
    return path.endswith((".py", ".so")) and not path.partition("/")[0].endswith((".dist-info", ".egg-info"))


def _required(metadata: CoreMetadata, environment: Mapping[str, str]) -> set[str]:
    """The normalised names of what is required on the target without any extra."""
    requirements = [Requirement(line) for line in metadata.requires_dist if is_requirement(line)]
    return {
        str(canonicalize_name(requirement.name))
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({**environment, "extra": ""})
    }
