"""The environment in which upstream runs its tests: the variables that tox, nox, hatch and command lines set."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debgen.upstream.tables import ini_of, place, table, text_of, toml_of
from debgen.upstream.testcommands import OTHER_ENVIRONMENT, tox_environments

#: Variables that are about the runner, Python, the machine or a service, and those that ask for what a build hasn't.
_NOT_FOR_TESTS = re.compile(
    r"(?:COV|COVERAGE|PIP|TOX|NOX|UV|PYTHON|PYTEST|PY_|CI$|CI_|GITHUB|CODECOV|COVERALLS|VIRTUALENV|SETUPTOOLS|HATCH"
    r"|HOME$|PATH$|LANG$|LC_|TERM$|USER$|SHELL$|TMP|TEMP|XDG|LD_|CC$|CXX$|.*FLAGS$|SOURCE_DATE|FORCE_COLOR|NO_COLOR"
    r"|MYPY|RUFF|.*(?:TOKEN|SECRET|PASSWORD|API_KEY|NETWORK|ONLINE|INTERNET|INTEGRATION|E2E|REMOTE|SLOW|BENCH|PROXY))"
    r".*",
    re.I,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable that upstream sets for its tests, its value, and the place."""

    name: str
    value: str
    evidence: str


def read_environment(root: Path, pyproject: Mapping[str, Any], used: Collection[str]) -> tuple[Setting, ...]:
    """The variables that upstream sets where its tests run, of those in ``used``, which the tests ask for.

    A variable that is set to several values has none; so has one whose value depends on the machine.
    """
    found: dict[str, list[Setting]] = {}
    for setting in (*_tox(root, pyproject), *_nox(root), *_hatch(root, pyproject)):
        if setting.name in used and _NAME.fullmatch(setting.name) and not _NOT_FOR_TESTS.fullmatch(setting.name):
            found.setdefault(setting.name, []).append(setting)
    alike = (settings for settings in found.values() if len({setting.value for setting in settings}) == 1)
    plain = (settings[0] for settings in alike if not re.search(r"[{}\n$\\]", settings[0].value))
    return tuple(sorted(plain, key=lambda setting: setting.name))


def _tox(root: Path, pyproject: Mapping[str, Any]) -> Iterator[Setting]:
    tool = table(pyproject, "tool", "tox")
    legacy = tool.get("legacy_tox_ini")
    texts = {"tox.ini": text_of(root / "tox.ini"), "setup.cfg": text_of(root / "setup.cfg")}
    for name, text in (*texts.items(), ("pyproject.toml", legacy if isinstance(legacy, str) else "")):
        for section in tox_environments(ini_of(text)):
            if OTHER_ENVIRONMENT.search(section.name.partition("testenv")[2]):
                continue
            for key in ("setenv", "set_env"):
                for line in section.get(key, "").splitlines():
                    variable, equals, value = line.partition("=")
                    if equals and ":" not in variable:
                        yield Setting(variable.strip(), value.strip(), place(name, text, line.strip()))
    for base, name in ((table(toml_of(root / "tox.toml")), "tox.toml"), (tool, "pyproject.toml")):
        environments = {"": table(base, "env_run_base"), **{k: table(v) for k, v in table(base, "env").items()}}
        for label, environment in environments.items():
            if not OTHER_ENVIRONMENT.search(label):
                yield from _table(environment.get("set_env"), name, text_of(root / name))


def _hatch(root: Path, pyproject: Mapping[str, Any]) -> Iterator[Setting]:
    for name, environment in table(pyproject, "tool", "hatch", "envs").items():
        if not OTHER_ENVIRONMENT.search(name):
            yield from _table(table(environment).get("env-vars"), "pyproject.toml", text_of(root / "pyproject.toml"))


def _table(values: object, name: str, text: str) -> Iterator[Setting]:
    for variable, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, str):
            yield Setting(str(variable), value, place(name, text, str(variable)))


def _nox(root: Path) -> Iterator[Setting]:
    """``env={...}`` of a session's commands, and ``session.env[...] = ...``, where they are literal."""
    try:
        tree = ast.parse(text_of(root / "noxfile.py"))
    except (SyntaxError, ValueError, RecursionError):
        return
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or OTHER_ENVIRONMENT.search(function.name):
            continue
        for node in ast.walk(function):
            pairs: list[tuple[ast.expr | None, ast.expr]] = []
            if isinstance(node, ast.keyword) and node.arg == "env" and isinstance(node.value, ast.Dict):
                pairs = list(zip(node.value.keys, node.value.values, strict=True))
            elif isinstance(node, ast.Assign):
                target = node.targets[0]
                if isinstance(target, ast.Subscript) and ast.unparse(target.value).endswith(".env"):
                    pairs = [(target.slice, node.value)]
            for key, value in pairs:
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield Setting(str(key.value), value.value, f"noxfile.py:{value.lineno}")
