"""Names of source and binary packages, by Debian Python Policy 4.3."""

from __future__ import annotations

import re
from collections.abc import Callable

from debgen.archive.model import Match, Origin
from debgen.upstream.facts import SdistFacts


def source_name(facts: SdistFacts, existing: Match | None, taken: Callable[[str], bool]) -> str:
    """The source package's name.

    A source that the suite has keeps its name. Else it is upstream's name where that is distinctive (more than
    one word, or about Python by itself) and nothing else has it, and ``python-<name>`` otherwise (4.3.1).
    """
    if existing is not None and existing.origin in (Origin.CONTENTS, Origin.PROVIDES):
        return existing.source
    name = debian_name(facts.name)
    distinctive = "-" in name or name.startswith("py") or name.endswith("py") or bool(facts.scripts)
    return name if distinctive and not taken(name) else f"python-{name.removeprefix('python-')}"


def binary_name(facts: SdistFacts, existing: Match | None) -> str:
    """The binary package's name: ``python3-`` and the import name (4.3.2), or the one that the suite has."""
    if existing is not None and existing.origin is Origin.CONTENTS:
        return existing.package
    module = main_module(facts)
    # A namespace is shared; python3-<namespace> would claim all of it.
    return f"python3-{debian_name(module if module and module not in facts.namespaces else facts.name)}"


def main_module(facts: SdistFacts) -> str:
    """The top-level module that stands for the distribution: the one named like it, else the first."""
    wanted = facts.normalised.replace("-", "_")
    public = [m for m in facts.modules if not m.startswith("_")]
    return next((m for m in public if m.casefold() == wanted), public[0] if public else "")


def debian_name(name: str) -> str:
    """Upstream's name with only the characters that policy 5.6.1 allows, in lower case."""
    return re.sub(r"[^a-z0-9+.-]+", "-", name.casefold()).strip("-.+")
