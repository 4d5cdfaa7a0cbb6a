"""Why a node of a plan is what it is, in a sentence for people."""

from __future__ import annotations

from collections.abc import Callable

from debgen.archive.model import Match
from debgen.planning.model import Asked, Decision, Node
from debgen.planning.verdict import Verdict


def asker(asked: Asked) -> str:
    """Who asks, as a subject: "you" for the user."""
    return "you" if asked.parent is None else asked.parent


def bound(asked: Asked) -> str:
    """The bound with its extras: ``[standard] >=0.133``, or "any version"."""
    extras = f"[{','.join(asked.extras)}]" if asked.extras else ""
    return " ".join(word for word in (extras, asked.specifier) if word) or "any version"


def decided(node: Node, suite: str) -> str:
    """The reason of the decision on a node that the work reaches; its findings tell the rest."""
    counting = [a for a in node.asked if a.counts]
    failing = [a for a in counting if a.decision is None]
    blocking = next((f for f in node.findings if f.blocking), None)
    match node.decision:
        case Decision.USE:
            return _has(node, suite)
        case Decision.RELAX:
            relaxed = next(a for a in counting if a.decision is Decision.RELAX)
            return f"{_has(node, suite)}; {asker(relaxed)} asks for {bound(relaxed)}: {_clause(relaxed.reason)}"
        case Decision.UPDATE | Decision.PACKAGE:
            return _lacking(node, suite, failing)
        case Decision.DROP:
            first = counting[0]
            who = f"who asks for {first.parent}[{first.extra}]" if first.extra else asker(first)
            return f"{who} does without it: {_clause(first.reason)}"
        case Decision.BLOCKED:
            if blocking is not None:
                return f"{_lacking(node, suite, failing)}; {blocking.text}" if failing else blocking.text
            return f"{_has(node, suite)}, newer than what is asked for: {_demands(failing)}; a recipe may relax that"


def untouched(node: Node, suite: str, match_of: Callable[[str], Match | None]) -> str:
    """The reason where the work doesn't reach a node: who asks for it, and why that doesn't count."""
    parents = sorted({a.parent for a in node.asked if a.parent is not None})
    owner = next((m for p in parents if (m := match_of(p)) is not None), None)
    who = ", ".join(parents[:3]) + (f" and {len(parents) - 3} more" if len(parents) > 3 else "")
    if not parents:
        return "nothing asks for it here"
    if owner is None:
        return f"only {who} would ask for it, and no package is made of that"
    if node.match is None:
        return f"only {who} would ask for it; {suite}'s {owner.package} does without it"
    return f"only {who} asks for it, which {suite} has: {node.match.package} is its maintainers' business"


def _has(node: Node, suite: str) -> str:
    match = node.match
    if match is None:
        return f"{suite} has no package of it"
    version = match.debian_version
    return f"{suite} has {match.package} {version}"


def _lacking(node: Node, suite: str, failing: list[Asked]) -> str:
    return f"{_has(node, suite)}, {'but' if node.match else 'and'} {_demands(failing)}"


def _demands(failing: list[Asked]) -> str:
    words = {Verdict.TOO_OLD: "needs", Verdict.TOO_NEW: "allows only"}
    shown = [f"{asker(a)} {words.get(a.verdict, 'needs')} {bound(a)}" for a in failing[:3]]
    more = f" and {len(failing) - 3} more ask" if len(failing) > 3 else ""
    return ", ".join(shown).replace("you needs", "you ask for").replace("you allows only", "you ask for") + more


def _clause(reason: str) -> str:
    """A reason as the end of a sentence: on one line, no full stop."""
    return " ".join(reason.split()).removesuffix(".")
