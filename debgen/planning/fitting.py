"""Choosing releases that the suite can carry: bounds that keep resolution from asking for more than it has. Pure.

The newest release of something that has to be packaged often needs newer versions of what the suite has, where an older
one would do. Such a need is turned into a bound on the next resolution: nothing newer than the suite's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from debgen.planning.matrix import cell_of
from debgen.planning.model import Decision, Node, Plan
from debgen.planning.verdict import Verdict


def bounds_of(plan: Plan) -> dict[str, str]:
    """Bounds by distribution that another choice of releases may keep: where only what is packaged here asks for more.

    What the root or a build asks for can't be chosen otherwise.
    """
    found: dict[str, str] = {}
    for node in plan.nodes:
        if node.needed and node.match and _chosen_by_us(plan, node):
            if node.decision is Decision.UPDATE:
                found[node.name] = f"<={node.match.upstream_version}"
            elif node.decision is Decision.BLOCKED and not any(f.blocking for f in node.findings):
                found[node.name] = f">={node.match.upstream_version}"
    return found


def _chosen_by_us(plan: Plan, node: Node) -> bool:
    failing = [a for a in node.asked if a.counts and a.decision is None and a.verdict is not Verdict.SATISFIED]
    return bool(failing) and all(a.parent not in (None, plan.root) for a in failing)


def without(bounds: Mapping[str, str], complaint: str) -> dict[str, str]:
    """The bounds that the explanation of a failed resolution doesn't name."""
    named = set(re.findall(r"[a-z0-9][a-z0-9-]*", complaint.lower().replace("_", "-")))
    return {name: bound for name, bound in bounds.items() if name not in named}


def is_better(plan: Plan, other: Plan) -> bool:
    """Whether ``plan`` has fewer obstacles than ``other``, or as many and less to package."""

    def weight(one: Plan) -> tuple[int, int]:
        return len(cell_of(one).obstacles), one.totals()[Decision.PACKAGE]

    return weight(plan) < weight(other)


def told(plan: Plan, first: Plan) -> str:
    """Which releases differ from those that resolution would choose without the bounds; empty where none does."""
    newest = {node.name: node.version for node in first.nodes}
    changed = [
        f"{node.name} {node.version} rather than {newest[node.name]}"
        for node in plan.nodes
        if node.needed and node.to_package and newest.get(node.name, node.version) != node.version
    ]
    return f"{plan.suite} can carry older releases better: {', '.join(changed)}" if changed else ""
