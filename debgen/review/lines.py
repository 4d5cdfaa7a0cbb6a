"""The files of debian/ line by line: where each line comes from, and why it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from debgen.debianize.provenance import Origin, Why
from debgen.review.document import Line, Listing, Told, Who
from debgen.review.results import Results

#: The most lines of a file that are shown, and the most characters of a line.
MOST = 400
LONGEST = 1000
_WHO = {Origin.FACT: Who.FACT, Origin.RULE: Who.RULE, Origin.RECIPE: Who.RECIPE}


def listing(results: Results, path: str, *, open_: bool = True, most: int = MOST) -> Listing:
    """A file of debian/ by its path there, cut after ``most`` lines."""
    text = results.debian[path]
    told = results.provenance.reasons if results.provenance else ()
    generated = None if results.generated is None else results.generated.get(path, "")
    if generated is None:
        lines: Sequence[Line] = [Line(n, _short(line), Who.UNKNOWN) for n, line in enumerate(_lines(text), 1)]
        note = "Nothing was kept of what debgen generated, so nothing tells which lines a human wrote."
    else:
        reasons = [why for why in told if why.file == path]
        untold = Who.COMMON if results.provenance else Who.UNKNOWN
        lines = list(_annotated(_lines(generated), _lines(text), reasons, untold))
        note = "" if results.provenance else "No reasons were kept: generate the source package again."
    place = results.tree / "debian" / path
    return Listing(f"debian/{path}", tuple(lines[:most]), cut_of(len(lines), most, place), note, open_)


def edited(results: Results) -> tuple[str, ...]:
    """The files of debian/ that a human changed, added or removed since they were generated."""
    then, now = results.generated, results.debian
    if then is None:
        return ()
    return tuple(sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path)))


def cut_of(have: int, most: int, place: Path) -> str:
    """What is left out of a long text, and where the whole is; empty where all is shown."""
    return f"{have - most} more lines are in {place}" if have > most else ""


def _annotated(then: list[str], now: list[str], reasons: Sequence[Why], untold: Who) -> Iterator[Line]:
    """The lines of now, those of then that are gone between them; ``untold`` is for those without a reason."""
    if then == now:
        blocks = [("equal", 0, len(then), 0, len(now))]
    else:
        blocks = list(SequenceMatcher(None, then, now, autojunk=False).get_opcodes())
    kept = {old + 1: old + 1 + j1 - i1 for kind, i1, i2, j1, _ in blocks if kind == "equal" for old in range(i1, i2)}
    begins: dict[int, list[Told]] = {}
    covering: dict[int, Who] = {}
    for why in reasons:
        left = [number for number in range(why.first, why.last + 1) if number in kept]
        for number in left:
            covering[number] = _stronger(covering.get(number), _WHO[why.origin])
        if left:
            until = kept[left[-1]] if left[-1] > left[0] else None
            begins.setdefault(left[0], []).append(Told(_WHO[why.origin], why.cause, until))
    for kind, i1, i2, j1, j2 in blocks:
        if kind == "equal":
            for old in range(i1 + 1, i2 + 1):
                who = covering.get(old, untold)
                yield Line(kept[old], _short(then[old - 1]), who, tuple(begins.get(old, ())))
            continue
        for old in range(i1, i2):
            reason = (Told(Who.HUMAN, "removed by a human"),) if old == i1 else ()
            yield Line(None, _short(then[old]), Who.HUMAN, reason)
        for new in range(j1, j2):
            told = "changed by a human" if kind == "replace" else "added by a human"
            yield Line(new + 1, _short(now[new]), Who.HUMAN, (Told(Who.HUMAN, told),) if new == j1 else ())


def _stronger(one: Who | None, other: Who) -> Who:
    """Of several origins of a line the one to look at first."""
    order = (Who.RECIPE, Who.FACT, Who.RULE)
    return other if one is None or order.index(other) < order.index(one) else one


def _lines(text: str) -> list[str]:
    """The lines as dpkg sees them: str.splitlines would end one at a form feed as well."""
    return text.removesuffix("\n").split("\n") if text else []


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} … and {len(line) - LONGEST} more characters"


def origins(listings: Mapping[str, Listing]) -> dict[Who, int]:
    """How many lines come from where, over several files."""
    found = dict.fromkeys(Who, 0)
    for shown in listings.values():
        for line in shown.lines:
            if line.text.strip():
                found[line.who] += 1
    return found
