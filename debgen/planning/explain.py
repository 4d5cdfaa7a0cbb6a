"""Why a node of a plan is what it is, in a sentence for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from debgen.archive.model import Match
from debgen.planning.model import Asked, Decision, Kind, Node
from debgen.planning.verdict import Verdict, counts_alike


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
    # What is missing altogether says more than what can't be installed because of something far off.
    blocking = [f.text for f in sorted(node.findings, key=lambda f: bool(f.chain)) if f.blocking]
    match node.decision:
        case Decision.USE:
            return _has(node, suite)
        case Decision.RELAX:
            # What holds at run time says more than what is only there for the build, which is sorted first.
            relaxed = min((a for a in counting if a.decision is Decision.RELAX), key=lambda a: a.kind is Kind.BUILD)
            who = f"the build of {relaxed.parent}" if relaxed.kind is Kind.BUILD else asker(relaxed)
            return f"{_has(node, suite)}; {who} asks for {bound(relaxed)}: {_clause(relaxed.reason)}"
        case Decision.UPDATE | Decision.PACKAGE:
            return _lacking(node, suite, failing)
        case Decision.DROP:
            first = counting[0]
            who = f"who asks for {first.parent}[{first.extra}]" if first.extra else asker(first)
            return f"{who} does without it: {_clause(first.reason)}"
        case Decision.BLOCKED:
            if blocking:
                more = f" (and {len(blocking) - 1} more in the way)" if len(blocking) > 1 else ""
                return f"{_lacking(node, suite, failing)}; {blocking[0]}{more}" if failing else f"{blocking[0]}{more}"
            if any(a.parent is None for a in failing):
                return f"{_has(node, suite)}, newer than the {node.version} that is planned here"
            if all(a.verdict is Verdict.TOO_NEW for a in failing):
                return (
                    f"{_has(node, suite)}, newer than what is asked for: {_demands(failing)}; a recipe may relax that"
                )
            return f"{_lacking(node, suite, failing)}; {node.name} {node.version}, which was chosen here, is no newer"


def untouched(node: Node, suite: str, match_of: Callable[[str], Match | None]) -> str:
    """The reason where the work doesn't reach a node: who asks for it, and why that doesn't count."""
    parents = sorted({a.parent for a in node.asked if a.parent is not None})
    owner = next((m for p in parents if (m := match_of(p)) is not None), None)
    who = ", ".join(parents[:3]) + (f" and {len(parents) - 3} more" if len(parents) > 3 else "")
    if not parents:
        return "nothing asks for it here"
    if owner is None:
        return f"only {who} would ask for it, and no package is made of {'that' if len(parents) == 1 else 'those'}"
    if node.match is None:
        return f"only {who} would ask for it; {suite}'s {owner.package} does without it"
    asks = "asks" if len(parents) == 1 else "ask"
    return f"only {who} {asks} for it, and {suite} has {owner.package}: {node.match.package} is up to its maintainers"


def not_pulled_in(package: str, name: str, extra: str, lacking: Mapping[str, str]) -> str:
    """What has to be named beside ``package`` for the extra of ``name``: the suite's packages of ``lacking``.

    Those are distributions, with their packages, empty where the suite has none.
    """
    asked = sorted(lacking)
    packages = sorted({found for found in lacking.values() if found})
    without = [child for child in asked if not lacking[child]]
    named = packages + ([f"the package{'s' * (len(without) > 1)} made of {_listed(without)}"] if without else [])
    return (
        f"{name}[{extra}] asks for {_listed(asked)}, which {package} doesn't depend on: "
        f"who asks for the extra has to name {_listed(named)} too"
    )


def _listed(words: Sequence[str]) -> str:
    """Words with commas, and "and" before the last."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _has(node: Node, suite: str) -> str:
    return f"{suite} has {of_suite(node.match)}" if node.match else f"{suite} has no package of it"


def of_suite(match: Match) -> str:
    """A package with its version, and upstream's where that can't be seen from it."""
    return f"{match.package} {match.debian_version}" + (
        "" if counts_alike(match) else f" (upstream's {match.upstream_version})"
    )


def _lacking(node: Node, suite: str, failing: list[Asked]) -> str:
    if node.match and any(a.parent is None for a in failing):
        return f"{_has(node, suite)}, but the plan is for {node.version}"
    return f"{_has(node, suite)}, {'but' if node.match else 'and'} {_demands(failing)}"


def _demands(failing: list[Asked]) -> str:
    """Who asks for what, in order and each once: a build that asks as its package does at run time says nothing new."""
    told = list(dict.fromkeys(_demand(a) for a in failing if a.kind is Kind.RUN))
    told += dict.fromkeys(
        _demand(a) for a in failing if a.kind is Kind.BUILD and _demand(replace(a, kind=Kind.RUN)) not in told
    )
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return ", ".join(told[:3]) + more


def _demand(asked: Asked) -> str:
    if asked.parent is None:
        return f"you ask for {bound(asked) if asked.specifier or asked.extras else 'it'}"
    who = f"the build of {asked.parent}" if asked.kind is Kind.BUILD else asked.parent
    return f"{who} {'allows only' if asked.verdict is Verdict.TOO_NEW else 'needs'} {bound(asked)}"


def _clause(reason: str) -> str:
    """A reason as the end of a sentence: on one line, no full stop."""
    return " ".join(reason.split()).removesuffix(".")
