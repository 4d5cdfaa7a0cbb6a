"""The dossier as plain data, from which the page and its text twin are both written, so that they say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class Mark(Enum):
    """How something stands, by a word that is shown beside the colour."""

    GOOD = "good"
    LOOK = "look"
    """A human should look at it."""
    BAD = "bad"
    NONE = "not done"
    PLAIN = ""


class Who(Enum):
    """Where a line of debian/ comes from: the sign in the margin and its meaning."""

    FACT = "M"
    RULE = "P"
    RECIPE = "R"
    HUMAN = "H"
    UNKNOWN = "?"
    COMMON = ""


MEANING = {
    Who.FACT: "machine-made, from a fact of the source or of the archive",
    Who.RULE: "machine-made, as policy or the suite’s tools ask of every package",
    Who.RECIPE: "a human decided it in a recipe",
    Who.HUMAN: "a human’s edit after it was generated",
    Who.UNKNOWN: "nothing tells where it comes from",
    Who.COMMON: "machine-made, and the same in every package",
}
WORDS = {
    Who.FACT: "fact", Who.RULE: "policy", Who.RECIPE: "recipe", Who.HUMAN: "human", Who.UNKNOWN: "unknown",
    Who.COMMON: "",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One reason, whose it is, and the number of the last line that it is for, where that isn't the line it is at."""

    who: Who
    text: str
    until: int | None = None


@dataclass(frozen=True)
class Line:
    """A line of a file: its number (None for one that a human removed), its text, and the reasons that begin here."""

    number: int | None
    text: str
    who: Who = Who.COMMON
    reasons: tuple[Told, ...] = ()


@dataclass(frozen=True)
class Para:
    """A paragraph."""

    text: str
    mark: Mark = Mark.PLAIN


@dataclass(frozen=True)
class Facts:
    """Labels with their texts."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table: its caption, the heads of the columns, the rows; a cell may be a mark."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str | Mark, ...], ...]


@dataclass(frozen=True)
class Items:
    """A list under a title; each item with its mark."""

    title: str
    items: tuple[tuple[Mark, str], ...]


@dataclass(frozen=True)
class Listing:
    """A file of debian/ with the reasons beside its lines. ``cut`` says what isn't shown, and where it is."""

    title: str
    lines: tuple[Line, ...]
    cut: str = ""
    note: str = ""
    open: bool = True


@dataclass(frozen=True)
class Log:
    """Lines of a log or a diff, folded away at first. ``cut`` says what isn't shown, and where the whole is."""

    title: str
    lines: tuple[str, ...]
    cut: str = ""
    open: bool = False


Block: TypeAlias = Para | Facts | Table | Items | Listing | Log


@dataclass(frozen=True)
class Section:
    """One thing that a sponsor looks at. ``told`` is its result in one sentence."""

    key: str
    title: str
    mark: Mark
    told: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Document:
    """The dossier: the package, the verdict in one sentence, what is left for a human, and the sections."""

    title: str
    suite: str
    verdict: Mark
    told: str
    facts: tuple[tuple[str, str], ...]
    left: tuple[tuple[Mark, str], ...]
    sections: tuple[Section, ...] = field(default=())


#: What is no character for people, ends a line where nobody sees it, or makes text read in another order than it is
#: written (Unicode's Cc, Cf, Zl, Zp and surrogates, and what looks like nothing).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def visible(text: str) -> str:
    r"""``text`` with every character that can't be seen, or that reorders others, written as its number.

    >>> visible("a\u202eb"), visible("caf\udce9")
    ('a⟨U+202E⟩b', 'caf⟨byte E9⟩')
    """
    return _UNSEEN.sub(_named, text)


def _named(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"⟨byte {code - 0xDC00:02X}⟩" if 0xDC80 <= code <= 0xDCFF else f"⟨U+{code:04X}⟩"


def plain(text: str) -> str:
    """A line of a log without the colours that a terminal would show."""
    return _COLOUR.sub("", text)


def counted(number: int, word: str, words: str = "") -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {word if number == 1 else words or word + 's'}"
