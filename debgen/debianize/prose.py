"""Sentences of a README as a Description can have them: no markup, links, advertising, or talk of the project."""

from __future__ import annotations

import re
import unicodedata

#: Words in the case that Debian's descriptions have them in, where upstreams often don't.
_CASE = {
    "apache": "Apache", "api": "API", "Api": "API", "debian": "Debian", "english": "English", "french": "French",
    "german": "German", "gnu": "GNU", "gtk+": "GTK+", "Http": "HTTP", "japanese": "Japanese", "chinese": "Chinese",
    "latex": "LaTeX", "Latex": "LaTeX", "linux": "Linux", "lua": "Lua", "LUA": "Lua", "mysql": "MySQL",
    "Mysql": "MySQL", "MYSQL": "MySQL", "oAuth": "OAuth", "ocaml": "OCaml", "Ocaml": "OCaml",
    "openstreetmap": "OpenStreetMap", "postgresql": "PostgreSQL", "Postgresql": "PostgreSQL", "Pypi": "PyPI",
    "PyPi": "PyPI", "python": "Python", "russian": "Russian", "spanish": "Spanish", "tcl": "Tcl", "TCL": "Tcl",
    "Tex": "TeX", "tk": "Tk", "TK": "Tk", "wifi": "Wi-Fi", "Wifi": "Wi-Fi", "WiFi": "Wi-Fi", "wi-fi": "Wi-Fi",
    "Wi-fi": "Wi-Fi", "arabic": "Arabic", "latin": "Latin", "greek": "Greek", "hebrew": "Hebrew", "korean": "Korean",
    "docbook": "DocBook", "subversion": "Subversion", "systemD": "systemd", "SystemD": "systemd",
}  # fmt: skip
_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "…": "...", "–": "-", "—": "-", "‑": "-", "‐": "-",
    "−": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": "", "\u200d": "", "\ufeff": "", "\u00ad": "",
    "→": "->", "←": "<-", "×": "x", "≥": ">=", "≤": "<=", "®": "", "™": "", "•": "-",
})  # fmt: skip
#: What speaks to the visitor of a web page, or of the project instead of the software.
_NOISE = re.compile(
    r"https?:|www\.|\S+@\S+\.\w"
    r"|(?:^|\s)(?:I|I'[md]|[Mm]y|[Oo]urs?|mine|myself|me|us|[Ww]e(?:'\w+)?|[Ll]et's)(?=\W|$)"
    r"|(?i:\b(?:pip3?|pipx|uv|conda|mamba|brew|npm|poetry|apt(?:-get)?) (?:install|add)\b|\bgit clone\b|\bsetup\.py\b)"
    r"|(?i:\binstall(?:ed|ing|ation)?\b.*\b(?:with|via|using|from|by|run|command)\b|^(?:to )?install\b)"
    r"|(?i:^(?:see|check|read|visit|please|click|note|refer|find|learn|follow|star|join|feel free|thanks?|thank you|"
    r"looking for|want|need|try|welcome|hello|hi|tip|warning|important|disclaimer|update|nb)\b)"
    r"|(?i:^(?:for|more|full|further|detailed?|complete)\b.*\b(?:details?|information|documentation|docs|examples?)\b)"
    r"|(?i:\byou can (?:find|install|read|see|download|get)\b|\b(?:documentation|docs|changelog|readme|wiki|website)\b)"
    r"|(?i:\b(?:following|below|above|here|see (?:the|also)|in (?:the )?future)\b|\bthis (?:page|repo|document))"
    r"|(?i:\b(?:discord|slack|twitter|travis|codecov|coveralls|badge|questions?|issue (?:tracker|numbers?)|"
    r"compan(?:y|ies)|enterprise|commercial|tidelift|pytest|sponsor\w*|donat\w+|patreon|pull requests?|"
    r"contribut\w+|maintained by|maintainers?|feedback|bug reports?|roadmap|changelog)\b)"
    r"|(?i:\blicen[cs]ed?\b|\bcopyright\b|\bpatent)"
    r"|(?i:\b(?:supports?|requires?|works? (?:with|on)|tested (?:on|with|against)|compatible with|available for|needs?|"
    r"runs? on|drops?|dropped)\b.*\b(?:(?:C?Python|PyPy)\s*(?:v?\d|>)|Python versions?|versions? \d))"
    r"|(?i:\bversions? of (?:C?Python|PyPy)\b|\bPython versions?\b|^\(note)"
    r"|(?i:\b(?:alpha|beta|work in progress|(?:under|active) (?:\w+ )?development|breaking changes?|deprecated|"
    r"no longer maintained|unmaintained|planned|coming soon|will be added|not yet|latest (?:version|release)|"
    r"this release|new in|since version|as of version|in version|semver|stable version)\b)"
)
#: How sentences begin that need the one before them.
_LEANS = re.compile(
    r"(?:[(\[]|(?:but|and|or|so|however|therefore|thus|hence|then|also|instead|otherwise|moreover|furthermore|"
    r"additionally|besides|for example|for instance|in (?:that|this) case|by comparison|in contrast|unfortunately|"
    r"this means|likewise)"
    r"\b)",
    re.I,
)
_ABBREVIATED = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|approx|Dr|Mr|Mrs|St|No|Inc|Ltd|incl|resp)|\b[A-Z])\.$")


def cleaned(text: str) -> str:
    """Text on one line with plain quotes and dashes, without emoji and what is left of markup, in the usual case."""
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    text = re.sub(r"`([^`<]+?)\s*<[^>`]+>`_{1,2}", r"\1", text)
    text = re.sub(r"</?[A-Za-z][^>\n]*>", "", text)
    text = re.sub(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?", "", text)
    text = re.sub(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    text = re.sub(r":[\w:]+:`([^`]+)`", r"\1", text)
    text = re.sub(r":[a-z0-9_+-]+:(?=[\s.,!]|$)", "", text)  # emoji by name
    text = re.sub(r"(\*\*|``|`)(.+?)\1", r"\2", text)
    text = re.sub(r"(?<![\w_])__(\S(?:.*?\S)?)__(?![\w_]|\.\w)", r"\1", text)
    text = re.sub(r"(?<![\w*_])[*_](?![*_])(\S(?:[^*_\n]*\S)?)[*_](?![\w*_])", r"\1", text)
    text = re.sub(r"\|[\w .-]+\|_{0,2}|\[\d+\]_?", "", text)
    kept = "".join(c for c in text if not unicodedata.category(c).startswith(("C", "So")) or c in "\n\t")
    kept = re.sub(r"\(\s*\)", "", " ".join(kept.split()))
    kept = re.sub(r"\s+([.,;:!?](?:\s|$))", r"\1", kept)
    kept = re.sub(r",(['\"])(?=\s|$)", r"\1,", kept)
    kept = re.sub(r",(?=[^\s\d])", ", ", kept)
    kept = re.sub(r"\b([Aa]llows?|[Pp]ermits?|[Ee]nables?) to\b", r"\1 one to", kept)
    kept = re.sub(r"\b(\w{2,}) \1\b(?=\W)", lambda m: m[0] if m[1][0].isupper() or m[1].isdigit() else m[1], kept)
    return " ".join(_CASE.get(word, word) for word in kept.split())


def sentences(text: str) -> list[str]:
    """The sentences of a cleaned paragraph."""
    found: list[str] = []
    for piece in re.split(r"(?<=[.!?:])\s+(?=[A-Z0-9\"'(])", text):
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def telling(sentence: str) -> bool:
    """Whether a sentence says what the software is or does, in a language and script that Debian can print."""
    letters = [c for c in sentence if c.isalpha()]
    latin = sum("LATIN" in unicodedata.name(c, "") for c in letters)
    if not letters or latin < len(letters) * 0.9 or "?" in sentence:
        return False
    return len(sentence.split()) >= 4 and not _NOISE.search(sentence)


def paragraph(text: str, *, list_follows: bool = False) -> str:
    """The telling sentences of a paragraph, as one; an empty string where none is.

    A sentence that ends in a colon is kept before a list only. What has no end is a title, unless it is long.
    """
    kept: list[str] = []
    dropped = True
    for sentence in sentences(cleaned(text)):
        before, dropped = dropped, True
        if sentence.endswith(":") and list_follows and not _NOISE.search(sentence):
            kept.append(sentence)
        if not telling(sentence) or sentence.endswith(":") or (before and _LEANS.match(sentence)):
            continue
        if not sentence.endswith((".", "!", ")", '."')) and len(sentence) < 60:
            continue
        dropped = False
        ended = re.sub(r"!+$", ".", sentence)
        kept.append(ended if ended.endswith((".", ":", '."')) else f"{ended}.")
    if kept and not list_follows and kept[-1].endswith(":"):
        kept.pop()
    joined = " ".join(kept)
    return joined if len(joined) >= 30 or (list_follows and joined.endswith(":")) else ""


def item(text: str) -> str:
    """An item of a list, or an empty string where it says nothing on the software."""
    first = sentences(cleaned(text))[:1]
    if not first or _NOISE.search(first[0]) or len(first[0]) > 160 or len(first[0].split()) < 2 or "?" in first[0]:
        return ""
    return "" if first[0].endswith(":") else re.sub(r"[.!;,]+$", "", first[0])
