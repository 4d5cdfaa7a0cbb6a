"""How upstream runs its tests: the commands that tox, nox, hatch and a Makefile have for it."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debgen.upstream.tables import ini_of, place, strings, table, text_of, toml_of, words

_INTERPRETER = re.compile(r"(?:.*/)?python[\d.]*|\{envpython\}|py")
#: Programs that only start another one.
_STARTERS = frozenset({"uv", "poetry", "pdm", "hatch", "pipenv", "rye", "run", "env", "time", "xvfb-run"})
#: Environments of tox and nox, and targets, that do something else than to test.
OTHER_ENVIRONMENT = re.compile(
    r"lint|doc|typ(?:e|ing)|mypy|pyright|flake|ruff|black|format|style|pep8|isort|build|release|publish|upload|dist|package"
    r"|pre-?commit|check|manifest|changelog|clean|bench|coverage|report|example|audit|safety|bandit|security|spell"
)


@dataclass(frozen=True)
class TestCommand:
    """One command: what runs (``pytest``, ``unittest``, ``module`` or ``script``), with which arguments."""

    __test__ = False  # not a test class, whatever its name says

    runner: str
    target: str
    arguments: tuple[str, ...]
    evidence: str

    @property
    def paths(self) -> tuple[str, ...]:
        """Those arguments that aren't options."""
        return tuple(word for word in self.arguments if not word.startswith("-"))


def read_commands(root: Path, pyproject: object) -> tuple[TestCommand, ...]:
    """The commands that run tests, in the order of the files."""
    found = (_understood(line, evidence) for line, evidence in _lines(root, pyproject))
    return tuple(dict.fromkeys(command for command in found if command is not None))


def _understood(line: tuple[str, ...], evidence: str) -> TestCommand | None:
    """Which runner a command line starts, behind whatever starts or measures it."""
    rest = list(line)
    while rest:
        word = rest.pop(0)
        name = word.rsplit("/", 1)[-1]
        if name in ("pytest", "py.test"):
            return TestCommand("pytest", "", tuple(rest), evidence)
        if name == "coverage":
            if rest[:1] != ["run"]:
                return None
            rest = _after_options(rest[1:])
            name = "python"
        elif _INTERPRETER.fullmatch(word):
            rest = _after_options(rest)
            name = "python"
        if name == "python":
            return _python(rest, evidence)
        if name == "trial":
            return TestCommand("module", "twisted.trial", tuple(rest), evidence)
        if name not in _STARTERS and not name.startswith("-") and not re.fullmatch(r"\w+=.*", name):
            return None
    return None


def _after_options(rest: list[str]) -> list[str]:
    """What comes after the interpreter's (or coverage's) own options, up to ``-m``."""
    while rest and rest[0].startswith("-") and rest[0] != "-m":
        option = rest.pop(0)
        if option in ("-W", "-X", "-p") and rest:
            rest.pop(0)
    return rest


def _python(rest: list[str], evidence: str) -> TestCommand | None:
    if rest[:1] == ["-m"] and len(rest) > 1:
        module, arguments = rest[1], tuple(rest[2:])
        if module in ("pytest", "unittest"):
            return TestCommand(module, "", arguments, evidence)
        if module == "coverage":
            return _understood(("coverage", *arguments), evidence)
        if re.search(r"(?:^|[._])(?:tests?|testing|selftest|trial)(?:$|[._])", module):
            return TestCommand("module", module, arguments, evidence)
    if rest and re.search(r"tests?[^/]*\.py$", rest[0], re.I) and not rest[0].startswith("/"):
        return TestCommand("script", rest[0].removeprefix("./"), tuple(rest[1:]), evidence)
    return None


def _lines(root: Path, pyproject: object) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in ("tox.ini", "setup.cfg"):
        text = text_of(root / name)
        yield from _tox_lines(ini_of(text), name, text)
    text = text_of(root / "pyproject.toml")
    tox = table(pyproject, "tool", "tox")
    if isinstance(tox.get("legacy_tox_ini"), str):
        yield from _tox_lines(ini_of(tox["legacy_tox_ini"]), "pyproject.toml", text)
    for base in (table(toml_of(root / "tox.toml")), tox):
        for environment in (table(base, "env_run_base"), *map(table, table(base, "env").values())):
            commands = environment.get("commands")
            for command in commands if isinstance(commands, list) else ():
                yield strings(command), "tox.toml" if base is not tox else place("pyproject.toml", text, "[tool.tox")
    for name, environment in table(pyproject, "tool", "hatch", "envs").items():
        for script in table(environment, "scripts").values():
            for line in strings(script) or ((script,) if isinstance(script, str) else ()):
                yield _plain(line), place("pyproject.toml", text, f"[tool.hatch.envs.{name}")
    yield from _nox_lines(root)
    yield from _make_lines(root)


def tox_environments(parser: configparser.ConfigParser) -> Iterator[configparser.SectionProxy]:
    """The sections of environments in a tox.ini, or a setup.cfg that has them; [testenv] itself first."""
    for name in sorted(parser.sections(), key=lambda section: (":" in section.removeprefix("tox:"), section)):
        if re.fullmatch(r"(?:tox:)?testenv(?::.*)?", name):
            yield parser[name]


def _tox_lines(parser: configparser.ConfigParser, name: str, text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for section in tox_environments(parser):
        if OTHER_ENVIRONMENT.search(section.name.partition("testenv")[2]):
            continue
        joined = section.get("commands", "").replace("\\\n", " ")
        for line in joined.splitlines():
            if command := re.sub(r"^[\w{},.!-]+:\s+", "", line.strip()).lstrip("-"):
                yield _plain(command.strip()), place(name, text, line.strip()[:30])


def _plain(command: str) -> tuple[str, ...]:
    """The words of a command with its substitutions filled in by their defaults, or left out."""
    command = re.sub(r"\{(?:posargs|args):?([^{}]*)\}", r"\1", command)
    command = re.sub(r"\{envpython\}|\{env_python\}", "python", command)
    command = re.sub(r"\{(?:toxinidir|tox_root|root)\}[/\\]?", "", command)
    return words(re.sub(r"\{[^{}]*\}|\[\]", "", command))


def _nox_lines(root: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    for call in nox_calls(text_of(root / "noxfile.py"), "run"):
        yield call.words, f"noxfile.py:{call.line}"


@dataclass(frozen=True)
class NoxCall:
    """A call of a session's method: its literal arguments, the session's name, and the line."""

    words: tuple[str, ...]
    session: str
    line: int


def nox_calls(text: str, method: str) -> Iterator[NoxCall]:
    """Calls of ``session.<method>`` in a noxfile, by its syntax tree."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not function.args.args:
            continue
        session = function.args.args[0].arg
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == method
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == session
            ):
                literal = (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
                yield NoxCall(tuple(literal), function.name, node.lineno)


def _make_lines(root: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """The commands of a Makefile's targets ``test``, ``tests`` and ``check``, where they can be read."""
    target = ""
    for number, line in enumerate(text_of(root / "Makefile").splitlines(), 1):
        if head := re.match(r"([\w-]+)\s*:(?!=)", line):
            target = head[1]
        elif line.startswith("\t") and target in ("test", "tests", "check"):
            command = re.sub(r"\$[({]\w*PY\w*[)}]", "python", line.strip().lstrip("@-"))
            yield words(re.sub(r"\$\([^)]*\)|\$\{[^}]*\}", "", command)), f"Makefile:{number}"


def literal_names(tree: ast.Module) -> dict[str, Any]:
    """The names that a script binds to literals at its top level."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue
    return found
