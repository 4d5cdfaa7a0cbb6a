"""What is installed in an environment, and where its distributions contradict each other. Nothing of it is run.

An environment is found by its layout: ``pyvenv.cfg`` (PEP 405), ``lib/python3.*/site-packages``, and Debian's
``dist-packages``. Metadata is read from ``*.dist-info`` (PEP 376) and ``*.egg-info``, markers are evaluated for the
environment's own Python, and pipdeptree says which requirements are in force.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debgen.errors import DebgenError, HostileArchiveError, UsageError
from debgen.run import Runner, run
from debgen.upstream.metadata import METADATA_LIMIT, CoreMetadata, parse_metadata, with_requires_txt
from debgen.upstream.model import MACHINE_OF_ARCHITECTURE, Target
from debgen.upstream.requirements import Evaluator, Needed

_SYSTEM = Path("/usr")
_PYTHON = re.compile(r"python(3\.\d+)t?")
_VERSION = re.compile(r"\s*(\d+\.\d+(?:\.\d+)?)")
_LINKS = 40
_HINT = "Give a virtual environment, its interpreter, or a folder of *.dist-info."


class Problem(StrEnum):
    """What can be wrong with an environment."""

    CONFLICT = "conflict"
    """A distribution is there in a version that another one doesn't allow."""
    MISSING = "missing"
    """A distribution that another one asks for is not there."""
    DUPLICATE = "duplicate"
    """One folder has two versions of a distribution."""
    PYTHON = "python"
    """A distribution does not allow this Python."""
    UNREADABLE = "unreadable"
    """A distribution's metadata has no name or version, or can't be read."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Folders of installed distributions, in the order in which Python looks, and the Python that uses them."""

    path: Path
    folders: tuple[Path, ...]
    python_version: str


@dataclass(frozen=True, slots=True)
class Installed:
    """One installed distribution; ``name`` is normalised, ``path`` its ``dist-info`` or ``egg-info``."""

    name: str
    version: str
    path: Path
    metadata: CoreMetadata


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong: ``name`` is the distribution that it is about, ``text`` a sentence."""

    problem: Problem
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What an environment has, sorted by name, what is wrong with it, and what lies in the shadow of something."""

    environment: Environment
    distributions: tuple[Installed, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def find_environment(path: Path) -> Environment:
    """The environment of an interpreter, a virtual environment, a prefix, or a folder of distributions.

    UsageError where there is none. Links to the interpreter are followed until one lies in an environment.
    """
    if not path.exists():
        raise UsageError(f"there is no {path}", hint=_HINT)
    place = Path(os.path.abspath(path))
    if place.is_dir():
        found = _at_prefix(place) or _at_folder(place)
    else:
        found = None
        for _ in range(_LINKS):
            found = _at_prefix(place.parent.parent) if place.parent.name == "bin" else None
            if found or not place.is_symlink():
                break
            place = Path(os.path.abspath(place.parent / os.readlink(place)))
    if found is None:
        raise UsageError(f"{path} is neither an environment nor the interpreter of one", hint=_HINT)
    return found


def system_environment() -> Environment:
    """The distributions of the running system: Debian's dist-packages and what lies before them."""
    found = _at_prefix(_SYSTEM)
    if found is None:
        raise UsageError(f"this system has no Python below {_SYSTEM}", hint="Name an environment with --python.")
    return found


def _at_prefix(prefix: Path) -> Environment | None:
    settings = _settings(prefix / "pyvenv.cfg")
    pythons = {match[1]: p for p in prefix.glob("lib/python3.*") if (match := _PYTHON.fullmatch(p.name))}
    stated = _VERSION.match(settings.get("version_info") or settings.get("version") or "")
    if not settings:
        return _base(prefix, pythons)
    if stated is None and len(pythons) != 1:
        raise UsageError(f"{prefix}/pyvenv.cfg does not say which Python it is for", hint=_HINT)
    version = stated[1] if stated else next(iter(pythons))
    series = ".".join(version.split(".")[:2])
    own = prefix / "lib" / f"python{series}" / "site-packages"
    folders = [own] if own.is_dir() else []
    if settings.get("include-system-site-packages", "").lower() == "true" and settings.get("home"):
        base = _base(Path(settings["home"]).parent, {series: Path()}, series)
        folders += base.folders if base else ()
    return Environment(prefix, tuple(folders), version)


def _base(prefix: Path, pythons: Mapping[str, Path], series: str = "") -> Environment | None:
    """A Python that is no virtual environment: Debian's own, or one with site-packages."""
    chosen = series or _default_python(prefix, pythons)
    if not chosen:
        return None
    library = prefix / "lib"
    local = Path("/usr/local/lib") if prefix == _SYSTEM else library
    candidates = (
        local / f"python{chosen}/dist-packages",
        library / "python3/dist-packages",
        library / f"python{chosen}/site-packages",
    )
    folders = tuple(dict.fromkeys(folder for folder in candidates if folder.is_dir()))
    return Environment(prefix, folders, chosen) if folders else None


def _default_python(prefix: Path, pythons: Mapping[str, Path]) -> str:
    """What ``python3`` means below ``prefix``: where its link leads, else the only one there is."""
    match = _PYTHON.fullmatch(Path(os.path.realpath(prefix / "bin/python3")).name)
    if match and match[1] in pythons:
        return match[1]
    return max(pythons, key=Version, default="") if len(pythons) == 1 else ""


def _at_folder(folder: Path) -> Environment | None:
    """A folder that holds distributions itself; the Python is in its path, or that of the system for Debian's."""
    if not any(_infos(folder)):
        return None
    for part in reversed(folder.parts):
        if match := _PYTHON.fullmatch(part):
            return Environment(folder, (folder,), match[1])
    if folder == _SYSTEM / "lib/python3/dist-packages" and (base := _at_prefix(_SYSTEM)):
        return Environment(folder, (folder,), base.python_version)
    raise UsageError(
        f"the path of {folder} does not say which Python it is for",
        hint="Give the environment that it belongs to, or a folder such as lib/python3.13/site-packages.",
    )


def _settings(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, found, value in pairs if found}


def _infos(folder: Path) -> Iterator[Path]:
    yield from sorted(p for p in folder.iterdir() if p.name.endswith((".dist-info", ".egg-info")))


def host_target(python_version: str) -> Target:
    """The machine at hand with that Python; UsageError where Debian has no name for the machine."""
    machine = platform.machine()
    names = [name for name, other in MACHINE_OF_ARCHITECTURE.items() if other == machine]
    if not names:
        raise UsageError(f"this machine is a {machine}, which is none of Debian's architectures")
    return Target(python_version, names[0])


def examine(environment: Environment, *, target: Target | None = None, run: Runner = run) -> Contents:
    """Read what is installed and hold it against its own metadata.

    ``target`` is the machine that it runs on, by default this one.
    """
    target = target or host_target(environment.python_version)
    findings: list[Finding] = []
    notes: list[str] = []
    chosen: dict[str, Installed] = {}
    for folder in environment.folders:
        here: dict[str, list[Installed]] = {}
        for path in _infos(folder):
            try:
                found = _read(path)
            except (OSError, HostileArchiveError, InvalidVersion) as error:
                findings.append(Finding(Problem.UNREADABLE, path.name, f"{path} can't be read: {error}"))
                continue
            here.setdefault(found.name, []).append(found)
        for name, several in here.items():
            versions = sorted({found.version for found in several}, key=Version)
            if len(versions) > 1:
                places = ", ".join(found.path.name for found in several)
                findings.append(Finding(Problem.DUPLICATE, name, f"{name} is there as {places} in {folder}"))
            first = chosen.setdefault(name, several[0])
            if first is not several[0]:
                notes.append(f"{name} {first.version} in {first.path.parent} hides {several[0].version} in {folder}")
    distributions = tuple(chosen[name] for name in sorted(chosen))
    findings += _contradictions(chosen, target, notes, run)
    return Contents(environment, distributions, tuple(sorted(findings)), tuple(notes))


def _read(path: Path) -> Installed:
    file = path if path.is_file() else path / ("METADATA" if path.suffix == ".dist-info" else "PKG-INFO")
    with file.open("rb") as stream:
        metadata = parse_metadata(stream.read(METADATA_LIMIT))
    requires = path / "requires.txt"
    if path.suffix == ".egg-info" and not metadata.requires_dist and requires.is_file():
        metadata = with_requires_txt(metadata, requires.read_bytes())
    Version(metadata.version)
    return Installed(canonicalize_name(metadata.name), metadata.version, path, metadata)


def _contradictions(
    installed: Mapping[str, Installed], target: Target, notes: list[str], run: Runner
) -> Iterator[Finding]:
    evaluator = Evaluator(target)
    needs: dict[str, tuple[Needed, ...]] = {}
    for name, found in installed.items():
        needs[name], unclear = evaluator.needs(found.metadata)
        notes += unclear
        if not _allows_python(found.metadata.requires_python, target.python_version):
            asked = found.metadata.requires_python
            text = f"{name} {found.version} asks for Python {asked}, this is {target.python_version}"
            yield Finding(Problem.PYTHON, name, text)
    with tempfile.TemporaryDirectory(prefix="debgen-installed-") as folder:
        for name, found in installed.items():
            write_metadata(Path(folder), found.metadata, needs[name])
        active = active_requirements(Path(folder), run)
    for name in sorted(needs):
        groups: dict[str, list[Needed]] = {}
        for needed in needs[name]:
            if (name, needed.name, needed.via_extra) in active:
                groups.setdefault(needed.name, []).append(needed)
        for child, group in groups.items():
            yield from _judge(installed[name], child, installed.get(child), group)


def _judge(parent: Installed, child: str, have: Installed | None, group: Sequence[Needed]) -> Iterator[Finding]:
    bounds = SpecifierSet()
    for needed in group:
        bounds &= SpecifierSet(needed.specifier)
    who = f"{parent.name} {parent.version}"
    if have is None:
        extra = next((f" (for its extra {n.via_extra})" for n in group if n.via_extra), "")
        yield Finding(Problem.MISSING, child, f"{child} is missing: {who}{extra} asks for {bounds or 'any version'}")
    elif not bounds.contains(Version(have.version), prereleases=True):
        text = f"{child} {have.version} is there, but {who} asks for {bounds}"
        yield Finding(Problem.CONFLICT, child, text)


def _allows_python(text: str, version: str) -> bool:
    """Whether a Requires-Python allows ``version``; of ``3.13`` some patch release will do."""
    try:
        bounds = SpecifierSet(text)
    except InvalidSpecifier:
        return True
    tried = (version,) if version.count(".") > 1 else (f"{version}.0", f"{version}.99")
    return any(bounds.contains(one, prereleases=True) for one in tried)


def write_metadata(folder: Path, metadata: CoreMetadata, needs: Sequence[Needed]) -> Path:
    """Write a ``dist-info`` with METADATA whose requirements are ``needs``, free of markers; it is returned."""
    name = canonicalize_name(metadata.name)
    info = folder / f"{name.replace('-', '_')}-{metadata.version}.dist-info"
    info.mkdir()
    lines = tuple(needed.render() for needed in needs)
    shown = CoreMetadata(name, metadata.version, metadata.requires_python, metadata.provides_extra, lines)
    (info / "METADATA").write_text(shown.render(), encoding="utf-8")
    return info


def active_requirements(folder: Path, run: Runner) -> set[tuple[str, str, str | None]]:
    """Which requirements are in force, as (parent, child, parent's extra): pipdeptree follows the extras asked for."""
    done = run(
        [
            *(sys.executable, "-m", "pipdeptree", "--path", folder),
            *("--output", "json", "--extras", "explicit", "--warn", "silence"),
        ]
    )
    found: set[tuple[str, str, str | None]] = set()
    try:
        for entry in json.loads(done.stdout):
            parent = canonicalize_name(entry["package"]["key"])
            for dependency in entry["dependencies"]:
                extra = dependency.get("extra")
                found.add((parent, canonicalize_name(dependency["key"]), canonicalize_name(extra) if extra else None))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DebgenError(
            "pipdeptree's output can't be understood", hint="Check the installed version of pipdeptree."
        ) from None
    return found
