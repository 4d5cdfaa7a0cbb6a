"""What an sdist declares that its development needs, from every file in which upstreams do that.

PEP 735 groups, hatch's environments, poetry's and pdm's groups, uv, cibuildwheel, Pipfile, tox, nox, setup.py and
setup.cfg, and requirements files. Extras are not among them: those are in the metadata.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path, PurePosixPath
from typing import Any

from debgen.upstream.tables import ini_of, place, strings, table, text_of, toml_of
from debgen.upstream.testcommands import OTHER_ENVIRONMENT, literal_names, nox_calls, tox_environments


class Purpose(IntEnum):
    """What a list of requirements is for, as its name tells; the first is the one that says most about tests."""

    TEST = 0
    DEVELOPMENT = 1
    OTHER = 2


@dataclass(frozen=True, slots=True)
class Declared:
    """One requirement as upstream wrote it, and where; ``.[extra]`` stands for an extra of the distribution itself."""

    requirement: str
    purpose: Purpose
    evidence: str


def purpose_of(name: str) -> Purpose:
    """What a group, an extra, an environment or a requirements file of that name is for."""
    parts = set(re.split(r"[^a-z]+", name.casefold()))
    if parts & {"test", "tests", "testing", "tester", "pytest", "unittest", "unittests", "testsuite", "checks"}:
        return Purpose.OTHER if parts & {"docs", "doc", "lint", "bench", "benchmark", "typing"} else Purpose.TEST
    if parts & {"dev", "devel", "develop", "development", "developer", "ci", "all", "full"}:
        return Purpose.DEVELOPMENT
    return Purpose.OTHER


def read_declarations(root: Path, pyproject: Mapping[str, Any]) -> tuple[Declared, ...]:
    """All declarations of the tree at ``root``, each requirement once per purpose, those for tests first."""
    text = text_of(root / "pyproject.toml")
    found = [
        *_pyproject(pyproject, text),
        *_tox(root),
        *_nox(root),
        *_setup(root),
        *_files(root),
        *_pipfile(root),
    ]
    unique = {(entry.requirement, entry.purpose): entry for entry in reversed(found) if entry.requirement}
    return tuple(sorted(unique.values(), key=lambda entry: (entry.purpose, found.index(entry))))


def _pyproject(pyproject: Mapping[str, Any], text: str) -> Iterator[Declared]:
    def told(lines: Iterable[str], name: str, header: str) -> Iterator[Declared]:
        for line in lines:
            number = place("pyproject.toml", text, f'"{line}"') if f'"{line}"' in text else "pyproject.toml"
            yield Declared(line, purpose_of(name), f"{number} ({header})")

    groups = table(pyproject, "dependency-groups")
    for name in groups:
        yield from told(flattened_group(groups, name), name, f"dependency group {name}")
    tool = table(pyproject, "tool")
    for name, environment in table(tool, "hatch", "envs").items():
        lines = [*strings(table(environment).get("dependencies"))]
        lines += strings(table(environment).get("extra-dependencies"))
        lines += [f".[{feature}]" for feature in strings(table(environment).get("features"))]
        yield from told(lines, "dev" if name == "default" else name, f"hatch environment {name}")
    poetry = table(tool, "poetry")
    old = table(poetry, "dev-dependencies")
    yield from told(_poetry(old), "dev", "poetry's dev-dependencies")
    for name, group in table(poetry, "group").items():
        yield from told(_poetry(table(group, "dependencies")), name, f"poetry group {name}")
    for name, lines in table(tool, "pdm", "dev-dependencies").items():
        yield from told((x for x in strings(lines) if not x.startswith("-")), name, f"pdm group {name}")
    yield from told(strings(table(tool, "uv").get("dev-dependencies")), "dev", "uv's dev-dependencies")
    wheels = table(tool, "cibuildwheel")
    for key, form in (("test-requires", "{}"), ("test-extras", ".[{}]")):
        value = wheels.get(key)
        lines_ = value.split() if isinstance(value, str) else strings(value)
        yield from told([form.format(line) for line in lines_], "test", f"cibuildwheel's {key}")
    for environment in (table(tool, "tox", "env_run_base"), *map(table, table(tool, "tox", "env").values())):
        extras = [f".[{extra}]" for extra in strings(environment.get("extras"))]
        yield from told([*strings(environment.get("deps")), *extras], "test", "tox")


def flattened_group(groups: Mapping[str, Any], name: str, seen: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """A group of PEP 735 with its includes followed; a cycle or an unknown include adds nothing."""
    lines: list[str] = []
    group = groups.get(name)
    for item in group if isinstance(group, list) and name not in seen else []:
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            lines += flattened_group(groups, item["include-group"], seen | {name})
    return tuple(dict.fromkeys(lines))


def _poetry(entries: Mapping[str, Any]) -> Iterator[str]:
    """Entries of poetry as PEP 508 requirements, by name and marker; its ^ and ~ bounds have no such form."""
    for name, value in entries.items():
        if name.casefold() == "python":
            continue
        options = next((v for v in value if isinstance(v, dict)), {}) if isinstance(value, list) else value
        extras = ",".join(strings(table(options).get("extras")))
        markers = [str(m) for m in [table(options).get("markers")] if m]
        for operator, version in re.findall(r"([<>]=?)\s*(\d+\.\d+)", str(table(options).get("python", ""))):
            markers.append(f"python_version {operator} '{version}'")
        yield name + (f"[{extras}]" if extras else "") + (f"; {' and '.join(markers)}" if markers else "")


def _tox(root: Path) -> Iterator[Declared]:
    tool = table(toml_of(root / "pyproject.toml"), "tool", "tox").get("legacy_tox_ini")
    texts = {"tox.ini": text_of(root / "tox.ini"), "setup.cfg": text_of(root / "setup.cfg")}
    for name, text in (*texts.items(), ("pyproject.toml", tool if isinstance(tool, str) else "")):
        for section in tox_environments(ini_of(text)):
            label = section.name.partition("testenv")[2]
            purpose = Purpose.OTHER if OTHER_ENVIRONMENT.search(label) else Purpose.TEST
            for key in ("extras", "dependency_groups"):
                for extra in re.split(r"[\s,]+", section.get(key, "")):
                    if extra and key == "extras" and "{" not in extra:
                        yield Declared(f".[{extra}]", purpose, place(name, text, f"[{section.name}]"))
            for line in section.get("deps", "").splitlines():
                factor, colon, rest = line.strip().partition(": ")
                about = Purpose.OTHER if colon and OTHER_ENVIRONMENT.search(factor) else purpose
                yield from _line((rest if colon else factor).strip(), about, place(name, text, line.strip()), root, "")


def _nox(root: Path) -> Iterator[Declared]:
    for call in nox_calls(text_of(root / "noxfile.py"), "install"):
        purpose = Purpose.OTHER if OTHER_ENVIRONMENT.search(call.session) else Purpose.TEST
        joined: list[str] = []
        for word in call.words:
            joined[-1:] = [f"{joined[-1]} {word}"] if joined and joined[-1] in ("-r", "-e") else [*joined[-1:], word]
        for word in joined:
            yield from _line(word, purpose, f"noxfile.py:{call.line}", root, "")


def _setup(root: Path) -> Iterator[Declared]:
    text = text_of(root / "setup.cfg")
    for line in ini_of(text).get("options", "tests_require", fallback="").replace(";;", "").splitlines():
        yield from _line(line.strip(), Purpose.TEST, place("setup.cfg", text, line.strip()), root, "")
    text = text_of(root / "setup.py")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    names = literal_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "tests_require":
            value: Any = names.get(node.value.id) if isinstance(node.value, ast.Name) else None
            if not isinstance(node.value, ast.Name):
                try:
                    value = ast.literal_eval(node.value)
                except (ValueError, TypeError):
                    continue
            for line in [value] if isinstance(value, str) else strings([*value] if isinstance(value, tuple) else value):
                yield Declared(line, Purpose.TEST, f"setup.py:{node.value.lineno}")


_NAMED = re.compile(
    r"(?:.*[-_.])?(?:requires?|requirements?|reqs?|deps)(?:[-_.].*)?\.(?:txt|in|pip)|(?:test|dev)s?\.txt"
)
_FOLDERS = ("", "requirements", "reqs", "tests", "test", "tests/requirements", "ci", "etc", "dev")


def _files(root: Path) -> Iterator[Declared]:
    """Requirements files whose name, or whose folder's, says that they are for tests or development."""
    for folder in _FOLDERS:
        for path in sorted((root / folder).glob("*.*")):
            name = path.relative_to(root).as_posix()
            listed = _NAMED.fullmatch(path.name) or folder.endswith(("requirements", "reqs"))
            purpose = purpose_of(name.rsplit(".", 1)[0])
            if listed and purpose is Purpose.OTHER and re.search(r"^pytest\b", text_of(path), re.M):
                purpose = Purpose.DEVELOPMENT  # whatever its name
            if listed and purpose is not Purpose.OTHER and path.suffix in (".txt", ".in", ".pip"):
                yield from _requirements(root, name, purpose, frozenset())


def _requirements(root: Path, name: str, purpose: Purpose, seen: frozenset[str]) -> Iterator[Declared]:
    """The lines of a requirements file, those that it includes with it."""
    if name in seen or ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
        return
    text = text_of(root / name).replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), 1):
        folder = name.rpartition("/")[0]
        yield from _line(line.strip(), purpose, f"{name}:{number}", root, folder, seen | {name})


def _line(
    line: str, purpose: Purpose, evidence: str, root: Path, folder: str, seen: frozenset[str] = frozenset()
) -> Iterator[Declared]:
    """One line as pip reads it: a requirement, an extra of the project itself, or another file's name."""
    line = re.sub(r"(?:^|\s)#.*", "", line).strip()
    line = re.sub(r"\{(?:toxinidir|tox_root)\}/?", "", line)
    if included := re.match(r"(?:-r|--requirement)[\s=]*(\S+)", line):
        path = _joined(folder, included[1])
        yield from _requirements(root, path, purpose, seen)
    elif own := re.fullmatch(r"(?:(?:-e|--editable)[\s=]*)?(?:\{.*\})?\.?/?\.?(\[[\w,\s.-]+\])", line):
        yield Declared(f".{own[1]}", purpose, evidence)
    elif line and not line.startswith(("-", ".", "{", "/", "git+", "http")):
        yield Declared(re.split(r"\s+--", line)[0].strip(), purpose, evidence)


def _joined(folder: str, name: str) -> str:
    """``name`` as seen from ``folder``, with its ``..`` resolved; below the root where it stays there."""
    parts: list[str] = [p for p in folder.split("/") if p]
    for part in name.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _pipfile(root: Path) -> Iterator[Declared]:
    text = text_of(root / "Pipfile")
    for name in table(toml_of(root / "Pipfile"), "dev-packages"):
        yield Declared(name, Purpose.DEVELOPMENT, place("Pipfile", text, f"{name} ="))
