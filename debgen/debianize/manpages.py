"""Manual pages for the commands of a package (policy 12.1).

The build makes each page from the command's own help (``rules-manpages.j2``). The pages here are what is installed
where a command can't tell its help in a build: it needs a terminal, the network or a file, or takes too long.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import datetime

from debgen.debianize.source_files import homepage
from debgen.debianize.templates import Templates
from debgen.upstream.facts import SdistFacts


def fallback_pages(
    facts: SdistFacts, commands: Sequence[str], description: tuple[str, Sequence[str]], date: datetime,
    templates: Templates,
) -> dict[str, str]:  # fmt: skip
    """The pages by path in debian/ (``manpages/<command>.1``).

    ``description`` is the synopsis and the lines of the extended description, as :func:`describe` gives them.
    """
    synopsis, lines = description
    paragraphs = _paragraphs(lines)[:-1] or [f"{synopsis[:1].upper()}{synopsis[1:]}."]
    return {
        f"manpages/{command}.1": templates.render(
            "manpage.1.j2",
            command=_escaped(command),
            version=_escaped(facts.version),
            date=f"{date:%B %Y}",
            synopsis=_escaped(synopsis),
            paragraphs=[_escaped(paragraph) for paragraph in paragraphs],
            homepage=_escaped(homepage(facts)),
        )
        for command in commands
    }


def make_quoted(text: str) -> str:
    """``text`` as one word of a shell command in a makefile's variable."""
    return shlex.quote(" ".join(text.split())).replace("$", "$$").replace("#", "\\#")


def _paragraphs(lines: Sequence[str]) -> list[str]:
    """The paragraphs and items of an extended description, each on one line."""
    found: list[str] = []
    for line in lines:
        if line == ".":
            found.append("")
        elif line.startswith(" * ") or not found or not found[-1]:
            found = [*found, line.strip()] if not found or found[-1] else [*found[:-1], line.strip()]
        else:
            found[-1] = f"{found[-1]} {line.strip()}"
    return [paragraph for paragraph in found if paragraph]


def _escaped(text: str) -> str:
    """``text`` for groff: backslashes and hyphens as themselves, no request at the beginning (groff_man(7))."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", plain)
