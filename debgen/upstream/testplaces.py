"""Where the tests of an sdist are, and how they get to where they run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from debgen.upstream.pytestsettings import PytestSettings
from debgen.upstream.testcommands import TestCommand
from debgen.upstream.testfiles import Read

FOLDERS = ("tests", "test", "testing", "testsuite", "unittests", "t")
_NEVER = frozenset({"build", "dist", "node_modules", "venv", ".tox", ".nox", "site-packages", "debian"})
#: Folders in which code for people to read stands, which looks like tests at times.
SHOWN = frozenset({"examples", "example", "docs", "doc", "benchmarks", "benchmark", "samples", "demo", "demos"})
#: Files that make a folder the one from which tests are run.
_PROJECT = ("Cargo.toml", "pyproject.toml", "setup.py", "pytest.ini", "tox.ini")
_TEST_NAME = re.compile(r"test_[^/]*\.py|[^/]*_tests?\.py|tests?\.py|test[A-Z][^/]*\.py|[^/]*Test\.py")


@dataclass(frozen=True)
class TestPlace:
    """A folder or file with tests.

    ``path`` is its place in the sdist, ``target`` the one below the folder in which the tests run: pybuild copies
    ``copied`` to ``copied_to`` there. Tests with a ``module`` belong into their package, which they import
    relatively, and are run from within it.
    """

    __test__ = False  # not a test class, whatever its name says

    path: str
    target: str
    copied: str = ""
    copied_to: str = ""
    module: str = ""

    def run_path(self, path: str) -> str:
        """Where a file of the sdist that belongs to this place is when the tests run."""
        if self.copied and is_in(path, self.copied):
            return self.copied_to + path[len(self.copied) :]
        return self.target + path[len(self.path) :]

    def sdist_path(self, path: str) -> str:
        """The other way round; empty where the file doesn't belong here."""
        for there, here in ((self.copied_to, self.copied), (self.target, self.path)):
            if there and is_in(path, there):
                return here + path[len(there) :]
        return ""


def python_files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") or part in _NEVER or part.endswith(".egg-info") for part in parts[:-1])
        if not hidden and path.is_file() and not path.is_symlink():
            yield path


def is_in(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}/")


def _looks_like_test(name: str, settings: PytestSettings) -> bool:
    base = name.rpartition("/")[2]
    return bool(_TEST_NAME.fullmatch(base)) or any(fnmatchcase(base, p) for p in settings.python_files)


def find_places(
    root: Path, python: list[Path], settings: PytestSettings, commands: tuple[TestCommand, ...]
) -> tuple[TestPlace, ...]:
    """Where tests are: where upstream's settings or commands say so, then where they usually are."""
    names = [path.relative_to(root).as_posix() for path in python]

    def holding(candidates: Iterable[str]) -> list[str]:
        """Those of the candidates, without a last slash, that are folders or files with tests in them."""
        found = []
        for candidate in candidates:
            clean = candidate.split("::")[0].strip().removeprefix("./").rstrip("/")
            inside = [name for name in names if clean and is_in(name, clean)]
            if any(_looks_like_test(name, settings) for name in inside) and not _is_package(root, clean):
                found.append(clean)
        return found

    asked = [path for command in commands if command.runner in ("pytest", "unittest") for path in command.paths]
    chosen = holding(path for pattern in settings.testpaths for path in _expanded(root, pattern))
    if not chosen:
        chosen = holding(asked)
    if not chosen:
        chosen = holding(folder for folder in FOLDERS if (root / folder).is_dir())
    if not chosen:
        chosen = holding(_inner_folders(names))
    if not chosen:
        chosen = holding(name for name in names if "/" not in name and name not in ("setup.py", "conftest.py"))
    if not chosen:  # tests beside the modules that they test
        chosen = sorted({name for name in names if re.search(r"(?:^|/)(?:test_[^/]+|[^/]+_test)\.py$", name)
                         and not SHOWN & set(name.split("/")[:-1])})  # fmt: skip
    if not chosen:  # a folder of tests whose files are called otherwise
        chosen = [folder for folder in ("tests", "test") if any(is_in(name, folder) for name in names)]
    kept = [path for path in dict.fromkeys(chosen) if not any(is_in(path, other) for other in chosen if other != path)]
    found: dict[str, TestPlace] = {}
    for path in kept:
        copied = _copied(root, path)
        base = copied.rpartition("/")[2]
        if any(other.copied_to == base and other.copied != copied for other in found.values()):
            base = copied.replace("/", "_")  # pybuild would leave out a second one of that name
        found[path] = TestPlace(path, base + path[len(copied) :], copied, base)
    return tuple(found.values())


def _copied(root: Path, path: str) -> str:
    """What has to be there for the tests at ``path``: the topmost folder that isn't the package's own."""
    parts = path.split("/")
    package = (root / parts[0] / "__init__.py").is_file() and parts[0] not in FOLDERS
    if not package and (depth := _project_depth(root, parts)):
        return "/".join(parts[: depth + 1])
    if len(parts) == 1 or not (package or parts[0] in ("src", "lib", "python")):
        return parts[0]
    at = next((i for i, part in enumerate(parts) if part in (*FOLDERS, "_tests")), len(parts) - 1)
    return "/".join(parts[: at + 1])


def _project_depth(root: Path, parts: list[str]) -> int:
    """How many folders lead to a project inside of the sdist, from whose folder its tests are run; 0 for none."""

    def is_project(depth: int) -> bool:
        folder = root.joinpath(*parts[:depth])
        return any((folder / name).is_file() for name in _PROJECT) and not (folder / "__init__.py").is_file()

    return next((depth for depth in range(len(parts) - 1, 0, -1) if is_project(depth)), 0)


def _is_package(root: Path, folder: str) -> bool:
    """Whether a folder that upstream has its tests collected from is the package itself, for its doctests."""
    if not (root / folder / "__init__.py").is_file():
        return folder in ("src", "lib", ".", "")
    return not re.search(r"tests?(?:$|/)|testing", folder)


def _expanded(root: Path, pattern: str) -> list[str]:
    if not re.search(r"[*?\[]", pattern) or pattern.startswith("/") or ".." in pattern:
        return [pattern]
    return [path.relative_to(root).as_posix() for path in sorted(root.glob(pattern))]


def _inner_folders(names: list[str]) -> list[str]:
    """The topmost folders called like tests inside of packages."""
    found: dict[str, None] = {}
    for name in names:
        parts = name.split("/")[:-1]
        if SHOWN & set(parts):
            continue
        at = next((i for i, part in enumerate(parts) if part in ("tests", "test", "testing", "_tests")), None)
        if at:
            found["/".join(parts[: at + 1])] = None
    return list(found)


def settled(root: Path, place: TestPlace, reads: list[Read], runner: str) -> TestPlace:
    """How a place inside of a package is run: copied out, or by its dotted name where it needs its surroundings."""
    folder = place.path
    parts = folder.split("/")
    inside = [read for read in reads if is_in(read.path, folder)]
    climbs = any(read.climbs > read.path.count("/") - folder.count("/") for read in inside if read.path != folder)
    if len(parts) > 1 and climbs and (root / parts[0] / "__init__.py").is_file():
        return _installed(root, place)  # files are looked for from there
    if len(parts) == 1 or not (root / folder / "__init__.py").is_file():
        if folder.endswith(".py") and (root / folder).parent.joinpath("__init__.py").is_file() and len(parts) > 1:
            return _installed(root, place)
        return place
    out = any(read.dots > read.path.count("/") - folder.count("/") for read in inside)
    installed = _installed(root, place)
    dotted = installed.module
    named = any(module == dotted or module.startswith(f"{dotted}.") for read in inside for module, _, _ in read.imports)
    return installed if (out or named or runner == "unittest") and dotted else place


def _installed(root: Path, place: TestPlace) -> TestPlace:
    """The place by its dotted name: from the topmost folder around it that is a package."""
    parts = place.path.split("/")
    first = len(parts) - 1
    while first > 0 and (root / "/".join(parts[:first]) / "__init__.py").is_file():
        first -= 1
    if parts[0] in ("src", "lib", "python") and not (root / parts[0] / "__init__.py").is_file():
        first = 1  # between it and the package there may be namespaces
    dotted = ".".join(parts[first:]).removesuffix(".py")
    target = "/".join(parts[first:])
    return TestPlace(place.path, target, place.path, target, dotted)


def joined(root: Path, places: tuple[TestPlace, ...]) -> tuple[TestPlace, ...]:
    """Several folders of tests inside of one package stay there: beside each other, their names would clash."""
    if len(places) < 2 or not all("/" in place.path and not place.path.endswith(".py") for place in places):
        return places
    tops = {_installed(root, place).module.partition(".")[0] for place in places}
    inside = all((root / place.path).parent.joinpath("__init__.py").is_file() for place in places)
    return tuple(_installed(root, place) for place in places) if inside and len(tops) == 1 else places


def has_init(root: Path, path: str) -> bool:
    return (root / path).parent.joinpath("__init__.py").is_file()
