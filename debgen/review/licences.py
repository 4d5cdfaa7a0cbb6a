"""The licences: what debian/copyright says, how many files each of its paragraphs covers, where it is known from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from debian.copyright import Copyright, NotMachineReadableError
from debian.deb822 import Deb822

from debgen.review.document import Block, Items, Mark, Para, Section, Table, counted
from debgen.review.lines import listing
from debgen.review.results import Results

_SHOWN = 30
#: The longest text of a cell; the whole stands in the file below.
_LONGEST = 400


def licences(results: Results) -> Section:
    """The section on debian/copyright."""
    text = results.debian.get("copyright", "")
    title = "Licences"
    if not text:
        return Section("licences", title, Mark.BAD, "there is no debian/copyright")
    blocks: list[Block] = []
    try:
        rows, uncovered, names = _rows(text, results)
        caption = "Which files each paragraph covers: of several that match a file, the last counts (DEP-5)"
        blocks.append(Table(caption, ("Files", "how many", "Licence", "Copyright", "known from"), rows))
        told = f"{', '.join(names)}, over {counted(len(rows), 'paragraph')}"
        mark = Mark.GOOD
        if uncovered:
            mark, told = Mark.BAD, f"{counted(len(uncovered), 'file')} under no paragraph"
            blocks.append(Items("Files under no paragraph", tuple((Mark.BAD, path) for path in uncovered[:_SHOWN])))
    except (NotMachineReadableError, ValueError, KeyError) as error:
        mark, told = Mark.LOOK, f"debian/copyright can’t be read by a machine: {error}"
    disagreements = results.provenance.disagreements if results.provenance else ()
    if disagreements:
        items = [(Mark.LOOK, line) for line in disagreements[:_SHOWN]]
        if len(disagreements) > _SHOWN:
            items.append((Mark.LOOK, f"and {len(disagreements) - _SHOWN} more"))
        blocks.append(Items("What the scans of licences don’t agree on", tuple(items)))
        mark = Mark.LOOK if mark is Mark.GOOD else mark
        told += f"; the scans disagree on {counted(len(disagreements), 'file')}"
    elif results.provenance is None:
        blocks.append(Para("Whether the scans of licences agree is not known: generate again.", Mark.NONE))
    blocks.append(listing(results, "copyright", open_=False))
    return Section("licences", title, mark, told, tuple(blocks))


def _rows(text: str, results: Results) -> tuple[tuple[tuple[str, ...], ...], list[str], list[str]]:
    """The rows of the table, the files that no paragraph covers, and the licences in the order of the file."""
    parsed = Copyright(text.splitlines(keepends=True), strict=False)
    paragraphs: list[Any] = list(parsed.all_files_paragraphs())  # python-debian's hints don't know its own fields
    patterns = [paragraph.files_pattern() for paragraph in paragraphs]
    counts = [0] * len(paragraphs)
    uncovered = []
    for path in (*_paths(results.tree), *(f"debian/{path}" for path in results.debian)):
        found = next((n for n in range(len(patterns) - 1, -1, -1) if patterns[n] and patterns[n].match(path)), None)
        if found is None:
            uncovered.append(path)
        else:
            counts[found] += 1
    known = _known(text, results)
    rows, names = [], []
    for paragraph, count in zip(paragraphs, counts, strict=True):
        licence = paragraph.license.synopsis if paragraph.license else "no licence"
        names.append(licence)
        files = " ".join(paragraph.files)
        rows.append((files, str(count), licence, str(paragraph.copyright or ""), known.get(files, "")))
    cut = tuple(tuple(_short(cell) for cell in row) for row in rows)
    return cut, uncovered, list(dict.fromkeys(names))


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]} …"


def _paths(tree: Path) -> Iterator[str]:
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        # .pc is quilt's, and what dpkg-buildpackage leaves in debian/ is no source
        if (path.is_symlink() or path.is_file()) and not name.startswith((".pc/", "debian/")):
            yield name


def _known(text: str, results: Results) -> Mapping[str, str]:
    """The reason for each Files paragraph that stands as it was generated, by its patterns."""
    generated = (results.generated or {}).get("copyright", "")
    if results.provenance is None or not generated:
        return {}
    lines = generated.split("\n")
    found = {}
    for why in results.provenance.reasons:
        if why.file == "copyright" and lines[why.first - 1 : why.first] and lines[why.first - 1].startswith("Files:"):
            paragraph = "\n".join(lines[why.first - 1 : why.last])
            if paragraph in text:
                found[" ".join(str(Deb822(paragraph)["Files"]).split())] = why.cause
    return found
