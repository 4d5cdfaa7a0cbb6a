"""The wording of tools that miss something: what a line of a log says is missing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from packaging.requirements import InvalidRequirement, Requirement

from debgen.archive.model import FileKind
from debgen.debianize.pytest_plugins import PLUGINS


class Ask(Enum):
    """How the suite is asked for something, besides the kinds of files."""

    MODULE = "module"
    DISTRIBUTION = "distribution"
    PACKAGE = "package"


@dataclass(frozen=True)
class Missing:
    """Something that a build asks for by ``name``; ``what`` names it to people, ``evidence`` is the log's line.

    ``bound`` is the version that was asked for, where one was.
    """

    ask: Ask | FileKind
    name: str
    what: str
    evidence: str
    bound: str = ""


_QUOTES = "'\"‘’`"
_MODULE = re.compile(
    r"(?:E\s+)?(?:ModuleNotFoundError|ImportError): No module named ['\"]?(?P<name>[\w.]+)['\"]?.*"
    r"|\S*python[\d.]*: No module named (?P<run>[\w.]+?)(?:\.__main__)?(?:;.*)?"
    r"|.*\(exception: No module named ['\"](?P<said>[\w.]+)['\"]\)"
    r"|\S+\.p(?:yx|xd):\d+:\d+: ['\"]?(?P<pxd>[\w.]+)['\"]?(?:\.pxd)?['\"]? (?:is not a cimported module|not found)"
)
_HEADER = re.compile(
    r".*(?:fatal error|error|Error): ['\"]?(?P<name>[\w+./-]+\.(?:h|hh|hpp|hxx|H)|[a-z]\w*/[\w+./-]+)['\"]?"
    r"(?:: No such file or directory| file not found)"
)
_LINK = re.compile(rf".*cannot find -l:?(?P<name>[^\s:{_QUOTES}]+).*|.*unable to find library -l(?P<lld>\S+)")
_PKG_CONFIG = re.compile(
    r"(?:--\s+|.*: )?(?:Package|No package) ['\"]?(?P<name>[\w.+-]+)['\"]?,?"
    r" (?:was not found in the pkg-config search path|(?:required by .*, )?not found|found).*"
    r"|.*CalledProcessError: Command .*'pkg-config',(?: '-[^']*',)* '(?P<called>[\w.+-]+)(?: .*)?'.*"
    r"|.*The pkg-config command (?:could not be found or )?.*`(?P<crate>[\w.+-]+)`.*"
)
_MESON = re.compile(
    r".*ERROR: (?:Dependency (?:lookup for )?[\"'](?P<dependency>[^\"']+)[\"'].* not found.*"
    r"|Program(?:\(s\))? \[?[\"'](?P<program>[^\"']+)[\"']\]?.* not found.*"
    r"|(?:C|C\+\+|Fortran|Cython|\w+) (?:shared or static )?library ['\"](?P<library>[^'\"]+)['\"] not found.*"
    r"|\S* ?[Hh]eader ['\"](?P<header>[^'\"]+)['\"] (?:not found|could not be found).*)"
)
_CMAKE_FIND = re.compile(
    r"Could NOT find (?P<name>[\w+.-]+)|By not providing \"Find(?P<module>[\w+.-]+)\.cmake\""
    r"|Could not find a package configuration file provided by \"(?P<config>[\w+.-]+)\""
)
_CMAKE_PC = re.compile(r"required packages were not found:(?P<list>(?:\s+- [\w.+-]+(?:[<>=]+[\w.]+)?)+)")
_PROGRAM = re.compile(
    r"make(?:\[\d+\])?: (?P<make>[\w.+-]+): No such file or directory"
    r"|(?:/bin/|/usr/bin/)?(?:ba|da)?sh: (?:line )?\d+: (?:exec: )?(?P<shell>[\w.+-]+): (?:command )?not found"
    r"|\S+: line \d+: (?P<bash>[\w.+-]+): command not found"
    r"|/usr/bin/env: [^\w]?(?P<env>[\w.+-]+)[^\w]?: No such file or directory"
    r"|(?:E\s+)?FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<python>[a-zA-Z][\w+-]*)'"
    r"|error: [Cc]ommand '(?P<distutils>[\w.+-]+)' failed: No such file or directory"
    r"|.*(?:unable to execute|error: linker|failed to (?:run|execute)) [`'](?P<execute>[\w.+-]+)[`']?"
    r".*No such file or directory.*"
)
_BACKEND = re.compile(r"ERROR Backend '(?P<name>[\w.]+)(?::\S*)?' is not available\.?.*")
_METADATA = re.compile(
    r"(?:E\s+)?\S*PackageNotFoundError: (?:No package metadata was found for )?(?P<name>[\w.-]+)"
    r"|(?:E\s+)?\S*(?:DistributionNotFound|VersionConflict).*?: The '(?P<found>[^']+)' distribution was not found.*"
    r"|.*\.DistributionNotFound: (?P<required>[\w.-]+)"
)
_ARGUMENTS = re.compile(r".*: error: unrecognized arguments: (?P<arguments>.+)")
_FIXTURE = re.compile(r"(?:E\s+)?fixture '(?P<name>\w+)' not found")
_SETTING = re.compile(
    r"(?:ERROR: |E\s+|.*PytestConfigWarning: )?Unknown config option: (?P<option>\w+).*"
    r"|(?:E\s+)?(?:Failed: )?'(?P<marker>\w+)' not found in `markers` configuration option"
    r"|(?P<coroutine>(?:E\s+)?(?:Failed: )?async def functions are not natively supported.*)"
)
_CRATE = re.compile(r"error: no matching package(?: named)? `(?P<name>[\w-]+)` found.*")
_ADDON = re.compile(r"dh: error: unable to load addon (?P<name>\S+):.*")


#: Options of plug-ins that no test needs to pass; upstream's settings can ask for them all the same.
_OPTIONS = {
    "--cov": "pytest-cov", "--no-cov": "pytest-cov", "-n": "pytest-xdist", "--numprocesses": "pytest-xdist",
    "--dist": "pytest-xdist", "--html": "pytest-html", "--reruns": "pytest-rerunfailures",
    "--randomly": "pytest-randomly", "--random-order": "pytest-random-order", "--mypy": "pytest-mypy",
    "--flake8": "pytest-flake8", "--typeguard-packages": "typeguard", "--junitxml": "",
}  # fmt: skip
_WORD = {
    FileKind.PKG_CONFIG: "the pkg-config file of",
    FileKind.PROGRAM: "the program",
    FileKind.LINK: "the library",
    FileKind.HEADER: "the header",
}
_MESON_KINDS = {
    "dependency": FileKind.PKG_CONFIG, "program": FileKind.PROGRAM,
    "library": FileKind.LINK, "header": FileKind.HEADER,
}  # fmt: skip
#: Modules that the standard library had, and a package of its own has now.
_GONE = frozenset({"distutils", "imp", "asyncore", "asynchat", "smtpd", "cgi", "telnetlib", "crypt", "pipes"})


def missing_in(lines: Sequence[str]) -> Iterator[Missing]:
    """What the lines say is missing, in their order; then what is said in blocks of lines."""
    for line in lines:
        yield from _of_line(line.strip())
    for number, line in enumerate(lines):
        if line.startswith("CMake Error at "):
            yield from _of_cmake(lines[number : number + 12])
        elif line.startswith("ERROR Missing dependencies:"):
            yield from _of_requirements(lines[number:])


def _of_line(text: str) -> Iterator[Missing]:
    if found := _MODULE.fullmatch(text):
        name = _group(found)
        if name.partition(".")[0] not in sys.stdlib_module_names - _GONE:
            yield Missing(Ask.MODULE, name, f"the module {name}", text)
    elif found := _HEADER.fullmatch(text):
        yield Missing(FileKind.HEADER, found["name"], f"the header {found['name']}", text)
    elif found := _LINK.fullmatch(text):
        name = _group(found).removeprefix("lib").partition(".so")[0]
        yield Missing(FileKind.LINK, name, f"the library lib{name}", text)
    elif found := _MESON.fullmatch(text):
        kind, name = next((_MESON_KINDS[key], value) for key, value in found.groupdict().items() if value)
        yield Missing(kind, name, f"{_WORD[kind]} {name}", text)
    elif found := _PKG_CONFIG.fullmatch(text):
        name = _group(found)
        yield Missing(FileKind.PKG_CONFIG, name, f"{_WORD[FileKind.PKG_CONFIG]} {name}", text)
    elif found := _PROGRAM.fullmatch(text):
        yield Missing(FileKind.PROGRAM, _group(found), f"the program {_group(found)}", text)
    elif found := _BACKEND.fullmatch(text):
        yield Missing(Ask.MODULE, found["name"], f"the build back end {found['name']}", text)
    elif found := _METADATA.fullmatch(text):
        yield from _requirement(_group(found), text)
    elif found := _CRATE.fullmatch(text):
        package = f"librust-{found['name'].replace('_', '-').lower()}-dev"
        yield Missing(Ask.PACKAGE, package, f"the crate {found['name']}", text)
    elif found := _ADDON.fullmatch(text):
        package = f"dh-sequence-{found['name'].replace('_', '-')}"
        yield Missing(Ask.PACKAGE, package, f"dh's add-on {found['name']}", text)
    else:
        yield from _of_pytest(text)


def _of_pytest(text: str) -> Iterator[Missing]:
    """What a plug-in brings: options, fixtures, settings and marks."""
    if found := _ARGUMENTS.fullmatch(text):
        asked = [(word, "options") for word in found["arguments"].split() if word.startswith("-")]
    elif found := _FIXTURE.fullmatch(text):
        asked = [(found["name"], "fixtures")]
    elif (found := _SETTING.fullmatch(text)) and found["coroutine"]:
        asked = [("asyncio", "marks")]
    elif found:
        asked = [(found["option"] or found["marker"], "settings" if found["option"] else "marks")]
    else:
        return
    for word, where in asked:
        if plugin := plugin_of(word, where):
            yield Missing(Ask.DISTRIBUTION, plugin, f"{plugin} (pytest's {where} {word.partition('=')[0]})", text)


def plugin_of(word: str, where: str) -> str:
    """The distribution whose plug-in of pytest has ``word`` among its ``where``; empty where none is known.

    >>> plugin_of("--cov-report=xml", "options"), plugin_of("asyncio_mode", "settings"), plugin_of("mocker", "fixtures")
    ('pytest-cov', 'pytest-asyncio', 'pytest-mock')
    """
    word = word.partition("=")[0]
    for name, plugin in PLUGINS.items():
        known: tuple[str, ...] = getattr(plugin, where)
        if word in known or (where == "options" and any(word.startswith(start) for start in known)):
            return name
    if where != "options":
        return ""
    return next((name for start, name in _OPTIONS.items() if word == start or word.startswith(f"{start}-")), "")


def _requirement(text: str, evidence: str) -> Iterator[Missing]:
    """A distribution whose metadata is asked for, with its bound."""
    try:
        asked = Requirement(text)
    except InvalidRequirement:
        return
    yield Missing(Ask.DISTRIBUTION, asked.name, f"the distribution {asked.name}", evidence, str(asked.specifier))


def _of_requirements(lines: Sequence[str]) -> Iterator[Missing]:
    """What python3-build lists as missing, one a line (and indented by a tab), or behind its colon."""
    first = lines[0].partition(":")[2]
    for text in (first, *(line for line in lines[1:30])):
        if text and not text.startswith(("\t", " ")):
            break
        for part in text.split(" -> ")[-1:]:
            yield from _requirement(part.strip(), f"{lines[0].strip()} {part.strip()}")


def _of_cmake(lines: Sequence[str]) -> Iterator[Missing]:
    """An error of CMake is told in several lines, which it breaks between words; two empty lines end it."""
    block: list[str] = []
    for line in lines:
        if block and (line.startswith(("--", "CMake ", "Call Stack")) or not (line.strip() or block[-1])):
            break
        block.append(line.strip())
    text = " ".join(word for line in block for word in line.split())
    evidence = f"{block[0]} {text.removeprefix(' '.join(block[0].split())).strip()}"[:200]
    if found := _CMAKE_PC.search(text):
        for name in re.findall(r"- ([A-Za-z0-9][\w.+-]*?)(?=[<>=\s]|$)", found["list"]):
            yield Missing(FileKind.PKG_CONFIG, name, f"{_WORD[FileKind.PKG_CONFIG]} {name}", evidence)
    elif found := _CMAKE_FIND.search(text):
        name = _group(found)
        yield Missing(FileKind.CMAKE, name, f"the CMake config of {name}", evidence)


def _group(found: re.Match[str]) -> str:
    """The one group that took part."""
    return next((group for group in found.groups() if group), "")
