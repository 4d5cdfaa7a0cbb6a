"""What upstream's tests need beyond the run-time requirements: the packages, each with what shows that it is needed.

A requirement counts where the tests import it, where it is a plug-in of pytest that they use or that upstream declares
for them, or where it is declared for them and the package itself imports it. What only judges the source, measures
it or spreads the tests is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from debgen.debianize.model import Inputs
from debgen.debianize.pytest_plugins import NOT_FOR_TESTS, in_use
from debgen.upstream.facts import SdistFacts, asks_extra
from debgen.upstream.testdeclarations import Purpose, purpose_of
from debgen.upstream.testfacts import Unimportable
from debgen.upstream.testfiles import How, Used

#: Modules that Debian splits off the standard library, and the package that has each.
_SPLIT_OFF = {"tkinter": "python3-tk", "_tkinter": "python3-tk", "idlelib": "idle", "lib2to3": "python3-lib2to3"}
#: Distributions whose plug-in or module pytest has taken in, and the release since when.
_IN_PYTEST = {"pytest-subtests": Version("9")}
#: Modules that come with a distribution of another name, where Debian's package isn't named after the module.
_BRINGS = {
    "pkg_resources": "setuptools", "_pytest": "pytest", "py": "pytest", "cv2": "opencv-python",
    "crypto": "pycryptodome", "skimage": "scikit-image", "google.protobuf": "protobuf", "dns": "dnspython",
    "mpl_toolkits": "matplotlib", "pylab": "matplotlib", "xdist": "pytest-xdist", "attr": "attrs",
    "openssl": "pyopenssl", "_cffi_backend": "cffi", "docx": "python-docx", "pptx": "python-pptx",
    "jose": "python-jose", "magic": "python-magic", "usb": "pyusb", "fitz": "pymupdf", "igraph": "python-igraph",
    "ldap": "python-ldap", "git": "gitpython", "github": "pygithub", "gi": "pygobject", "ruamel": "ruamel-yaml",
    "pytester": "pytest", "opentelemetry": "opentelemetry-api", "sklearn": "scikit-learn",
    "faiss": "faiss-cpu", "snappy": "python-snappy", "distutils": "setuptools",
}  # fmt: skip


@dataclass(frozen=True)
class TestNeed:
    """A package that the tests need. ``distribution`` is normalised; ``evidence`` says why, with places."""

    __test__ = False  # not a test class, whatever its name says

    package: str
    distribution: str
    evidence: str


@dataclass(frozen=True)
class TestNeeds:
    """What the tests need, which test files can't run for want of something, and remarks on what the suite lacks."""

    __test__ = False  # not a test class, whatever its name says

    needed: tuple[TestNeed, ...] = ()
    ignored: tuple[Unimportable, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of the packages, sorted."""
        return tuple(sorted({need.package for need in self.needed}))


@dataclass(frozen=True)
class _Listed:
    """A requirement that upstream lists for development, or for one of its extras."""

    requirement: Requirement
    purpose: Purpose
    evidence: str

    @property
    def name(self) -> str:
        return str(canonicalize_name(self.requirement.name))


def test_needs(inputs: Inputs, without: Set[str] = frozenset()) -> TestNeeds:  # noqa: PT028 - not a test
    """The needs of the tests of ``inputs.facts`` on the suite of ``inputs``; none where there are no tests.

    ``without`` are test files that are left out anyway: what only they import isn't needed.
    """
    return _Finder(inputs, without).find() if inputs.facts.tests.directory else TestNeeds()


test_needs.__test__ = False  # type: ignore[attr-defined]


class _Finder:
    def __init__(self, inputs: Inputs, without: Set[str]) -> None:
        self.inputs = inputs
        self.without = without
        self.facts = inputs.facts
        self.tests = inputs.facts.tests
        self.suite = inputs.suite.codename
        self.base = _base(self.facts, inputs.marker_environment)
        self.listed = list(_listed(self.facts, inputs.marker_environment))
        self.by_name: dict[str, _Listed] = {}
        for listed in self.listed:
            self.by_name.setdefault(listed.name, listed)
        self.needed: dict[str, TestNeed] = {}
        self.ignored: dict[str, str] = {}
        self.notes: list[str] = []
        self.own = _own_modules(self.facts)

    def find(self) -> TestNeeds:
        if self.tests.runner == "pytest":
            self._want("pytest", f"the tests' runner ({self.tests.runner_evidence})")
        for group in _by_module(used for used in self.tests.foreign if not set(used.files) <= self.without):
            self._imported(group)
        if self.tests.runner == "pytest":
            self._plugins()
        self._used_by_the_package()
        if self.tests.old_zones and self.inputs.taken("tzdata-legacy"):
            evidence = f"{self.tests.old_zones} uses time zones that are only there under older names"
            self.needed["tzdata-legacy"] = TestNeed("tzdata-legacy", "", evidence)
        for package in ("libtorch-dev", "python3-dev") if self.tests.compiles else ():
            if self.inputs.taken(package):
                evidence = (
                    f"{self.tests.compiles} has torch compile functions, in C++ with torch's and Python's headers"
                )
                self.needed[package] = TestNeed(package, "", evidence)
        ignored = tuple(Unimportable(path, reason) for path, reason in sorted(self.ignored.items()))
        return TestNeeds(tuple(self.needed[name] for name in sorted(self.needed)), ignored, tuple(self.notes))

    def _want(self, name: str, evidence: str) -> bool:
        """Take the suite's package of a distribution; whether it has one, or the package brings it anyway."""
        if name in self.base or name == self.facts.normalised:
            return True
        match = self.inputs.lookup(name)
        if name == "pytest":  # every suite has it
            package = match.package if match else "python3-pytest"
            self.needed.setdefault(package, TestNeed(package, name, evidence))
            return True
        if match is not None and match.component == "main":
            self.needed.setdefault(match.package, TestNeed(match.package, name, evidence))
        return match is not None and match.component == "main"

    def _imported(self, uses: list[Used]) -> None:
        """What the tests import from one distribution, or from one top-level module of nobody known."""
        first = min(uses, key=lambda used: used.how)
        module = first.name
        if any(_is_within(used.name, self.own) for used in uses):
            return
        top = module.partition(".")[0]
        name = self._distribution(module)
        listed = self.by_name.get(name)
        if top == "pyximport":  # compiles with distutils
            self._want("setuptools", f"{first.places[0]} compiles with pyximport")
        if first.how is How.GUARDED and not (listed and name not in NOT_FOR_TESTS):
            return  # the tests do without, and upstream doesn't ask for it
        where = f"{first.places[0]} imports {top}"
        evidence = f"{where}; {listed.evidence} lists {listed.requirement.name}" if listed else where
        if name and self._want(name, evidence):
            return
        if package := _SPLIT_OFF.get(top):
            self.needed.setdefault(package, TestNeed(package, "", where))
            return
        package = f"python3-{top.lower().replace('_', '-')}"
        if self.inputs.taken(package):
            self.needed.setdefault(package, TestNeed(package, "", f"{where}; {package} is named after that module"))
            return
        if first.how is How.GUARDED or (first.how is How.INNER and not listed):
            return  # modules that tests make for themselves are imported so
        what = name if listed else top
        self.notes.append(f"{where}, and {self.suite} has no package of {what}; what needs it can't be tested")
        if top in _SHARED:
            return  # which distribution has it isn't certain enough to leave tests out
        for path in sorted({path for used in uses for path in used.loading}):
            folder, _, base = path.rpartition("/")
            below = f"{folder}/" if folder else ""
            for test in self.tests.test_files:
                if test == path:
                    self.ignored.setdefault(test, f"Imports {what}, which {self.suite} does not have")
                elif base == "conftest.py" and test.startswith(below):
                    self.ignored.setdefault(test, f"{path} imports {what}, which {self.suite} does not have")

    def _distribution(self, module: str) -> str:
        """The distribution that has a module: one that upstream names, or that is known by the module's name."""
        prefixes = [str(canonicalize_name(prefix)) for prefix in _prefixes(module)]
        known = {*self.base, *self.by_name}
        for prefix in prefixes:
            for candidate in (prefix, f"python-{prefix}", f"py{prefix}", f"{prefix}-py", f"{prefix}-python"):
                if candidate in known:
                    return candidate
        for dotted in _prefixes(module):
            if brings := _BRINGS.get(dotted.lower()):
                return brings
        policy = {f"python3-{prefix}" for prefix in prefixes}  # the package that policy names after the module
        for name in known:
            match = self.inputs.lookup(name)
            if match is not None and match.package in policy:
                return name
        return next((prefix for prefix in prefixes if self.inputs.lookup(prefix) is not None), prefixes[-1])

    def _plugins(self) -> None:
        pytest = self.inputs.lookup("pytest")
        for name, places in in_use(self.tests).items():
            since = _IN_PYTEST.get(name)
            if since and pytest and Version(pytest.upstream_version) >= since:
                continue
            if self._want(name, f"{places[0]} uses {name}"):
                continue
            self.notes.append(f"{places[0]} uses {name}, of which {self.suite} has no package")
            fixtures = {place for used in self.tests.fixtures for place in used.places}
            for path in dict.fromkeys(place.rpartition(":")[0] for place in places if place in fixtures):
                if path in self.tests.test_files:
                    self.ignored.setdefault(path, f"Uses fixtures of {name}, which {self.suite} does not have")
        for listed in self.listed:
            plugin = listed.name.startswith("pytest-") and listed.name not in NOT_FOR_TESTS
            built_in = listed.name in _IN_PYTEST
            if not plugin or built_in or listed.purpose is Purpose.OTHER:
                continue
            found = self._want(listed.name, f"{listed.evidence} lists it for the tests")
            if not found and listed.purpose is Purpose.TEST:
                self.notes.append(f"{listed.evidence} lists {listed.name}, of which {self.suite} has no package")

    def _used_by_the_package(self) -> None:
        """What upstream lists for its tests because a part of the package that they test imports it."""
        modules = {m for file in self.tests.own if _is_installed(file.path, self.facts) for m in file.anywhere}
        names = {str(canonicalize_name(prefix)) for module in modules for prefix in _prefixes(module)}
        packages = {f"python3-{name}" for name in names}
        imported = {need.distribution for need in self.needed.values() if " imports " in need.evidence}
        # of an extra that tests use in part, the rest is used by what they test
        used = {entry.evidence for entry in self.listed if entry.name in imported}
        for listed in self.listed:
            wanted = listed.purpose is not Purpose.OTHER or listed.evidence in used or self._tested(listed)
            if not wanted or listed.name in NOT_FOR_TESTS:
                continue
            match = self.inputs.lookup(listed.name)
            alone = sum(entry.evidence == listed.evidence for entry in self.listed) == 1 and self._tested(listed)
            if match is not None and (listed.name in names or match.package in packages or alone):
                self._want(listed.name, f"{listed.evidence} lists it, which the tests make the package use")

    def _tested(self, listed: _Listed) -> bool:
        """Whether the tests speak of an extra, or of what it brings: ``http2=True``, ``socks5://``, test_brotli."""
        extra = _EXTRA.match(listed.evidence)
        names = {listed.name, extra[1]} if extra else set()
        words = self.tests.words
        return any(name in words or (len(name) > 4 and any(w.startswith(name) for w in words)) for name in names)


#: An extra's name, as the evidence of what it lists begins.
_EXTRA = re.compile(r"the extra ([\w-]+)")


def _base(facts: SdistFacts, environment: Mapping[str, str]) -> set[str]:
    """The names of the run-time requirements on the target."""
    holding = (r for r in facts.base_requirements if r.marker is None or _holds(r, environment))
    return {str(canonicalize_name(r.name)) for r in holding}


def _holds(requirement: Requirement, environment: Mapping[str, str], extra: str = "") -> bool:
    try:
        return requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})
    except UndefinedEnvironmentName:
        return True


def _listed(facts: SdistFacts, environment: Mapping[str, str]) -> Iterator[_Listed]:
    """All that upstream lists beside the run-time requirements, what is for tests first."""
    extras: dict[str, tuple[Purpose, str]] = {}
    for extra in _extras(facts.requirements):
        extras[extra] = (purpose_of(extra), f"the extra {extra}")
    found: list[_Listed] = []
    for entry in facts.tests.declared:
        text = re.sub(r"^\.(?=\[)", facts.name, entry.requirement)
        with suppress(InvalidRequirement):
            requirement = Requirement(text)
            if canonicalize_name(requirement.name) == facts.normalised:
                for extra in map(str, map(canonicalize_name, requirement.extras)):
                    purpose, _ = extras.get(extra, (Purpose.OTHER, ""))
                    extras[extra] = (min(purpose, entry.purpose), f"the extra {extra} ({entry.evidence})")
            elif _holds(requirement, environment):
                found.append(_Listed(requirement, entry.purpose, entry.evidence))
    for extra in extras:  # a list that has pytest is for development, whatever its name
        names = {str(canonicalize_name(r.name)) for r in facts.extra_requirements(extra, environment)}
        if "pytest" in names and extras[extra][0] is Purpose.OTHER:
            extras[extra] = (Purpose.DEVELOPMENT, extras[extra][1])
    todo = list(extras)
    for extra in todo:  # an extra may name others of the same distribution
        purpose, evidence = extras[extra]
        for requirement in facts.extra_requirements(extra, environment):
            if canonicalize_name(requirement.name) != facts.normalised:
                found.append(_Listed(requirement, purpose, evidence))
                continue
            for other in map(str, map(canonicalize_name, requirement.extras)):
                before = extras.get(other, (Purpose.OTHER, ""))[0]
                if other not in extras or purpose < before:
                    extras[other] = (min(purpose, before), f"the extra {other} (through {evidence})")
                    todo.append(other)
    yield from sorted(found, key=lambda listed: listed.purpose)


def _extras(requirements: Iterable[Requirement]) -> list[str]:
    """The names of the extras that the requirements' markers ask for, normalised."""
    markers = (str(r.marker) for r in requirements if asks_extra(r))
    names = chain.from_iterable(re.findall(r"""extra\s*==\s*["']([^"']+)["']""", marker) for marker in markers)
    return list(dict.fromkeys(str(canonicalize_name(name)) for name in names))


def _prefixes(module: str) -> list[str]:
    """The dotted names that a module begins with, the longest first."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _by_module(uses: Iterable[Used]) -> list[list[Used]]:
    """Uses that have their first component in common; shared namespaces apart, by two."""
    groups: dict[str, list[Used]] = {}
    for used in uses:
        parts = used.name.split(".")
        key = ".".join(parts[:2]) if parts[0] in _SHARED else parts[0]
        groups.setdefault(key, []).append(used)
    return list(groups.values())


#: Top-level names under which many distributions have their modules.
_SHARED = frozenset({
    "google", "azure", "zope", "opentelemetry", "jaraco", "backports", "ruamel", "sphinxcontrib", "repoze", "plone",
    "mpl_toolkits", "testing", "oslo", "xstatic", "dogpile", "paste", "logilab",
})  # fmt: skip


def _used_modules(facts: SdistFacts) -> Iterator[str]:
    yield from (used.name for used in facts.tests.foreign)
    yield from (module for file in facts.tests.own if _is_installed(file.path, facts) for module in file.anywhere)


def _is_installed(path: str, facts: SdistFacts) -> bool:
    parts = path.removesuffix(".py").split("/")
    return any(part in facts.modules for part in parts)


def _own_modules(facts: SdistFacts) -> set[str]:
    """The dotted names of the distribution's own modules; whole top-level ones where they are nobody else's."""
    names = {module for module in facts.modules if module not in facts.namespaces}
    for file in facts.tests.own:
        parts = file.path.removesuffix(".py").removesuffix("/__init__").split("/")
        at = next((i for i, part in enumerate(parts) if part in facts.namespaces), None)
        if at is not None and len(parts) > at + 1:
            names.add(".".join(parts[at : at + 2]))
    return names


def _is_within(module: str, names: set[str]) -> bool:
    return any(prefix in names for prefix in _prefixes(module))
