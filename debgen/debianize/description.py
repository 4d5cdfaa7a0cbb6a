"""Upstream's summary and README, brought into the form of a Description (policy 3.4, developers-reference 6.2)."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from itertools import pairwise

from debgen.debianize.fixmes import Fixmes
from debgen.debianize.prose import cleaned, item, paragraph
from debgen.debianize.readme import Block, Kind, read_blocks
from debgen.debianize.synopsis import synopsis
from debgen.recipes import Description
from debgen.upstream.facts import SdistFacts

_BODY_WIDTH = 76
#: How long an extended description is, in lines; developers-reference 6.2.3 asks for a few paragraphs.
_LINES = 14
_ITEMS = 8
#: Sections that say what the software is.
_ABOUT = re.compile(
    r"\b(?:about|overview|introduction|what is|what's|what does|description|summary|(?:key |main )?features?|"
    r"highlights|at a glance)\b",
    re.I,
)
#: Sections whose text may do where there is no such one.
_REASONS = re.compile(r"\b(?:why|motivation|rationale|background|purpose|goals?|philosophy)\b", re.I)


def describe(facts: SdistFacts, own: Description | None, fixmes: Fixmes) -> tuple[str, list[str]]:
    """The synopsis, and the lines of the extended description (an empty one is ``.``).

    Where upstream has no prose that serves, the body says what the package has; ``fixmes`` notes it.
    """
    if own is not None:
        short, body = own.synopsis, [p for p in re.split(r"\n\s*\n", own.text.strip()) if p]
        return short, _lines([*(" ".join(p.split()) for p in body), _LAST])
    body = prose(facts.description, facts.name)
    # Without a summary, the first sentence of the README says what it is.
    short = synopsis(facts.summary, facts.name, facts.description)
    if not short and body and isinstance(body[0], str):
        short = synopsis(body[0], facts.name, facts.description)
    if not short:
        fixmes.note("upstream has no summary that fits a synopsis; the one in debian/control says the name only")
        short = f"Python module {facts.name}"
    if not any(isinstance(block, str) for block in body) or _letters(body[0]) == _letters(short):
        fixmes.note("upstream's README has no prose for a description; the one in debian/control is made of facts")
        body = [_from_facts(facts, short), *(block for block in body if not isinstance(block, str))][:1]
    return short, _lines([*body, _LAST])


_LAST = "This package installs the library for Python 3."


def prose(description: str, name: str = "", limit: int = _LINES) -> list[str | tuple[str, ...]]:
    """The introduction of a README: paragraphs, and lists as tuples of their items."""
    blocks = _sections(read_blocks(description), name)
    for wanted in ("introduction", "about", "reasons"):
        found = _chosen([block for section, block in blocks if section == wanted], limit, lists=wanted == "about")
        if any(isinstance(block, str) for block in found):
            if wanted == "introduction":
                # A tagline alone says too little where a section tells more.
                more = _chosen(
                    [b for section, b in blocks if section == "about"], limit - len(_lines(found)), lists=True
                )
                found += [block for block in more if block not in found] if len(_lines(found)) < limit // 2 else []
            return [_subject(block, name) if not n and isinstance(block, str) else block
                    for n, block in enumerate(found)]  # fmt: skip
    return []


def _sections(blocks: Iterable[Block], name: str) -> list[tuple[str, Block]]:
    """Each block with the kind of section it is in: introduction, about, reasons, or other."""
    section, titled = "introduction", False
    found: list[tuple[str, Block]] = []
    for block in blocks:
        if block.kind is not Kind.HEADING:
            found.append((section, block))
            continue
        text = cleaned(block.text)
        if not titled and not any(b.kind is Kind.PARAGRAPH for _, b in found):
            titled = True
            if not re.match(r"(?i)(?:quick ?)?(?:install|usage|getting started|contents|table of)", text):
                section = "introduction"
                continue
        if _letters(text) == _letters(name) or _letters(text) in (f"whatis{_letters(name)}", f"about{_letters(name)}"):
            section = "introduction"
        else:
            section = "about" if _ABOUT.search(text) else "reasons" if _REASONS.search(text) else "other"
    return found


def _chosen(blocks: Sequence[Block], limit: int, *, lists: bool = False) -> list[str | tuple[str, ...]]:
    """What of these blocks fits: paragraphs, and lists that a colon or, with ``lists``, a section introduces."""
    found: list[str | tuple[str, ...]] = []
    for block, after in pairwise([*blocks, Block(Kind.OTHER)]):
        if block.kind is Kind.PARAGRAPH:
            items = _items(after)
            if text := paragraph(block.text, list_follows=len(items) > 1):
                found.append(text)
        elif block.kind is Kind.LIST and (found or lists) and len(items := _items(block)) > 1:
            introduced = found and isinstance(found[-1], str) and found[-1].endswith(":")
            if introduced or lists:
                found.append(items)
        if len(_lines(found)) >= limit:
            break
    while found and len(_lines(found)) > limit + 4 and len(found) > 1:
        found.pop()
    if found and isinstance(found[-1], str) and found[-1].endswith(":"):
        found[-1] = re.sub(r"(?:^|(?<=\.) )[^.]*:$", "", found[-1])
    return [block for block in found if block]


def _items(block: Block) -> tuple[str, ...]:
    found = [text for text in map(item, block.items) if text] if block.kind is Kind.LIST else []
    return tuple(found[:_ITEMS])


def _subject(text: str, name: str) -> str:
    """The first sentence with the name for "It", whose antecedent was a heading or a picture."""
    if not name:
        return text
    return re.sub(r"^It (?=is|are|was|has|provides|supports|allows|can|lets|makes|offers|implements)", f"{name} ", text)


def _from_facts(facts: SdistFacts, short: str) -> str:
    """What the package is, from its summary and what it installs."""
    summary = cleaned(facts.summary)
    said = (
        [f"{summary.rstrip(' .!')}."] if len(summary) > len(short) + 10 and not re.search(r"https?:", summary) else []
    )
    modules = [name for name in facts.modules if not name.startswith("_")] or [facts.name]
    shown = _enumerated(modules[:5]) + (" and others" if len(modules) > 5 else "")
    purpose = f" ({short})" if not said and short != f"Python module {facts.name}" else ""
    what = f"{facts.name}{purpose} provides the Python module{'s' if len(modules) > 1 else ''} {shown}"
    commands = [script.command for script in facts.scripts[:5]]
    if commands:
        what += f", and the command{'s' if len(commands) > 1 else ''} {_enumerated(commands)}"
    return " ".join([*said, f"{what}."])


def _enumerated(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _lines(blocks: Iterable[str | tuple[str, ...]]) -> list[str]:
    """Wrapped lines: paragraphs apart, lists in the form of policy 5.6.13, each item indented by one more blank."""
    lines: list[str] = []
    listed = False
    for block in blocks:
        is_list = not isinstance(block, str)
        if lines and not (is_list and lines[-1].endswith(":")):
            lines.append(".")
        if listed and lines[-1] != ".":
            lines.append(".")
        listed = is_list
        for text in (block,) if isinstance(block, str) else block:
            lines += textwrap.wrap(
                text, _BODY_WIDTH, break_long_words=False, break_on_hyphens=False,
                initial_indent=" * " if is_list else "", subsequent_indent="   " if is_list else "",
            )  # fmt: skip
    # A line that begins with a full stop would be a control statement.
    return [f" {line}" if line.startswith(".") and line != "." else line for line in lines]


def _letters(text: str | tuple[str, ...]) -> str:
    plain = text if isinstance(text, str) else "".join(text)
    return re.sub(r"[\W_]+", "", re.sub(r"^(?:an?|the)\s+", "", plain, flags=re.I).casefold())
