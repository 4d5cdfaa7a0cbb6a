"""Where the sdist asks for something, in words: ``pyproject.toml:25 asks for filelock>=3.10``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from debgen.debianize.metadata_patch import listed_at
from debgen.debianize.model import Inputs

#: Where PEP 517's requirements and setuptools' own may stand.
_BUILD_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_QUOTED = re.compile(r"""(["'])([A-Za-z0-9][^"'\n]*)\1""")


def asked_for_building(inputs: Inputs, requirement: Requirement) -> str:
    """What asks for a build requirement."""
    name = str(canonicalize_name(requirement.name))
    asks = f"asks for {_spelled(requirement)}"
    if line := build_requires_line(inputs.texts.get("pyproject.toml", ""), name):
        return f"pyproject.toml:{line}: build-system.requires {asks}"
    for path in _BUILD_FILES[1:]:
        if line := _line_of(inputs.texts.get(path, ""), name):
            return f"{path}:{line} {asks}"
    if name == "setuptools" and inputs.build.backend.partition(".")[0] in ("", "setuptools"):
        return "no build-system.requires says otherwise: PEP 517 then builds with setuptools"
    return f"upstream's build {asks}"


def asked_when_run(inputs: Inputs, requirement: Requirement) -> str:
    """What asks for a run-time requirement."""
    place = listed_at(inputs.texts, str(canonicalize_name(requirement.name))) or "upstream's metadata (Requires-Dist)"
    original = next((r for r in inputs.facts.base_requirements if r.name == requirement.name), requirement)
    return f"{place} asks for {_spelled(original)}"


def build_requires_line(text: str, name: str) -> int:
    r"""The line of pyproject.toml whose ``build-system.requires`` has a distribution; 0 where there is none.

    >>> build_requires_line('[build-system]\nrequires = [\n  "Flit_Core>=3",\n]\n', "flit-core")
    3
    """
    lines = dict(enumerate(text.splitlines(), 1))
    table = next((n for n, line in lines.items() if re.match(r"\s*\[\s*build-system\s*\]", line)), 0)
    begin = next((n for n, line in lines.items() if n > table and re.match(r"\s*requires\s*=", line)), 0)
    if not table or not begin:
        return 0
    for number in range(begin, len(lines) + 1):
        if number > begin and re.match(r"\s*(?:\[|[\w-]+\s*=)", lines[number]):
            return 0
        if name in _names(lines[number]):
            return number
    return 0


def _line_of(text: str, name: str) -> int:
    """The first line that names a distribution as a whole string, or as an item of setup.cfg's lists."""
    for number, line in enumerate(text.splitlines(), 1):
        item = re.match(r"\s+([A-Za-z0-9][\w.-]*)\s*(?:[<>=!~;\[].*)?$", line)
        if name in _names(line) or (item and canonicalize_name(item[1]) == name):
            return number
    return 0


def _names(line: str) -> Iterator[str]:
    for _, quoted in _QUOTED.findall(line):
        try:
            yield str(canonicalize_name(Requirement(quoted).name))
        except InvalidRequirement:
            continue


def _spelled(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"
