"""What an sdist's tests are: where, what runs them, what they use, and what upstream declares for them."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from debgen.upstream.pytestsettings import PytestSettings, read_settings
from debgen.upstream.sourcefiles import SourceFile, own_files
from debgen.upstream.stdlib import is_standard
from debgen.upstream.tables import table as table  # readers of other facts have it from here
from debgen.upstream.testapart import apart_from
from debgen.upstream.testbroken import broken_files
from debgen.upstream.testcommands import TestCommand, read_commands
from debgen.upstream.testdeclarations import Declared, read_declarations
from debgen.upstream.testenvironment import Setting, read_environment
from debgen.upstream.testfiles import How, Read, Used, gathered, read_files
from debgen.upstream.testplaces import FOLDERS, SHOWN, find_places, has_init, is_in, joined, python_files, settled
from debgen.upstream.testplaces import TestPlace as TestPlace

_OWN_SCRIPTS = ("runtests.py", "run_tests.py", "test.py", "tests.py", "test_all.py", "testall.py", "alltests.py")
_OLD_ZONE = re.compile(
    r"(?:US|Canada|Brazil|Chile|Mexico)/[A-Z][\w-]+|Asia/(?:Calcutta|Katmandu|Rangoon|Saigon)|Europe/(?:Kiev|Belfast)"
    r"|America/(?:Buenos_Aires|Indianapolis)|GB|NZ|PRC|Japan|Singapore|Hongkong|Israel|Eire"
)


@dataclass(frozen=True)
class Unimportable:
    """A test file that can't be imported from this sdist, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variable of the environment that tests insist on, where, and the test files that come to nothing without."""

    variable: str
    evidence: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class TestFacts:
    """The tests of an sdist: where they are, what runs them, what they use, what is declared for them.

    ``directory`` is the first place of ``places``, empty where there are no tests; ``reason`` then says so.
    ``runner`` is ``pytest``, ``unittest``, or ``custom``, with ``command`` the arguments of the interpreter.
    """

    __test__ = False  # not a test class, whatever its name says

    directory: str = ""
    runner: str = ""
    places: tuple[TestPlace, ...] = ()
    #: What says that this is the runner, as ``path:line`` or a sentence.
    runner_evidence: str = ""
    command: str = ""
    unimportable: tuple[Unimportable, ...] = ()
    #: Test files that import their siblings relatively, in folders that the sdist has no ``__init__.py`` of.
    unpackaged: tuple[str, ...] = ()
    #: Whether tests talk to servers of their own on the loopback interface.
    loopback: bool = False
    #: Whether tests set or read the variables that name proxies.
    proxies: bool = False
    settings: PytestSettings = field(default_factory=PytestSettings)
    #: Options of pytest that upstream's own conftest.py defines.
    options: tuple[str, ...] = ()
    #: Those of them that take no value; and the marks that it declares, with their descriptions.
    flags: tuple[str, ...] = ()
    registered_marks: tuple[str, ...] = ()
    #: Variables of the environment that tests ask for, that they insist on, and that upstream sets for them.
    asked_variables: tuple[str, ...] = ()
    wanted_variables: tuple[Wanted, ...] = ()
    environment: tuple[Setting, ...] = ()
    #: The paths of all Python files among the tests, and of those that hold tests.
    files: tuple[str, ...] = ()
    test_files: tuple[str, ...] = ()
    #: Modules of others that the tests import, by dotted name; fixtures that they ask for and don't define; marks.
    foreign: tuple[Used, ...] = ()
    fixtures: tuple[Used, ...] = ()
    marks: tuple[Used, ...] = ()
    #: Files and folders at the sdist's top that tests import or open.
    beside: tuple[str, ...] = ()
    #: The package's own top-level folders whose files tests name by their paths from the sdist's top.
    inside: tuple[str, ...] = ()
    declared: tuple[Declared, ...] = ()
    #: The package's own Python files.
    own: tuple[SourceFile, ...] = ()
    #: A test file that names a time zone of the old style, such as US/Eastern.
    old_zones: str = ""
    #: Tests that install from a package index: the file, what pytest selects below it, and where.
    installs: tuple[tuple[str, str, str], ...] = ()
    #: A file of the tests, or of what they test, that has torch compile functions.
    compiles: str = ""
    #: All words in the tests, in small letters: they tell which extras are tested.
    words: frozenset[str] = frozenset()
    reason: str = ""

    @property
    def imports(self) -> tuple[str, ...]:
        """The top-level names of the modules of others that the tests import."""
        return tuple(sorted({used.name.partition(".")[0] for used in self.foreign}))

    @property
    def addopts(self) -> str:
        """Upstream's options for pytest, as one line."""
        return self.settings.addopts


def read_tests(root: Path, pyproject: Mapping[str, Any], setup_cfg: configparser.ConfigParser) -> TestFacts:
    """Read the tests of the sdist at ``root``; without ``directory`` where it ships none."""
    settings = read_settings(root)
    commands = read_commands(root, pyproject)
    declared = read_declarations(root, pyproject)
    python = list(python_files(root))
    places = find_places(root, python, settings, commands)
    inside = [path for path in python if any(is_in(path.relative_to(root).as_posix(), p.path) for p in places)]
    conftest = [root / "conftest.py"] if (root / "conftest.py") in python and places else []
    reads = read_files(root, sorted({*inside, *conftest}), settings.python_files)
    own = tuple(own_files(root, [p for p in python if p not in set(inside)]))
    if not any(read.has_tests or read.main_guard for read in reads):
        return TestFacts(settings=settings, declared=declared, own=own, reason=_why_not(root, places))
    runner, command, evidence = _runner(root, settings, commands, reads, places)
    places = joined(root, tuple(settled(root, place, reads, runner) for place in places))
    if runner == "pytest" and not any(read.is_test for read in reads):  # pytest is told each file by its name
        named = [read.path for read in reads if read.has_tests]
        places = tuple(replace(p, path=name, target=p.run_path(name), module="") for p in places[:1] for name in named)
    apart = [read for read in reads if read.relative and read.has_tests and not has_init(root, read.path)]
    apartless = {
        read.path: f"imports its sibling {absent}, which the sdist lacks"
        for read in apart
        if (absent := _absent_sibling(root, read))
    }
    broken = broken_files(reads, apartless)
    unimportable = tuple(Unimportable(*problem) for problem in sorted(broken.items()))
    every = "--doctest-modules" in settings.addopts  # for which pytest imports what has no tests of its own, too
    working = [read for read in reads if read.path not in broken and (every or _counts(read, reads))]
    local = _local(root, inside, places, settings)
    defined = set().union(*(read.defines for read in reads)) if reads else set()
    asked = set().union(*(read.variables for read in reads))
    places, beside = apart_from(root, places, _beside(root, working, places, own, settings), working, settings)
    return TestFacts(
        directory=places[0].path,
        runner=runner,
        places=places,
        runner_evidence=evidence,
        command=command,
        unimportable=unimportable,
        unpackaged=tuple(read.path for read in apart if read.path not in broken),
        loopback=any(read.loopback for read in reads),
        proxies=any(read.proxies for read in reads),
        settings=settings,
        options=tuple(sorted(set().union(*(read.options for read in reads)))),
        flags=tuple(sorted(set().union(*(read.flags for read in reads)))),
        registered_marks=tuple(mark for read in reads for mark in read.declares_marks),
        asked_variables=tuple(sorted(asked)),
        wanted_variables=tuple(_wanted(reads)),
        environment=read_environment(root, pyproject, asked),
        files=tuple(read.path for read in reads),
        test_files=tuple(read.path for read in reads if _runs(read, runner) and _collected(read, places)),
        foreign=gathered(
            (module, f"{read.path}:{line}", how)
            for read in working
            for module, line, how in read.imports
            if module.partition(".")[0] not in local and not is_standard(module)
        ),
        fixtures=gathered(
            (name, f"{read.path}:{line}", How.TOP)
            for read in working
            for name, line in read.asks_fixtures
            if name not in defined
        ),
        marks=gathered((name, f"{read.path}:{line}", How.TOP) for read in working for name, line in read.marks),
        beside=beside,
        inside=_named_inside(root, working, own),
        declared=declared,
        own=own,
        words=frozenset().union(*(read.words for read in working)),
        installs=tuple((read.path, name, f"{read.path}:{line}") for read in reads for name, line in read.installs),
        compiles=next((path for path, compiles in _compiling(working, own) if compiles), ""),
        old_zones=next((read.path for read in working if any(map(_OLD_ZONE.fullmatch, read.strings))), ""),
    )


def _compiling(reads: list[Read], own: tuple[SourceFile, ...]) -> list[tuple[str, bool]]:
    return [*((read.path, read.compiles) for read in reads), *((file.path, file.compiles) for file in own)]


def _absent_sibling(root: Path, read: Read) -> str:
    """The first module that a test file imports relatively and the sdist doesn't have, as the import writes it."""
    for sibling in sorted(read.siblings):
        name = sibling.lstrip(".")
        folder = (root / read.path).parent
        for _ in range(len(sibling) - len(name) - 1):
            folder = folder.parent
        base = folder.joinpath(*name.split("."))
        if not base.is_dir() and not base.with_suffix(".py").is_file() and not (folder / "__init__.py").is_file():
            return sibling
    return ""


def _runs(read: Read, runner: str) -> bool:
    """Whether the runner takes the file for tests: pytest goes by its name."""
    return read.has_tests and (read.is_test or runner != "pytest")


def _wanted(reads: list[Read]) -> Iterator[Wanted]:
    """The variables that tests insist on; the test files are those that use what comes to it."""
    for read in reads:
        folder = read.path.rpartition("/")[0]
        for variable, line, names in read.wants:
            if not names and not read.is_test:  # importing the file comes to it
                users = [other for other in reads if is_in(other.path, folder) and other.has_tests]
            elif not names:
                users = [read]
            else:
                users = [other for other in reads if other is not read and other.has_tests and other.mentions & names]
            yield Wanted(variable, f"{read.path}:{line}", tuple(other.path for other in users))


def _counts(read: Read, reads: list[Read]) -> bool:
    """Whether a file takes part in the tests: it is one, or a conftest.py, or one of the others imports it."""
    parts = read.path.removesuffix(".py").split("/")
    if read.is_test or read.unittest_tests or parts[-1] in ("conftest", "__init__") or len(reads) == 1:
        return True
    return any(parts[-1] in other.mentions for other in reads if other is not read)


def _collected(read: Read, places: tuple[TestPlace, ...]) -> bool:
    return any(is_in(read.path, place.path) for place in places)


def _runner(
    root: Path,
    settings: PytestSettings,
    commands: tuple[TestCommand, ...],
    reads: list[Read],
    places: tuple[TestPlace, ...],
) -> tuple[str, str, str]:
    """The runner, the interpreter's arguments for one of upstream's own, and what says so."""
    if settings.evidence:
        return "pytest", "", settings.evidence
    uses = next((f"{r.path}:{line}" for r in reads for m, line, _ in r.imports if m.partition(".")[0] == "pytest"), "")
    if uses:
        return "pytest", "", uses
    for command in commands:
        if command.runner == "pytest":
            return "pytest", "", command.evidence
    plain = next((read.path for read in reads if read.pytest_tests and read.is_test), "")
    if plain:
        return "pytest", "", f"{plain} has plain functions as tests"
    for command in commands:
        words = " ".join(command.arguments)
        if command.runner == "module" and _module_exists(root, command.target):
            return "custom", f"-m {command.target} {words}".strip(), command.evidence
        if command.runner == "script" and (root / command.target).is_file() and "setup.py" not in command.target:
            return "custom", f"{command.target} {words}".strip(), command.evidence
    cases = (read.path for read in reads if read.unittest_tests or (read.is_test and _imports_unittest(read)))
    case = next(cases, "")
    if case:
        packages = all((root / place.path / "__init__.py").is_file() or place.path.endswith(".py") for place in places)
        matching = any(
            fnmatchcase(r.path.rpartition("/")[2], "test*.py") for r in reads if r.unittest_tests or r.is_test
        )
        # unittest finds nothing in a folder that is no package, nor in files called otherwise; pytest is told them
        if packages and matching:
            return "unittest", "", f"{case} has test cases, and nothing here is about pytest"
        return "pytest", "", f"{case} has test cases that unittest would not find"
    script = next((name for name in _OWN_SCRIPTS if any(r.path == name and r.main_guard for r in reads)), "")
    if script:
        return "custom", script, f"{script} runs the tests by itself"
    return "pytest", "", "files that are named as pytest takes them for tests"


def _imports_unittest(read: Read) -> bool:
    return any(module.split(".")[0] == "unittest" and "mock" not in module for module, _, _ in read.imports)


def _module_exists(root: Path, module: str) -> bool:
    path = module.replace(".", "/")
    return any((root / b / f"{path}{end}").exists() for b in ("", "src", "lib") for end in (".py", "/__init__.py"))


def _local(root: Path, inside: list[Path], places: tuple[TestPlace, ...], settings: PytestSettings) -> set[str]:
    """Names that the tests can import from among themselves, or from what lies beside them."""
    names = {name for folder in settings.pythonpath for name in _modules_in(root, folder)}
    names |= {path.stem for path in inside} | {place.path.rpartition("/")[2].removesuffix(".py") for place in places}
    for path in inside:
        names |= set(path.relative_to(root).parts[:-1])
    roots = {path.stem for path in root.glob("*.py")}
    folders = {path.name for path in root.iterdir() if path.is_dir() and next(path.glob("**/*.py"), None)}
    return names | roots | (folders - {"src", "lib"})


def _modules_in(root: Path, folder: str) -> set[str]:
    """The names of the modules that can be imported where a folder of the sdist is on Python's path."""
    if ".." in folder or folder.startswith("/") or not (root / folder).is_dir():
        return set()
    return {path.stem for path in (root / folder).iterdir() if path.suffix == ".py" or next(path.glob("*.py"), None)}


def _beside(
    root: Path,
    reads: list[Read],
    places: tuple[TestPlace, ...],
    own: tuple[SourceFile, ...],
    settings: PytestSettings,
) -> tuple[str, ...]:
    """Entries of the sdist's top folder that tests import or name in their strings; the package's own aren't among."""
    packages = {file.path.split("/")[0] for file in own if "/" in file.path and _is_own(root, file.path)}
    taken = {place.path.split("/")[0] for place in places} | packages | {"src", "lib", "build", "dist", "debian"}
    entries = {path.name: path.is_dir() for path in root.iterdir() if not path.name.endswith((".egg-info", ".pyc"))}
    said = set().union(*(read.strings for read in reads)) if reads else set()
    imported = {module.partition(".")[0] for read in reads for module, _, _ in read.imports}
    parts = {text.split("/")[0] for read in reads if read.names_itself for text in read.joined}
    paths = {folder.split("/")[0] for folder in settings.pythonpath if imported & _modules_in(root, folder)}
    found = set()
    for name, is_folder in entries.items():
        if name in taken or name in ("conftest.py", "setup.py", "PKG-INFO", "LICENSE"):
            continue
        if is_folder:
            told = any(_names_inside(root, text, name) for text in said) or (name in said and name in _DATA)
            if told or name in parts | paths or (name in imported and name in _DATA):
                found.add(name)
        elif name in said or (name.endswith(".py") and name[:-3] in imported and not _is_module(own, name)):
            found.add(name)
    return tuple(sorted(found))


def _named_inside(root: Path, reads: list[Read], own: tuple[SourceFile, ...]) -> tuple[str, ...]:
    said = {text for read in reads for text in read.strings if "/" in text}
    tops = {file.path.split("/")[0] for file in own if "/" in file.path and _is_own(root, file.path)}
    return tuple(
        sorted(top for top in tops if any(_is_file(root, text) for text in said if text.startswith(f"{top}/")))
    )


def _is_file(root: Path, text: str) -> bool:
    try:
        return ".." not in text and (root / text).is_file()
    except (OSError, ValueError):
        return False


#: Folders of such a name hold what tests read.
_DATA = SHOWN | {"data", "testdata", "test_data", "test-data", "fixtures", "schemas", "schema", "resources", "assets",
                  "notebooks", "templates", "scripts", "tools", "utils", "tests", "test", "testing"}  # fmt: skip


def _names_inside(root: Path, text: str, folder: str) -> bool:
    at = text.find(f"{folder}/")
    if at < 0 or (at and text[at - 1] not in "/.") or ".." in text[at:] or len(text) > 150:
        return False
    try:
        return (root / text[at:]).exists()
    except (OSError, ValueError):
        return False


def _is_own(root: Path, name: str) -> bool:
    top = name.split("/")[0]
    return (root / top / "__init__.py").is_file() and top not in SHOWN | set(FOLDERS)


def _is_module(own: tuple[SourceFile, ...], name: str) -> bool:
    """Whether a file at the top is what the distribution installs: then there is no package beside it."""
    return not any("/" in file.path for file in own) and any(file.path == name for file in own)


def _why_not(root: Path, places: tuple[TestPlace, ...]) -> str:
    """Why there is nothing to run, as a sentence without its first and last sign."""
    if places:
        return f"the sdist has {places[0].path}, but no tests in it"
    return "the sdist has no tests"
