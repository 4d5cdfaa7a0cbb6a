"""Upstream's summary as a synopsis: a noun phrase under 80 columns (developers-reference 6.2.2)."""

from __future__ import annotations

import re
import unicodedata

from debgen.debianize.prose import cleaned, sentences

_WIDTH = 79
_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\S)", re.I)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Verbs that summaries begin with: "Parse X" is what the library is for, no noun phrase.
_VERBS = _words(
    """access add allow analyze annotate apply automate bring build bundle calculate call check clean collect combine
    compare compile compress compute connect convert count create customize decode decompile decompress define
    deploy detect develop discover display download drive dump embed emulate enable encode enforce ensure escape
    estimate evaluate execute explore export expose extract fetch find fix fold format generate get give guess
    handle help implement import improve infer inspect instrument integrate interact invoke keep launch let
    limit lint list load locate log make manage manipulate measure merge migrate mock monitor normalize open
    optimize parse perform play post predict prettify print process produce profile provide publish query read
    recognize record reduce register remove rename render replace resolve restore retrieve retry run sanitize
    save scan scrape search select send serialize set share show simplify simulate solve sort speed split start
    store stream strip summarize support synchronize test tokenize track train transform translate turn unify
    unpack update upload use validate verify view visualize watch wrap write"""
)
#: Those that are nouns as well; the word after them tells.
_NOUNS_TOO = _words(
    """access build call check display download drive dump embed export fetch find format help import keep let limit
    lint list load log measure merge mock monitor open play post print process profile query read record render
    replace retry run scan search select set share show sort split start store stream strip support test track
    train transform turn update upload use view watch wrap"""
)
_DETERMINERS = _words(
    """a all an and any arbitrary between both code data files from into many more multiple objects or simple some
    strings text the these things this various with your"""
)
#: Words that begin summaries and are no names, whatever case upstream gives them.
_COMMON = _words(
    """a another async asynchronous automatic backport backports basic bindings blazingly bridge class classes clean
    client collection collections command common compact composable comprehensive concurrent core cross-platform
    customizable declarative dependency drop-in dynamic easy easy-to-use efficient elegant extensible extension
    extensions fast fastest featureful flexible framework functions generic helper helpers high high-level
    high-performance human implementation interface interfaces json-like library lightning-fast lightweight lint
    little low-level low-overhead machine micro minimal minimalist minimalistic missing modern module modules
    multi-purpose native new next nicer non-blocking official open open-source package parser patch performant
    pluggable plugin plugins portable powerful pretty production-ready pure python-based quick rate reference
    reusable robust runtime safe scalable schema secure server set shared simple simplified single sleek small
    smart software standalone standards static straightforward structured style support synchronous terminal
    test tests text thin tiny tool toolkit tools type typed types typing ultra ultra-fast unified universal
    unofficial useful utilities utility validating various versatile very wrapper wrappers"""
)


def synopsis(summary: str, name: str = "", context: str = "") -> str:
    """Upstream's summary as a noun phrase: one line under 80 columns, no article, no full stop.

    ``name`` is the distribution's, which must not come first; ``context`` a longer text of upstream's, which shows
    what it writes in lower case. A longer summary is cut where a clause ends; an empty string where nothing is left.
    """
    text = _first_sentence(cleaned(summary))
    text = _without_name(text, name)
    text = _noun_phrase(_ARTICLE.sub("", text))
    text = _shortened(text.rstrip(" .!,;:-"))
    text = _ARTICLE.sub("", _lowered(text, name, context)).rstrip(" .!,;:-")
    if len(text.split()) < 2 or not re.search(r"[^\W\d_]{2}", text) or not _is_latin(text):
        return ""
    return text


def _first_sentence(text: str) -> str:
    """The first sentence, or the next one where that is only a name or a greeting."""
    found = [s for s in sentences(text) if not re.search(r"https?:|www\.", s)]
    text = next((s for s in found if len(s.split()) > 1), found[0] if found else "")
    # what looks like the end of a sentence inside of it (vs. etc.)
    return re.sub(r"\b(e\.g|i\.e|vs|etc|incl)\.(?=\s)", lambda m: m[1].replace(".", ""), text)


def _without_name(text: str, name: str) -> str:
    """``Foo is a parser``, ``foo: a parser``, ``foo - parser`` → the rest."""
    if not name:
        return text
    spelled = r"[\W_]*".join(map(re.escape, re.sub(r"[\W_]+", "", name)))
    said = rf"^(?:python[- ])?{spelled}(?:\.py)?\b\s*"
    rest = re.sub(
        said + r"(?:,\s*|[-:|]+\s+|(?:is|are)\s+|\((?P<also>[^)]*)\)\s*[-:,]?\s*(?:is\s+)?)", "", text, flags=re.I
    )
    if rest == text:
        after = re.sub(said, "", text, flags=re.I)
        if after.partition(" ")[0].removesuffix("s") in _VERBS or after.startswith(("makes ", "provides ", "lets ")):
            rest = after
    return rest if len(rest.split()) > 1 else text


def _noun_phrase(text: str) -> str:
    """``Provides a parser`` → ``parser``; ``Parse all things`` → ``library to parse all things``."""
    word, _, rest = text.partition(" ")
    bare = word.strip(",").casefold()
    follower = rest.partition(" ")[0].strip(",").casefold()
    if bare in ("provides", "implements", "offers", "contains", "includes", "implementing", "providing"):
        return _ARTICLE.sub("", rest)
    if re.match(r"(?:this|it) (?:is|package|library|module|project)\b", text, re.I):
        return _noun_phrase(_ARTICLE.sub("", re.sub(
            r"^(?:this|it)(?: (?:package|library|module|project))?(?: is)?\s+", "", text, flags=re.I)))  # fmt: skip
    third = bare.removesuffix("es") if bare.removesuffix("es") in _VERBS else bare.removesuffix("s")
    if (
        bare.endswith("s")
        and third in _VERBS
        and (third not in _NOUNS_TOO or follower in ("a", "an", "the", "your", "all"))
    ):
        return f"library that {word.casefold()} {rest}"
    if bare in ("easily", "quickly", "automatically", "efficiently") and follower in _VERBS:
        return f"library to {text[0].lower()}{text[1:]}"
    if bare in _VERBS and rest:
        plain = follower in _DETERMINERS or (follower.endswith("s") and not follower.endswith("ss"))
        if bare not in _NOUNS_TOO or word.endswith(",") or plain:
            return f"library to {word.casefold()} {rest}"
    return text


def _shortened(text: str) -> str:
    if len(text) > _WIDTH:
        ends = [m.start() for m in re.finditer(r"(?:[.;:,]| - | \(| that | which | with | for | using )\s*", text)]
        cut = max((end for end in ends if 20 <= end <= _WIDTH), default=0)
        if not cut:
            ends = [m.start() for m in re.finditer(r" (?:to|of|in|and|or|on|by|from|via|through|into|as)\b ", text)]
            cut = max((end for end in ends if 20 <= end <= _WIDTH), default=0)
        text = text[:cut].rstrip(" .,;:-")
        if text.count("(") > text.count(")"):
            text = text.rpartition("(")[0].rstrip(" .,;:-")
        text = re.sub(r"\s+(?:and|or|the|an?|with|for|to|of|in|that|which|using)$", "", text)
    return text


def _lowered(text: str, name: str, context: str) -> str:
    """The first word in lower case, unless it is a name: upstream writes it so elsewhere, or it is a common word."""
    word = re.split(r"[\s,;:/]", text, maxsplit=1)[0]
    if not re.fullmatch(r"[A-Z][a-z]+(?:-[A-Za-z]+)*", word) or word.casefold() == name.casefold():
        return text
    lower = word[0].lower() + word[1:]
    if cleaned(lower) != lower:
        return text  # a name that descriptions have in one case only, such as Python
    if word.casefold() in _COMMON | _VERBS or re.search(rf"(?<![\w./`-]){re.escape(lower)}(?!\.\w|[\w/(`-])", context):
        return word.casefold() + text[len(word) :] if "-" in word else lower + text[len(word) :]
    return text


def _is_latin(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return sum("LATIN" in unicodedata.name(c, "") for c in letters) >= len(letters) * 0.9
