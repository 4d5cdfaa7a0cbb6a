"""A plan as plain data, in the form that README.md describes; ``schema`` is its version."""

from __future__ import annotations

from typing import Any

from debgen.archive.model import Match
from debgen.planning.model import Asked, BuildNeed, Finding, Node, Plan

SCHEMA = 2


def as_json(plan: Plan) -> dict[str, Any]:
    """The whole plan; lists are in a fixed order, so that equal plans give equal text."""
    return {
        "schema": SCHEMA,
        "root": plan.root,
        "requirement": plan.requirement,
        "variant": {
            "name": plan.variant.name,
            "reason": plan.variant.reason,
            "facts": list(plan.variant.facts),
        },
        "suite": plan.suite,
        "suite_date": plan.suite_date,
        "python": plan.python_version,
        "architecture": plan.architecture,
        "borrow": list(plan.borrow),
        "totals": {decision.value: count for decision, count in plan.totals().items()},
        "order": [list(stage) for stage in plan.order],
        "cycles": [list(cycle) for cycle in plan.cycles],
        "notes": list(plan.notes),
        "distributions": [node_json(node) for node in plan.nodes],
    }


def node_json(node: Node) -> dict[str, Any]:
    """One distribution of a plan."""
    return {
        "name": node.name,
        "version": node.version,
        "verdict": node.verdict.value,
        "decision": node.decision.value,
        "reason": node.reason,
        "chain": list(node.chain),
        "needed": node.needed,
        "required_by": [asked_json(asked) for asked in node.asked],
        "debian": _match(node.match) if node.match else None,
        "alternatives": [_match(match) for match in node.alternatives],
        "findings": [_finding(finding) for finding in node.findings],
        "build": [_need(need) for need in node.build],
    }


def asked_json(asked: Asked) -> dict[str, Any]:
    """One requirement on a distribution."""
    return {
        "name": asked.parent,
        "specifier": asked.specifier,
        "extras": list(asked.extras),
        "kind": asked.kind.value,
        "extra": asked.extra,
        "verdict": asked.verdict.value,
        "decision": asked.decision.value if asked.decision else None,
        "reason": " ".join(asked.reason.split()),
        "counts": asked.counts,
    }


def _match(match: Match) -> dict[str, Any]:
    return {
        "package": match.package,
        "source": match.source,
        "version": match.debian_version,
        "upstream_version": match.upstream_version,
        "component": match.component,
        "mapping": match.origin.value,
        "evidence": match.evidence,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "topic": finding.topic.value,
        "text": finding.text,
        "chain": list(finding.chain),
        "blocking": finding.blocking,
    }


def _need(need: BuildNeed) -> dict[str, Any]:
    return {
        "topic": need.topic.value,
        "name": need.name,
        "requirement": need.requirement,
        "package": need.package,
        "version": need.version,
        "supply": need.supply.value,
        "reason": need.reason,
        "features": list(need.features),
        "chain": list(need.chain),
        "loosened": need.loosened,
        "replaced": [list(pair) for pair in need.replaced],
        "optional": need.optional,
        "askers": list(need.askers),
        "locked": need.locked,
        "borrowed": need.borrowed,
        "ways": [list(way) for way in need.ways],
        "switches": list(need.switches),
        "first": [{"name": c.name, "version": c.version, "suite": c.suite, "asked_by": c.asked_by} for c in need.first],
        "remarks": list(need.remarks),
    }
