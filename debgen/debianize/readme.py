"""A README in Markdown or reStructuredText as a flat list of headings, paragraphs and lists, without any markup.

markdown-it-py and docutils do the parsing, with everything off that would read another file. What is no prose (code,
tables, images and badges, directives) is gone; where it stood, a block of kind OTHER is left.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from docutils.core import publish_doctree  # type: ignore[import-untyped]
from markdown_it import MarkdownIt
from markdown_it.token import Token

#: Many projects append their whole changelog; the introduction is at the beginning.
_BEGINNING = 15_000
#: Text of which more than this part is links is navigation.
_MOSTLY = 0.6


class Kind(Enum):
    """What a block is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    OTHER = "other"


@dataclass(frozen=True)
class Block:
    """A heading or paragraph (``text``), a list (``items``), or something else, which has neither."""

    kind: Kind
    text: str = ""
    items: tuple[str, ...] = ()


@lru_cache(maxsize=8)
def read_blocks(text: str) -> tuple[Block, ...]:
    """The blocks at the beginning of a README, by whichever of the two languages it is in."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    first, _, rest = text.partition("\n")
    if rest.strip() and not re.search(r"^(?! {7}[ |])[^\n]*\S", rest, re.M):
        text = f"{first}\n{textwrap.dedent(rest)}"  # a folded field of old metadata (PEP 314)
    if len(text) > _BEGINNING:
        text = text[:_BEGINNING].rpartition("\n")[0]
    try:
        found = tuple(_restructured(text) if is_restructured(text) else _markdown(text))
    except (RecursionError, ValueError, AttributeError, IndexError, TypeError):
        return ()  # nothing that upstream writes may stop the packaging
    return tuple(block for block in found if block.kind is Kind.OTHER or block.text or block.items)


def is_restructured(text: str) -> bool:
    """Whether a README is in reStructuredText: by the marks that only one of the two languages has."""
    restructured = re.findall(
        r"^\.\. |`_{1,2}(?=\W|$)|[^\s:]::\s*$|``[^`\n]+``|:\w+:`|^[^\w\s<]{3,}\n.+\n[^\w\s<]{3,}$|^\|[\w -]+\|",
        text,
        re.M,
    )
    markdown = re.findall(r"^#{1,6} \S|^```|\]\(|^\s*</?(?:p|div|h\d|img|a|br|details)\b|\]\[", text, re.M)
    return len(restructured) > len(markdown)


# --- Markdown


def _markdown(text: str) -> Iterator[Block]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(re.sub(r"<!--.*?-->", "", text, flags=re.S))
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = _end(tokens, position)
        inside = tokens[position + 1 : end]
        if token.type == "heading_open":
            yield Block(Kind.HEADING, _inline(inside)[0])
        elif token.type == "paragraph_open":
            yield _prose(*_inline(inside))
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            yield _listed(_item(inside, at) for at, t in enumerate(inside)
                          if t.type == "list_item_open" and t.level == token.level + 1)  # fmt: skip
        elif token.type == "html_block":
            yield from _html(token.content)
        else:
            yield Block(Kind.OTHER)
        position = end + 1


def _end(tokens: Sequence[Token], start: int) -> int:
    """Where the block that opens at ``start`` closes."""
    if tokens[start].nesting != 1:
        return start
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1


def _item(tokens: Sequence[Token], at: int) -> tuple[str, bool]:
    """The first paragraph of a list's item."""
    inside = tokens[at + 1 : _end(tokens, at)]
    first = [token for token in inside if token.type == "inline"][:1]
    return _inline(first)


def _inline(tokens: Sequence[Token]) -> tuple[str, bool]:
    """The text of inline tokens, and whether it is mostly links."""
    words: list[str] = []
    linked = total = depth = 0
    for token in (child for t in tokens if t.type == "inline" for child in t.children or ()):
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        piece = {"softbreak": " ", "hardbreak": " "}.get(token.type, "")
        if token.type in ("text", "code_inline"):
            piece = token.content
            total += len(piece.strip())
            linked += len(piece.strip()) if depth else 0
        words.append(piece)
    return _flat("".join(words)), total > 0 and linked / total > _MOSTLY


class _HtmlText(HTMLParser):
    """The paragraphs and headings of a block of HTML."""

    _BLOCKS = frozenset(("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "center", "li", "ul", "table", "br"))
    _HIDDEN = frozenset(("script", "style", "details", "table", "pre", "code", "a", "picture"))

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._hidden = 0
        self._tag = "p"
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in self._BLOCKS and tag != "br":
            self.flush()
            self._tag = tag
        self._hidden += tag in self._HIDDEN

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self.flush()
        self._hidden -= tag in self._HIDDEN and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)

    def flush(self) -> None:
        if text := _flat("".join(self._words)):
            self.found.append((self._tag, text))
        self._words, self._tag = [], "p"


def _html(text: str) -> Iterator[Block]:
    parser = _HtmlText()
    parser.feed(text)
    parser.flush()
    for tag, found in parser.found:
        yield Block(Kind.HEADING if re.fullmatch(r"h\d", tag) else Kind.PARAGRAPH, found)


# --- reStructuredText

_SETTINGS = {
    "_disable_config": True, "doctitle_xform": False, "file_insertion_enabled": False, "halt_level": 6,
    "input_encoding": "unicode", "raw_enabled": False, "report_level": 5, "syntax_highlight": "none",
}  # fmt: skip
_ROLE = re.compile(r":[\w:+.-]+:`~?!?([^`<]+?)(?:\s*<[^>`]*>)?`")


def _restructured(text: str) -> Iterator[Block]:
    source = _ROLE.sub(r"``\1``", text)
    tree = publish_doctree(source, settings_overrides={**_SETTINGS, "warning_stream": io.StringIO()})
    yield from _walked(tree)


def _walked(parent: Any) -> Iterator[Block]:
    for node in parent.children:
        if isinstance(node, nodes.section):
            yield from _walked(node)
        elif isinstance(node, nodes.title):
            yield Block(Kind.HEADING, _flat(_words(node)))
        elif isinstance(node, nodes.paragraph):
            yield _prose(*_linked(node))
        elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            yield _listed(_linked(item.children[0]) for item in node.children if item.children)
        elif isinstance(node, nodes.compound | nodes.container):
            yield from _walked(node)
        elif not isinstance(node, nodes.comment | nodes.substitution_definition | nodes.target | nodes.system_message):
            yield Block(Kind.OTHER)


def _linked(node: Any) -> tuple[str, bool]:
    """The text of a paragraph, and whether it is mostly links."""
    text = _words(node)
    linked = sum(len(_words(reference)) for reference in node.findall(nodes.reference))
    return _flat(text), bool(text.strip()) and linked / len(text) > _MOSTLY


def _words(node: Any) -> str:
    """The text below a node without images, footnotes and what docutils could not resolve."""
    if isinstance(node, nodes.Text):
        return str(node)
    if isinstance(node, nodes.image | nodes.footnote_reference | nodes.citation_reference | nodes.system_message):
        return ""
    if isinstance(node, nodes.problematic):
        text = node.astext()
        return "" if text.startswith("|") else str(re.sub(r"[`*_]+", "", text))
    return "".join(_words(child) for child in node.children)


def _prose(text: str, navigation: bool) -> Block:
    return Block(Kind.OTHER) if navigation or not text else Block(Kind.PARAGRAPH, text)


def _listed(items: Iterator[tuple[str, bool]]) -> Block:
    found = tuple(text for text, navigation in items if text and not navigation)
    return Block(Kind.LIST, items=found) if found else Block(Kind.OTHER)


def _flat(text: str) -> str:
    return " ".join(text.split())
