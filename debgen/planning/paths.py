"""Why a distribution is in a plan: the ways from the root to it, and the requirement that binds."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from debgen.planning.model import Asked, Decision, Node, Plan
from debgen.planning.verdict import Verdict

#: No way is longer than this; what is beyond is no explanation any more.
_LONGEST = 40


def ways(plan: Plan, name: str, limit: int = 20) -> tuple[tuple[str, ...], ...]:
    """Ways from the root to ``name``, one for each distribution that asks for it, the shortest first.

    Each is the shortest way to that parent. Ways that count come before those through distributions that the suite
    has, of which the work sees nothing.
    """
    node = plan.node(name)
    if node is None:
        return ()
    found: list[tuple[bool, tuple[str, ...]]] = []
    for asked in node.asked:
        if asked.parent is None:
            found.append((False, (name,)))
        elif (way := _way(plan, asked.parent)) and name not in way:
            found.append((not asked.counts, (*way, name)))
    distinct = sorted(set(found), key=lambda pair: (pair[0], len(pair[1]), pair[1]))
    return tuple(way for _, way in distinct[:limit])


def shortened(chain: Sequence[str]) -> str:
    """A chain for a sentence: its first and its last step where it is long.

    >>> shortened(("a", "b", "c", "d", "e", "f"))
    'a → b → … → e → f'
    """
    shown = [*chain[:2], "…", *chain[-2:]] if len(chain) > 5 else chain
    return " → ".join(shown)


def binding(node: Node) -> Asked | None:
    """The requirement that decides: of those that count, the strictest of the ones that the suite fails, or of all.

    Strictest is the highest lower bound; where the suite's version is too new, the lowest upper bound.
    """
    counting = [a for a in node.asked if a.counts and a.decision is not Decision.DROP] or list(node.asked)
    failing = [a for a in counting if a.decision is None and a.verdict is not Verdict.SATISFIED] or [
        a for a in counting if a.verdict is not Verdict.SATISFIED
    ]
    if failing and all(a.verdict is Verdict.TOO_NEW for a in failing):
        return min(failing, key=lambda a: _limit(a.specifier, ("<", "<=", "==", "===", "~=")) or Version("9999"))
    candidates = [a for a in failing or counting if a.specifier] or failing or counting
    return max(
        candidates, key=lambda a: _limit(a.specifier, (">", ">=", "==", "===", "~=")) or Version("0.dev0"), default=None
    )


def _limit(specifier: str, operators: tuple[str, ...]) -> Version | None:
    """The strictest version that the clauses with these operators name."""
    try:
        clauses = [c for c in SpecifierSet(specifier) if c.operator in operators]
        versions = [Version(c.version.removesuffix(".*")) for c in clauses]
    except (InvalidSpecifier, InvalidVersion):
        return None
    lowest = operators[0] in ("<", "<=")
    return (min if lowest else max)(versions, default=None)


def _way(plan: Plan, name: str) -> tuple[str, ...]:
    """The shortest way from the root to ``name``, breadth first over who asks."""
    node = plan.node(name)
    if node is not None and node.chain:
        return node.chain
    seen = {name}
    queue: list[tuple[str, ...]] = [(name,)]
    while queue:
        way = queue.pop(0)
        here = plan.node(way[0])
        if here is None or len(way) > _LONGEST:
            continue
        if way[0] == plan.root:
            return way
        for parent in sorted({a.parent for a in here.asked if a.parent is not None}):
            if parent not in seen:
                seen.add(parent)
                queue.append((parent, *way))
    return ()
