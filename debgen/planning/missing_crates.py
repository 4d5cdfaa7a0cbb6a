"""Crates that no package of a suite has: what has to be packaged before them, and where their source is at hand; pure.

What a crate of the registry asks for in turn is known from upstream's Cargo.lock alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from debgen.archive.crates import DEFAULT, CratePackages, crate_packages, debian_name
from debgen.cargo.semver import Requirement, Semver
from debgen.cargo.targets import holds_somewhere
from debgen.errors import UnsupportedSourceError
from debgen.planning.build_needs import judge_crates
from debgen.planning.model import BuildNeed, CrateToPackage, Supply, Topic
from debgen.upstream.buildcargo import crates_of
from debgen.upstream.buildmodel import Crate, Manifest
from debgen.upstream.cargolock import Lock

#: A lock has the dependencies for all targets and doesn't tell which, and the manifests that would are in no sdist.
#: These families bind the interfaces of other systems, so that nothing on Debian can need them. What is left out for
#: its name is said with its name; what runs on Debian too, such as a shim or a binding to Java, doesn't belong here.
_ELSEWHERE = re.compile(
    r"(?:windows|winapi|winreg|schannel|wasi|wasip2|wasm-bindgen|js-sys|web-sys|redox|hermit-abi|android|ndk"
    r"|objc2?|core-foundation|security-framework|system-configuration)(?:[-_].*)?"
)


@dataclass(frozen=True)
class AtHand:
    """The source of a crate in an sdist: ``release`` is the distribution with its version, ``path`` its Cargo.toml.

    ``texts`` are all Cargo.toml files of that sdist.
    """

    crate: str
    version: str
    release: str
    path: str
    texts: Mapping[str, str]


def with_order(
    need: BuildNeed,
    packages: CratePackages,
    texts: Mapping[str, str],
    at_hand: Callable[[BuildNeed], Iterable[AtHand]],
    architecture: str,
) -> BuildNeed:
    """A missing crate with what has to be packaged for it, and remarks on its source; any other need as it is.

    ``texts`` are the Cargo.lock files, by path, among others. ``at_hand`` gives the sources that are known of.
    """
    if need.topic is not Topic.CRATE or need.supply is not Supply.MISSING:
        return need
    sources = tuple(at_hand(need))
    locks = [Lock.parse(text)[0] for path, text in sorted(texts.items()) if posixpath.basename(path) == "Cargo.lock"]
    lock = next((lock for lock in locks if (need.name, need.locked) in lock.lines), None)
    remarks = [remark for source in sources for remark in _said(source, need, packages, architecture)]
    if lock is None:
        first: tuple[CrateToPackage, ...] = (CrateToPackage(need.name, need.locked or need.requirement),)
        remarks.append("no Cargo.lock tells what it needs in turn")
    else:
        walk = _Walk(packages, lock, _unneeded(sources, need))
        walk.visit(need.name, need.locked, "")
        first = tuple(walk.found)
        if walk.left_out:
            remarks.append(f"for other systems only, by its name: {', '.join(sorted(walk.left_out))}")
    return replace(need, first=first, remarks=tuple(remarks))


class _Walk:
    """Down a lock, over what the suite lacks; what a crate needs comes before it.

    Of a crate that the suite has in another series only, what that version asks for is the suite's business.
    """

    def __init__(self, packages: CratePackages, lock: Lock, unneeded: Collection[str]) -> None:
        self._packages = packages
        self._lock = lock
        self._unneeded = unneeded
        self._seen: set[tuple[str, str]] = set()
        self.found: list[CrateToPackage] = []
        self.left_out: set[str] = set()

    def visit(self, name: str, version: str, asked_by: str) -> None:
        # A stack of its own, as a hostile lock may be deep.
        self._seen.add((name, version))
        stack: list[tuple[str, str, str, Iterator[tuple[str, str]]]] = [
            (name, version, asked_by, iter(self._lock.below(name, version)))
        ]
        while stack:
            here, number, asker, below = stack[-1]
            step = next(below, None)
            if step is None:
                stack.pop()
                self.found.append(CrateToPackage(here, number, self._other(here), asker))
            elif step not in self._seen and self._lacks(step, top=len(stack) == 1):
                self._seen.add(step)
                inside = not crate_packages(self._packages, step[0])
                stack.append((*step, here, iter(self._lock.below(*step) if inside else ())))

    def _lacks(self, step: tuple[str, str], *, top: bool) -> bool:
        name, version = step
        if top and name in self._unneeded:
            return False
        series = _series(version)
        if any(series is None or package.version.series == series for package in crate_packages(self._packages, name)):
            return False
        if _ELSEWHERE.fullmatch(name):
            self.left_out.add(name)
            return False
        return True

    def _other(self, name: str) -> str:
        """The version that the suite has of a crate."""
        return next((str(package.version) for package in crate_packages(self._packages, name)), "")


def _series(version: str) -> tuple[int, ...] | None:
    with suppress(UnsupportedSourceError):
        return Semver.parse(version).series
    return None


def _own(source: AtHand, need: BuildNeed) -> tuple[Crate, ...]:
    """What the crate of a source asks for, with the features that the build takes."""
    features = tuple(feature for feature in need.features if feature != DEFAULT)
    return crates_of([Manifest(source.path, features, DEFAULT in need.features)], source.texts)[0]


def _unneeded(sources: Iterable[AtHand], need: BuildNeed) -> set[str]:
    """What the missing crate names as a dependency and doesn't take in this build, as far as a source tells."""
    for source in sources:
        crates = [crate for crate in _own(source, need) if crate.manifest == source.path]
        taken = {crate.name for crate in crates if not crate.optional and holds_somewhere(crate.target)}
        return {crate.name for crate in crates} - taken
    return set()


def _asked_instead(source: AtHand, need: BuildNeed) -> str:
    """What is asked for, where the version of a source isn't that; empty where it is, or nothing tells."""
    with suppress(UnsupportedSourceError):
        if not Requirement.parse(need.requirement).matches(Semver.parse(source.version)):
            return f", where {need.requirement} is asked for"
    return ""


def _said(source: AtHand, need: BuildNeed, packages: CratePackages, architecture: str) -> tuple[str, ...]:
    """Where the source is and what can be done with it, and what the suite lacks for it."""
    folder = posixpath.dirname(source.path)
    own = source.version and source.version != source.release.split()[-1]
    version = (f", in version {source.version}" if own else "") + _asked_instead(source, need)
    where = f"in {folder}/" if folder else "at its top"
    needs = judge_crates(packages, _own(source, need), architecture, lambda package: None)
    lacking = [f"{n.name} {n.requirement}".strip() for n in needs if n.supply is Supply.MISSING]
    other = [
        f"{n.name} {n.requirement} → {n.loosened or n.version}"
        for n in needs
        if n.supply is Supply.RELAXABLE and not n.optional
    ]
    told = [f"lacks {', '.join(lacking)}"] if lacking else []
    told += [f"has to relax {', '.join(other)}"] if other else []
    found = (
        f"the sdist of {source.release} has its source {where}{version}: a recipe can vendor it, or"
        f" librust-{debian_name(need.name)}-dev be made of it"
    )
    return found, *([f"to build the source in {source.release}, the suite {' and '.join(told)}"] if told else [])
