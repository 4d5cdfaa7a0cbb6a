"""Which version of a crate a Cargo.lock holds for a package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_BOUND = re.compile(r"\s*(\^|~|=|>=|<=|>|<)?\s*([0-9*][^\s,]*|\*)?\s*")


@dataclass(frozen=True, slots=True)
class Lock:
    """The packages of a Cargo.lock: the versions of each crate, and what each package asks for."""

    versions: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> tuple[Lock, str]:
        """The lock file, and what is wrong with it (empty for nothing)."""
        try:
            data = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            return Lock(), str(error)
        lock = Lock()
        listed = data.get("package")
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict):
                lock._add(entry)
        return lock, ""

    def _add(self, entry: dict[str, Any]) -> None:
        name = str(entry.get("name", ""))
        self.versions.setdefault(name, []).append(str(entry.get("version", "")))
        asked = self.asked.setdefault(name, {})
        lines = entry.get("dependencies")
        for line in lines if isinstance(lines, list) else ():
            crate, _, version = str(line).partition(" ")
            asked.setdefault(crate, []).append(version.partition(" ")[0])

    def version(self, package: str, crate: str, requirement: str) -> str:
        """The version of ``crate`` that ``package`` gets, empty where the lock doesn't tell."""
        known = self.versions.get(crate, [])
        if len(known) == 1:
            return known[0]
        named = [v for v in self.asked.get(package, {}).get(crate, []) if v]
        fitting = [v for v in (named or known) if allows(requirement, v)]
        return max(fitting, key=_number, default="")


def allows(requirement: str, version: str) -> bool:
    """Whether Cargo's ``requirement`` allows ``version``; pre-releases count like the release."""
    number = _number(version)
    return all(_bound_allows(part, number) for part in requirement.split(",") if part.strip())


def _bound_allows(part: str, number: tuple[int, int, int]) -> bool:
    match = _BOUND.fullmatch(part)
    if match is None:
        return False
    text = match[2] or "*"
    given = [int(p) for p in re.split(r"[-+]", text)[0].split(".") if p.isdigit()]
    if not given:
        return True
    low = _pad(given)
    operator = match[1] or ("=" if "*" in text else "^")
    if operator in (">=", ">", "<", "<="):
        return {">=": number >= low, ">": number > low, "<": number < low, "<=": number <= low}[operator]
    if operator == "=":
        return number[: len(given)] == tuple(given)
    if operator == "~":
        return number >= low and number[: min(len(given), 2)] == tuple(given[:2])
    # a caret holds the leftmost part that is not zero
    held = next((i + 1 for i, value in enumerate(given) if value), len(given))
    return number >= low and number[:held] == tuple(given[:held])


def _number(version: str) -> tuple[int, int, int]:
    return _pad([int(p) for p in re.split(r"[-+]", version)[0].split(".") if p.isdigit()])


def _pad(parts: Iterable[int]) -> tuple[int, int, int]:
    first, second, third, *_ = (*parts, 0, 0, 0)
    return (first, second, third)
