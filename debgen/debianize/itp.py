"""The mail that announces a new package: an ITP ("intent to package") to wnpp (developers-reference 5.1)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header

from debian.deb822 import Deb822

from debgen.debianize.model import SourcePackage, Team
from debgen.debianize.source_files import homepage
from debgen.debianize.templates import Templates
from debgen.identity import Identity
from debgen.upstream.facts import SdistFacts

_WIDTH = 76


@dataclass(frozen=True)
class Itp:
    """What an ITP says; ``chain`` leads from what is wanted to this package (``vllm → depyf``), or is empty."""

    source: str
    version: str
    author: str
    url: str
    licence: str
    languages: tuple[str, ...]
    synopsis: str
    description: tuple[str, ...]
    owner: str
    team: str
    chain: tuple[str, ...]


def itp_of(package: SourcePackage, facts: SdistFacts, identity: Identity, team: Team, chain: Sequence[str] = ()) -> Itp:
    """Read the ITP off a generated package, so that the mail and the package say the same."""
    binaries = list(Deb822.iter_paragraphs(package.files["control"].splitlines(keepends=True)))
    described = next(p for p in binaries[1:] if p["Package"] == package.binary)
    synopsis, *lines = described["Description"].split("\n")
    paragraphs = Deb822.iter_paragraphs(package.files["copyright"].splitlines(keepends=True))
    licence = next(p["License"].split("\n")[0] for p in paragraphs if "Files" in p)
    return Itp(
        source=package.source,
        version=facts.version,
        author=facts.author,
        url=binaries[0].get("Homepage", "") or homepage(facts),
        licence=licence,
        languages=("Python", *sorted({language.partition(" (")[0] for language in facts.compiled})),
        synopsis=synopsis,
        description=tuple("" if line.strip() == "." else line[1:] for line in lines),
        owner=str(identity),
        team=team.maintainer,
        chain=tuple(chain),
    )


def itp_mail(itp: Itp, templates: Templates) -> str:
    """The mail, with headers, ready for ``sendmail -t``; the body is UTF-8."""
    return templates.render(
        "itp.j2",
        owner=itp.owner,
        subject=_header(f"ITP: {itp.source} -- {itp.synopsis}"),
        source=itp.source,
        version=itp.version,
        author=itp.author,
        url=itp.url,
        licence=itp.licence,
        languages=itp.languages,
        synopsis=itp.synopsis,
        description="\n".join(itp.description),
        purpose=textwrap.fill(_purpose(itp), _WIDTH),
        maintenance=textwrap.fill(_maintenance(itp), _WIDTH),
    )


def _purpose(itp: Itp) -> str:
    if len(itp.chain) < 2:
        return f"{itp.source} is not in Debian yet."
    *before, asking, _ = itp.chain
    if not before:
        return f"It is a dependency of {asking}, which can't be packaged without it."
    way = " → ".join(itp.chain)
    return f"It is a dependency of {asking}, which is needed for packaging {itp.chain[0]} ({way})."


def _maintenance(itp: Itp) -> str:
    if itp.team:
        return f"The package will be maintained in the team {itp.team}."
    return "I plan to maintain the package myself; co-maintainers are welcome. I need a sponsor for the upload."


def _header(text: str) -> str:
    """A header line: as it is in ASCII, else encoded (RFC 2047)."""
    return text if text.isascii() else Header(text, "utf-8").encode()
