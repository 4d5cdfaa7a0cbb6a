"""Names of source and binary packages, by Debian Python Policy 4.3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from packaging.utils import canonicalize_name

from debgen.archive.model import Binary, Match, Origin
from debgen.upstream.facts import SdistFacts

#: Frameworks whose add-ons are packages named like the distribution, whatever their modules are called.
_FRAMEWORKS = ("Django", "XStatic")


class Role(StrEnum):
    """What one binary package of a source is for, by its name."""

    MODULE = "module"
    DOCUMENTATION = "documentation"
    COMMANDS = "commands"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class KnownBinary:
    """A binary package that the archive's source already has: continuing it keeps the name."""

    name: str
    role: Role
    architecture: str
    section: str


def source_name(facts: SdistFacts, existing: Match | None, taken: Callable[[str], bool]) -> str:
    """The source package's name.

    A source that the suite has keeps its name. Else it is upstream's name where that is distinctive (more than
    one word, or about Python by itself) and nothing else has it, and ``python-<name>`` otherwise (4.3.1).
    """
    if existing is not None and existing.origin in (Origin.CONTENTS, Origin.PROVIDES):
        return existing.source
    name = debian_name(facts.name)
    distinctive = "-" in name or name.startswith("py") or name.endswith("py") or bool(facts.scripts)
    if distinctive and len(name) > 1 and not taken(name):
        return name
    return f"python-{name.removeprefix('python-')}"


def binary_name(facts: SdistFacts, existing: Match | None) -> str:
    """The binary package's name: ``python3-`` and the import name (4.3.2), or the one that the suite has."""
    if existing is not None and existing.origin is Origin.CONTENTS:
        return existing.package
    if facts.normalised in facts.stubs or _named_by_framework(facts):
        return f"python3-{debian_name(facts.normalised)}"
    module = main_module(facts)
    top = module.partition(".")[0]
    if not module or (top in facts.namespaces and "." not in module):
        # A namespace is shared; python3-<namespace> would claim all of it.
        return f"python3-{debian_name(facts.name)}"
    if "." in module and "." not in facts.name:  # zope.interface keeps its dot, google-cloud-storage its dashes
        module = module.replace(".", "-")
    return f"python3-{debian_name(module)}"


def _named_by_framework(facts: SdistFacts) -> bool:
    """Whether it is an add-on that Debian names by its framework: python3-django-mptt imports as ``mptt``."""
    return any(
        facts.normalised.startswith(f"{framework.lower()}-") and facts.normalised != framework.lower()
        for framework in _FRAMEWORKS
    )


def main_module(facts: SdistFacts) -> str:
    """The module that stands for the distribution: the one named like it, else the first.

    It is dotted where the top-level one is a namespace: ``google.cloud.storage``. Empty where there is none.
    """
    own = facts.own_modules or facts.modules
    public = [m for m in own if not any(part.startswith("_") for part in m.split("."))]
    named = [m for m in public if canonicalize_name(m) == facts.normalised]
    if named or not public:
        return named[0] if named else ""
    # Of several, the one whose name has most of the distribution's words; the first where none has any.
    words = set(facts.normalised.split("-"))
    return max(public, key=lambda m: len(words & set(canonicalize_name(m).split("-"))))


def known_binaries(binaries: Iterable[Binary], binary: str) -> tuple[KnownBinary, ...]:
    """The binary packages that the suite's source has, ``binary`` (the module's) first, then by name."""
    found = (KnownBinary(b.name, _role(b, binary), b.architecture, b.section) for b in binaries)
    return tuple(sorted(found, key=lambda known: (known.name != binary, known.name)))


def _role(found: Binary, binary: str) -> Role:
    if found.name == binary:
        return Role.MODULE
    if found.section.rpartition("/")[2] == "doc" or found.name.endswith(("-doc", "-docs")):
        return Role.DOCUMENTATION
    if not found.name.startswith("python3-") or found.name.endswith(("-bin", "-tools", "-cli", "-utils")):
        return Role.OTHER if found.name.endswith(("-dev", "-common", "-data", "-dbg", "-examples")) else Role.COMMANDS
    return Role.MODULE if found.section == "python" else Role.OTHER


def section_of(existing: Binary | None) -> str:
    """The Section: the one that the suite's package has, component and all, else ``python``."""
    return existing.section if existing is not None and existing.section else "python"


def debian_name(name: str) -> str:
    """Upstream's name with only the characters that policy 5.6.1 allows, in lower case."""
    return re.sub(r"[^a-z0-9+.-]+", "-", name.casefold()).strip("-.+")
