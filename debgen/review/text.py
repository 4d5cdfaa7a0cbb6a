"""The dossier as plain text: what the page says, in the same order, for a terminal or a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from debgen.review.document import (
    MEANING,
    WORDS,
    Block,
    Document,
    Facts,
    Items,
    Line,
    Listing,
    Log,
    Mark,
    Para,
    Table,
    Who,
    visible,
)

_WIDTH = 100


def text(document: Document) -> str:
    """The text; every line of it is visible characters only."""
    return "".join(f"{visible(line).rstrip()}\n" for line in _lines(document))


def _lines(document: Document) -> Iterator[str]:
    yield from _title(f"{document.title} for {document.suite}", "=")
    yield from _wrapped(f"{_word(document.verdict)}{document.told}")
    yield ""
    yield from _facts(document.facts)
    yield from _title("Left for a human", "-")
    yield from _items(document.left) if document.left else ["Nothing that debgen knows of."]
    yield from _title("Where the lines of debian/ come from", "-")
    for who in Who:
        if who is not Who.COMMON:
            yield f"  {who.value}  {WORDS[who]}: {MEANING[who]}"
    yield f"     no sign: {MEANING[Who.COMMON]}"
    for number, section in enumerate(document.sections, 1):
        yield from _title(f"{number}. {section.title}{f' [{section.mark.value}]' if section.mark.value else ''}", "=")
        yield from _wrapped(section.told)
        for block in section.blocks:
            yield ""
            yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Para():
            yield from _wrapped(f"{_word(block.mark)}{block.text}")
        case Facts():
            yield from _facts(block.rows)
        case Items():
            if block.title:
                yield f"{block.title}:"
            yield from _items(block.items)
        case Table():
            yield f"{block.caption}:"
            for row in block.rows:
                cells = [cell.value if isinstance(cell, Mark) else cell for cell in row]
                yield from _wrapped(cells[0], "  * ", "    ")
                yield from _facts(tuple(zip(block.heads[1:], cells[1:], strict=True)), "      ")
        case Listing():
            yield f"--- {block.title}"
            if block.note:
                yield f"({block.note})"
            for line in block.lines:
                yield from _listed(line)
            if block.cut:
                yield f"({block.cut})"
        case Log():
            yield f"--- {block.title}"
            yield from (f"    {_one(line)}" for line in block.lines)
            if block.cut:
                yield f"({block.cut})"


def _listed(line: Line) -> Iterator[str]:
    number = "-" if line.number is None else str(line.number)
    yield f"{number:>5} {line.who.value or ' '} | {_one(line.text)}"
    for told in line.reasons:
        until = f" (to line {told.until})" if told.until else ""
        yield from _wrapped(f"{WORDS[told.who]}{until}: {told.text}", "        ^ ", "          ")


def _items(items: tuple[tuple[Mark, str], ...]) -> Iterator[str]:
    for mark, told in items:
        yield from _wrapped(f"{_word(mark)}{told}", "  * ", "    ")


def _facts(rows: tuple[tuple[str, str], ...], indent: str = "  ") -> Iterator[str]:
    for label, told in rows:
        if told:
            yield from _wrapped(f"{label}: {told}", indent, f"{indent}  ")


def _title(words: str, line: str) -> Iterator[str]:
    yield from ("", _one(words), line * min(len(words), _WIDTH))


def _word(mark: Mark) -> str:
    return f"[{mark.value}] " if mark.value else ""


def _one(line: str) -> str:
    """A line that nothing in it can end."""
    return line.replace("\n", " ").expandtabs(8)


def _wrapped(words: str, first: str = "", rest: str = "") -> list[str]:
    flat = " ".join(visible(words).split())
    return textwrap.wrap(
        flat, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    ) or [first.rstrip()]
