"""What the archive's debian/copyright of the same source answers where the sdist itself is silent.

The archive's administrators have accepted it, so its full licence texts and the holders that it names for the whole
stand where upstream's files have none. Nothing else is taken: which file is under which licence is scanned anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from debian.deb822 import Deb822

#: A shorter text only points to one elsewhere (in characters).
_WHOLE_TEXT = 150


def held_texts(copyright_file: str) -> Mapping[str, str]:
    """The texts of licences by name in small letters, of a copyright file in DEP-5's form; of another none."""
    found: dict[str, str] = {}
    for fields in _paragraphs(copyright_file):
        name, _, body = str(fields.get("License", "")).partition("\n")
        text = "\n".join("" if line.strip() == "." else line.removeprefix(" ") for line in body.split("\n"))
        if len(text) >= _WHOLE_TEXT and "common-licenses" not in text:
            found.setdefault(name.strip().lower(), text)
    return found


def held_text(name: str, texts: Mapping[str, str]) -> str:
    """The text of the licence ``name``, or of the one version of it that there is; empty where there is none.

    >>> held_text("OFL", {"ofl-1.1": "text"}), held_text("OFL", {"ofl-1.0": "a", "ofl-1.1": "b"})
    ('text', '')
    """
    if found := texts.get(name.lower()):
        return found
    versions = [text for other, text in texts.items() if re.fullmatch(rf"{re.escape(name.lower())}-[0-9.]+", other)]
    return versions[0] if len(versions) == 1 else ""


def held_holders(copyright_file: str) -> list[str]:
    """The lines of Copyright for the whole (``Files: *``); none where the file has another form."""
    for fields in _paragraphs(copyright_file):
        if str(fields.get("Files", "")).split() == ["*"]:
            return [line.strip() for line in str(fields.get("Copyright", "")).splitlines() if line.strip()]
    return []


def _paragraphs(copyright_file: str) -> list[Deb822]:
    if "copyright-format" not in copyright_file[:500]:
        return []
    return list(Deb822.iter_paragraphs(copyright_file.splitlines(keepends=True), use_apt_pkg=False))
