"""The reasons for the paragraphs of debian/copyright: where each licence is known from."""

from __future__ import annotations

import re

from debgen.debianize.copyright_groups import matches
from debgen.debianize.licencenames import parts
from debgen.debianize.model import Inputs
from debgen.debianize.provenance import Cause, Lines, Origin

#: The most files that a reason names.
_SHOWN = 3


def copyright_reasons(lines: Lines, inputs: Inputs) -> None:
    """Add to ``lines``, those of debian/copyright, what each paragraph and Files-Excluded come from."""
    lines.block("Format:", Cause("the machine-readable format (DEP-5)", Origin.RULE))
    lines.block("Upstream-Name:", Cause("upstream's metadata: Name"))
    lines.block("Upstream-Contact:", Cause("upstream's metadata: Author or Maintainer"))
    lines.block("Source:", Cause("upstream's metadata: Project-URL or Home-page"))
    reasons = [f"{odd.path}: {odd.reason}" for odd in inputs.facts.odd_files]
    told = "; ".join(reasons[:_SHOWN]) or "what the archive's package leaves out, or a rule finds without its source"
    lines.block("Files-Excluded:", Cause(told), r"\S")
    for number, line in enumerate(lines.lines):
        if line.startswith("Files:"):
            patterns, licence = _paragraph(lines.lines, number)
            lines.span(number + 1, number + len(_until_blank(lines.lines, number)), _files(inputs, patterns, licence))
        elif line.startswith("License:") and (number == 0 or not lines.lines[number - 1].strip()):
            body = _until_blank(lines.lines, number + 1)
            cause = _text(inputs, line.partition(":")[2].strip(), "\n".join(body))
            lines.span(number + 1, number + 1 + len(body), cause)


def _until_blank(lines: list[str], start: int) -> list[str]:
    end = next((n for n in range(start, len(lines)) if not lines[n].strip()), len(lines))
    return lines[start:end]


def _paragraph(lines: list[str], start: int) -> tuple[list[str], str]:
    """The patterns and the licence of the Files paragraph that begins at ``start``."""
    body = _until_blank(lines, start)
    after = next((n for n in range(1, len(body)) if not body[n].startswith(" ")), len(body))
    patterns = " ".join([body[0].partition(":")[2], *body[1:after]]).split()
    licence = next((line.partition(":")[2].strip() for line in body if line.startswith("License:")), "")
    return patterns, licence


def _files(inputs: Inputs, patterns: list[str], licence: str) -> Cause:
    if patterns == ["debian/*"]:
        return Cause("the packaging: its author, under the licence of the whole", Origin.RULE)
    if patterns == ["*"]:
        return Cause(_whole(inputs))
    found = [file for file in inputs.scan.files if any(matches(file.path, p) for p in patterns) and file.licence]
    tagged = sum(file.tagged for file in found)
    names = ", ".join(file.path for file in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    how = f"; {tagged} by an SPDX expression in the file or beside it" if tagged else ""
    return Cause(
        f"licensecheck finds {licence} in {names}{more}{how}" if found else f"a licence file there is {licence}"
    )


def _whole(inputs: Inputs) -> str:
    """Where the licence of the whole is known from."""
    facts = inputs.facts
    known = {file.path: file.licence for file in inputs.scan.files}
    told = [f"{path} is {known[path]}" for path in facts.licence_files if known.get(path)]
    if facts.licence and len(facts.licence) < 150:
        told.append(f"upstream's metadata says License: {' '.join(facts.licence.split())}")
    named = [c.rpartition(" :: ")[2] for c in facts.classifiers if c.startswith("License ::")]
    told += [f"upstream's classifier is {name}" for name in named[:1]]
    return "; ".join(told) or "neither the metadata nor a licence file says which licence this is"


def _text(inputs: Inputs, name: str, body: str) -> Cause:
    if "/usr/share/common-licenses/" in body:
        return Cause("every Debian system has the text in /usr/share/common-licenses (policy 12.5)", Origin.RULE)
    words = _squeezed(body)[:200]
    texts = {**dict(inputs.scan.texts), **inputs.texts}
    for path in sorted(texts, key=lambda path: (path.count("/"), path)):
        if words and words in _squeezed(texts[path]):
            return Cause(f"the text in {path}")
    for path, header in inputs.scan.headers:
        if words and words[:100] in _squeezed(header):
            return Cause(f"the header of {path}")
    held = inputs.continued.held.copyright if inputs.continued else ""
    if words and words in _squeezed(held):
        return Cause("the text in the debian/copyright of the archive's package")
    return Cause(f"the text of {' and '.join(parts(name))}, which its own words identify")


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
