"""The licence that CITATION.cff names (Citation File Format 1.2), read by its lines: YAML's other forms say nothing."""

from __future__ import annotations

import re

from debgen.upstream.sourcetree import SourceTree

_ONE = re.compile(r"^license:[ \t]*['\"]?([A-Za-z0-9][\w.+-]*)['\"]?[ \t]*(?:#.*)?$", re.MULTILINE)
_LIST = re.compile(r"^license:[ \t]*\n((?:[ \t]*-[ \t]+['\"]?[A-Za-z0-9][\w.+-]*['\"]?[ \t]*(?:\n|\Z))+)", re.MULTILINE)


def cited_licence(tree: SourceTree) -> str:
    """An SPDX expression, or an empty string. Of a list any one may be chosen, as the format says."""
    text = tree.text("CITATION.cff").replace("\r\n", "\n") if "CITATION.cff" in tree else ""
    if found := _ONE.search(text):
        return found[1]
    several = _LIST.search(text)
    return " OR ".join(re.findall(r"[A-Za-z0-9][\w.+-]*", several[1])) if several else ""
