"""Patterns of files as back ends have them: gitignore's, as hatch, and those of pathlib, as poetry and pdm."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from debgen.upstream.sourcetree import SourceTree


def files_matching(tree: SourceTree, patterns: Iterable[str], *, anchored: bool = True) -> list[str]:
    """The files that one of ``patterns`` names, itself or by a folder above them; sorted.

    Without ``anchored`` a pattern that has no slash but at its end names files in any folder, as in gitignore.
    """
    compiled = [_compiled(pattern, anchored) for pattern in patterns if pattern.strip("/ ")]
    return [name for name in tree.names if any(one.match(name) for one in compiled)] if compiled else []


@cache
def _compiled(pattern: str, anchored: bool) -> re.Pattern[str]:
    rooted = anchored or "/" in pattern.rstrip("/")
    body = "" if rooted else "(?:.*/)?"
    clean = pattern.removeprefix("./").strip("/")
    for part in re.findall(r"\*\*/|/\*\*$|\*\*|\*|\?|\[[^\]/]+\]|[^*?\[]+|\[", clean):
        match part:
            case "**/":
                body += "(?:.*/)?"
            case "/**":
                body += "/.*"
            case "**":
                body += ".*"
            case "*":
                body += "[^/]*"
            case "?":
                body += "[^/]"
            case _ if part[0] == "[" and len(part) > 2:
                body += "[" + re.escape(part[1:-1]).replace(r"\-", "-").replace(r"\!", "^").replace("!", "^") + "]"
            case _:
                body += re.escape(part)
    return re.compile(f"{body}(?:/|$)")
