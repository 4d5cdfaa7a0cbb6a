"""The files of debian/ in a sponsor's order: control, rules, patches, and what else there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from debian.deb822 import Deb822

from debgen.review.document import Block, Items, Listing, Log, Mark, Para, Section, Who, counted
from debgen.review.lines import cut_of, edited, listing, origins
from debgen.review.results import Results

_PATCH_LINES = 400
_FROM = {
    Who.FACT: "from facts", Who.RULE: "from policy", Who.RECIPE: "from the recipe", Who.HUMAN: "by a human",
    Who.UNKNOWN: "of unknown origin", Who.COMMON: "as in every package",
}  # fmt: skip
#: Files that stand in the sections of other things.
_ELSEWHERE = ("watch", "README.source", "source/format", "copyright", "control", "py3dist-overrides", "rules")


def control(results: Results) -> Section:
    """The section on debian/control and what goes into its fields."""
    return _section(results, "control", "debian/control", ("control", "py3dist-overrides"))


def rules(results: Results) -> Section:
    """The section on debian/rules, with all files that no other section has."""
    rest = [
        path for path in results.debian
        if path not in _ELSEWHERE and not path.startswith("patches/") and not in_tests(path)
    ]  # fmt: skip
    return _section(results, "rules", "debian/rules and the other files", ("rules",), rest)


def in_tests(path: str) -> bool:
    """Whether a file of debian/ belongs to the section on tests."""
    return path == "pybuild.testfiles" or path.startswith("tests/")


def _section(results: Results, key: str, title: str, open_: Collection[str], rest: Collection[str] = ()) -> Section:
    shown = {path: listing(results, path) for path in open_ if path in results.debian}
    shown |= {path: listing(results, path, open_=False) for path in rest}
    counts = origins({path: shown[path] for path in open_ if path in shown})
    if not shown:
        return Section(key, title, Mark.BAD, "it is not there")
    told = "lines: " + ", ".join(f"{counts[who]} {words}" for who, words in _FROM.items() if counts[who])
    changed = [path for path in edited(results) if path in shown]
    blocks: list[Block] = []
    if changed:
        names = ", ".join(f"debian/{path}" for path in changed)
        blocks.append(Para(f"edited by a human since it was generated: {names}", Mark.LOOK))
    mark = Mark.LOOK if changed or counts[Who.UNKNOWN] else Mark.PLAIN
    return Section(key, title, mark, told, (*blocks, *shown.values()))


def patches(results: Results) -> Section:
    """The section on debian/patches: what each says of itself, and what it does."""
    names = [path for path in results.debian if path.startswith("patches/") and path != "patches/series"]
    if not names:
        return Section("patches", "Patches", Mark.GOOD, "there are none")
    series, changed = results.debian.get("patches/series", "").split(), edited(results)
    blocks: list[Block] = []
    problems: list[tuple[Mark, str]] = []
    for path in sorted(names, key=lambda p: _place(p.removeprefix("patches/"), series)):
        name = path.removeprefix("patches/")
        if name not in series:
            problems.append((Mark.LOOK, f"{name} is not in debian/patches/series"))
        if path in changed:
            problems.append((Mark.LOOK, f"{name}: written or edited by a human since it was generated"))
        problems += [(Mark.LOOK, f"{name}: {problem}") for problem in _header_problems(results.debian[path])]
        blocks += _patch(results, path)
    if problems:
        blocks.insert(0, Items("", tuple(problems)))
    mark = Mark.LOOK if problems else Mark.PLAIN
    return Section("patches", "Patches", mark, counted(len(names), "patch", "patches"), tuple(blocks))


def _place(name: str, series: list[str]) -> tuple[int, str]:
    return (series.index(name) if name in series else len(series), name)


def _split(text: str) -> tuple[str, str]:
    """The DEP-3 header and the diff of a patch."""
    begins = ("---", "diff ", "Index: ", "+++ ")
    lines = text.split("\n")
    at = next((n for n, line in enumerate(lines) if line.startswith(begins)), len(lines))
    return "\n".join(lines[:at]), "\n".join(lines[at + (lines[at : at + 1] == ["---"]) :])


def _header_problems(text: str) -> Iterator[str]:
    header = Deb822(_split(text)[0])
    if not (header.get("Description") or header.get("Subject")):
        yield "its header has no Description (DEP-3)"
    if str(header.get("Forwarded", "")).strip() == "no":
        yield "it has not been forwarded to upstream"
    elif not (header.get("Forwarded") or header.get("Origin") or header.get("Bug") or header.get("Applied-Upstream")):
        yield "its header doesn’t say whether it was forwarded (DEP-3)"


def _patch(results: Results, path: str) -> list[Block]:
    """The header with its origin, then the diff."""
    shown = listing(results, path, most=10**6)
    header, diff = _split(results.debian[path])
    count = header.count("\n") + bool(header)
    top = tuple(line for line in shown.lines if line.number is None or line.number <= count)
    lines = diff.rstrip("\n").split("\n")
    place = results.tree / "debian" / path
    return [
        Listing(f"debian/{path}", top, shown.cut, shown.note),
        Log(
            f"the diff of {path.removeprefix('patches/')}",
            tuple(lines[:_PATCH_LINES]),
            cut_of(len(lines), _PATCH_LINES, place),
            open=True,
        ),
    ]
