"""Holders of copyright as scanners quote them, brought into lines of DEP-5: ``2018-2020 Jane Doe <j@example.org>``."""

from __future__ import annotations

import re
from collections.abc import Iterable

_YEAR = r"(?:19|20)\d\d"
#: What follows a holder on the same line: another sentence, the licence, or the code around a quoted notice.
_CUT = re.compile(
    r"\.?\s*\ball rights? reserved\b.*"
    r"|[,.;]?\s+(?:see (?:the )?`*(?:AUTHORS|LICEN[CS]E|COPYING|README|CONTRIBUTORS|file)\b"
    r"|(?:is |are )?(?:licen[cs]ed|released|distributed|available|provided|published) (?:under|by|with|as|for|in)\b"
    r"|\w?permission is hereby|under the (?:terms|[A-Z]\w+ (?:licen[cs]e|public))|this (?:software|file|program|code|"
    r"module|library|work|project|is)\b|SPDX-|for more (?:information|details)|licen[cs]e:|redistribution and use).*"
    r"|\s+[*#]+\s+(?:copyright|\(c\)).*|\s*\*/.*|\s*-->.*|\\n.*|['\"`]\s.*|\s\|(?:\s.*|$)|\s{3,}.*|<(?:br|p|a|/)\b.*"
    r"|\.\s+all(?: rights)?$|\s*&\w+;?$|\s*&\w+;.*",
    re.I,
)
#: A line that begins so is a sentence about copyright, and names nobody.
_SENTENCE = re.compile(
    r"(?:notices?|holders?|owners?|laws?|and|or|is|are|in|of|as|to|on|for|with|that|which|statements?|information|"
    r"licen[cs]es?|see|interests?|symbols?|signs?|protect\w*|permissions?|works?|materials?|strings?|text|header|years?|"
    r"dates?|files?|functions?|attributions?|disclaimers?|claims?|assign\w*|status|from|if|you|your|may|has|have|any|"
    r"not|can|must|below|above|line|lines|name|names|reserved|infring\w*|act|treaty|agreement|issues?|"
    r"the (?:software|above|following|code|author\(s\)|copyright|original|respective|holder|owner|work|"
    r"licen[cs]e|initial|source)\b|"
    r"this|these|its|it|unless|a|an)\b",
    re.I,
)
#: Words for whoever it is; they name nobody in particular.
_NOBODY = re.compile(
    r"(?:by )?(?:the |its |their |all )*(?:respective |original |individual |above )*"
    r"(?:authors?|contributors?|holders?|developers?|owners?)(?:\(s\))?",
    re.I,
)
_COLLECTIVE = re.compile(r"\b(?:authors|contributors|developers|maintainers|team|project|community|foundation)\b", re.I)
_CODE = re.compile(
    r"[{}=\\$%|^~\[\]]|\(\)|::|;\s*$|&\w+;|https?://\S*[<>]|<(?!\s*[^<>\s]+(?:@| at )[^<>]*>|https?://)\S"
)


def holder_lines(lines: Iterable[str]) -> list[str]:
    """One line per holder with the span of years: ``2020, X`` and ``2023-present X`` → ``2020-2023 X``.

    Sentences about copyright, quoted code and templates that nobody filled in are left out.
    """
    years: dict[str, set[int]] = {}
    spelling: dict[str, str] = {}
    for line in lines:
        found, holder = _taken_apart(line)
        if not holder:
            continue
        key = _key(holder)
        if not key:
            continue
        if key not in spelling or ("@" in holder and "@" not in spelling[key]):
            spelling[key] = holder
        years.setdefault(key, set()).update(found)
    return [_span(years[key]) + spelling[key] for key in sorted(years)]


def _taken_apart(line: str) -> tuple[list[int], str]:
    """The years of a line and its holder, who may stand on either side of them; nobody is an empty string."""
    text = " ".join(line.replace("\N{NO-BREAK SPACE}", " ").split())
    text = re.sub(r"^(?:[\W_]*(?:copyright\b|copr\.|\(c\)|©|&copy;|original code is))+[\s:,]*", "", text, flags=re.I)
    text = re.sub(r"\[([^\]]+)\]\(\S*\)|`([^`]+)`_*", r"\1\2", text)
    text = _CUT.sub("", re.sub(r"\s*<https?://[^>]*>", "", text))
    match = re.match(rf"^((?:{_YEAR}\b|20\dx\b|-\d\d?\b|[\s,–—/&+-]|(?:to|and|present|now)\b)*)(.*)$", text, re.I)
    before, rest = (match[1], match[2]) if match and re.search(_YEAR, match[1]) else ("", text)
    after = re.search(rf"[,\s(]+({_YEAR}(?:[\s,–—-]+(?:{_YEAR}|present|now)?)*)\)?\.?$", rest) if not before else None
    if after:
        before, rest = after[1], rest[: after.start()]
    holder = re.sub(r"^(?:by|\(c\)|©|[,:\-–—*#/.\s])+(?=\s|\S)", "", rest, flags=re.I).strip(" ,;:.*#'\"-–—/")
    holder = re.sub(r"(?:[\s,]+(?:and|or|et|&))+$", "", re.sub(r"\s+([,.])", r"\1", holder))
    for opening, closing in ("<>", "()"):
        if holder.count(closing) > holder.count(opening):
            holder = holder.rstrip(f"{closing} .,*")
    if rest.rstrip().endswith(("Inc.", "Ltd.", "Co.", "Corp.", "al.", "Jr.")):
        holder = f"{holder}."
    years = [int(year) for year in re.findall(rf"\b{_YEAR}\b", before)]
    return years, holder if _names_somebody(holder) and (years or _looks_like_a_name(holder)) else ""


def _names_somebody(holder: str) -> bool:
    if len(re.findall(r"[^\W\d_]", holder)) < 2 or len(holder) > 150:
        return False
    if _NOBODY.fullmatch(holder) or "copyright" in holder.casefold():
        return False
    if _SENTENCE.match(holder) and not re.match(r"(?:Any|May|Its?|An?)\s[A-Z]", holder):
        return False
    return not _CODE.search(holder) and holder.count("(") == holder.count(")")


def _looks_like_a_name(holder: str) -> bool:
    """Without a year, only words that are mostly capitalised, or a project's people, are taken for a name."""
    if _COLLECTIVE.search(holder) and 2 <= len(holder.split()) <= 10:
        return True
    words = [word for word in re.sub(r"<[^>]*>", "", holder).split() if word[0].isalpha()]
    return bool(words) and len(words) <= 10 and sum(not word[0].islower() for word in words) * 2 >= len(words)


def _key(holder: str) -> str:
    """What two spellings of one holder have in common."""
    bare = re.sub(r"<[^>]*>|\([^)]*@[^)]*\)|https?://\S+", "", holder)
    key = re.sub(r"[\W_]+", " ", bare or holder).casefold().strip()
    return re.sub(r"\s*\b(?:the|and contributors?|and others?)\b\s*", " ", key).strip() or key


def _span(years: set[int]) -> str:
    if not years:
        return ""
    return f"{min(years)} " if len(years) == 1 else f"{min(years)}-{max(years)} "
