"""Upstream's summary and README, brought into the form of a Description (policy 3.4, developers-reference 6.2)."""

from __future__ import annotations

import re
import textwrap

from debgen.debianize.fixmes import Fixmes
from debgen.recipes import Description
from debgen.upstream.facts import SdistFacts

_SYNOPSIS_WIDTH = 79
_BODY_WIDTH = 76
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.I)


def describe(facts: SdistFacts, own: Description | None, fixmes: Fixmes) -> tuple[str, list[str]]:
    """The synopsis, and the lines of the extended description (an empty one is ``.``)."""
    if own is not None:
        short, body = own.synopsis, [p for p in re.split(r"\n\s*\n", own.text.strip()) if p]
    else:
        short = synopsis(facts.summary)
        body = prose(facts.description)
        if not short:
            fixmes.add("debian/control", "upstream has no summary that fits a synopsis; write one in the recipe")
            short = f"Python module {facts.name}"
        if not body:
            body = [_sentence(facts.summary) or f"{facts.name} is a Python module."]
            if _letters(body[0]) == _letters(short):  # repeating the synopsis is an error (policy 3.4.2)
                fixmes.add(
                    "debian/control", "upstream's README has no prose for a description; write one in the recipe"
                )
    body = [*body, "This package installs the library for Python 3."]
    lines: list[str] = []
    for paragraph in body:
        if lines:
            lines.append(".")
        lines += textwrap.wrap(" ".join(paragraph.split()), _BODY_WIDTH, break_long_words=False, break_on_hyphens=False)
    return short, lines


def synopsis(summary: str) -> str:
    """Upstream's summary as a noun phrase: one line under 80 columns, no article, no full stop.

    A longer one is cut where a clause ends; an empty string where that leaves nothing sensible.
    """
    text = _ARTICLE.sub("", " ".join(plain(summary).split())).rstrip(" .!")
    if len(text) > _SYNOPSIS_WIDTH:
        ends = [m.start() for m in re.finditer(r"(?:[.;:,]| -| –| —| \(| that | which | with | for | using )\s*", text)]
        cut = max((end for end in ends if 20 <= end <= _SYNOPSIS_WIDTH), default=0)
        text = text[:cut].rstrip(" .,;:-–—")
    return text


def prose(description: str, limit: int = 2) -> list[str]:
    """The first paragraphs of real prose of a README in Markdown or reStructuredText, without markup."""
    text = re.sub(r"```.*?```|~~~.*?~~~|<!--.*?-->", "\n\n", description, flags=re.S)
    text = re.sub(r"^\.\. \S+::.*(?:\n[ \t]+.*)*", "", text, flags=re.M)
    found: list[str] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        if re.match(r"\s*(#|[-*+•] |\d+[.)] |>|\||<|\[!\[|!\[|={3,}|-{3,}|:\w+:)", block) or _underlined(block):
            if found:
                break  # the introduction ends at the first heading, list or table after it
            continue
        clean = " ".join(plain(block).split())
        if len(clean) >= 60 and clean.endswith((".", "!", "?", ":")) and clean.count("http") == 0:
            found.append(clean.removesuffix(":") + ("." if clean.endswith(":") else ""))
        if len(found) == limit:
            break
    return found


def _underlined(block: str) -> bool:
    """Whether the block is a heading with a line of punctuation below it."""
    lines = block.strip().splitlines()
    return len(lines) > 1 and re.fullmatch(r"([=\-~^\"'#*+`])\1{2,}", lines[1].strip()) is not None


def plain(text: str) -> str:
    """Text without Markdown, reStructuredText and HTML markup, and without emoji."""
    text = re.sub(r"`([^`<]+?)\s*<[^>`]+>`_{1,2}", r"\1", text)
    text = re.sub(r"<[^>\n]+>", "", text)
    text = re.sub(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?", "", text)
    text = re.sub(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    text = re.sub(r":\w+:`([^`]+)`", r"\1", text)
    text = re.sub(r"(\*\*|__|``|`)(.+?)\1", r"\2", text)
    text = re.sub(r"(?<!\w)[*_]([^*_\n]+)[*_](?!\w)", r"\1", text)
    text = re.sub(r"\|[\w .-]+\|", "", text)
    text = "".join(c for c in text if ord(c) < 0x2190 or c in "–—’“”…").strip()
    return re.sub(r"[ \t]+([.,;:!?])(?=\s|$)", r"\1", text)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", _ARTICLE.sub("", text).casefold())


def _sentence(text: str) -> str:
    clean = " ".join(plain(text).split())
    return clean if not clean or clean.endswith((".", "!", "?")) else f"{clean}."
