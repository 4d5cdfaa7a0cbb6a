"""What updates would break in the archive."""

from __future__ import annotations

from debgen.archive.index import SuiteIndex
from debgen.archive.reverse import broken_by
from debgen.archive.versions import debian_upstream, split_debian
from debgen.planning.model import Decision, Finding, Plan, Topic
from debgen.planning.verdict import counts_alike


def breakage(index: SuiteIndex, plan: Plan) -> dict[str, tuple[Finding, ...]]:
    """What the update of each package that is too old breaks in the suite, by distribution."""
    found: dict[str, tuple[Finding, ...]] = {}
    for node in plan.nodes:
        # Where Debian counts otherwise, its next version can't be told.
        if node.needed and node.decision is Decision.UPDATE and node.match and counts_alike(node.match):
            epoch = split_debian(node.match.debian_version)[0]
            version = f"{epoch + ':' if epoch else ''}{debian_upstream(node.version)}-1"
            broken = broken_by(index, node.match.package, version)
            found[node.name] = tuple(
                Finding(
                    Topic.BREAKS,
                    f"{b.package} {b.field} {b.relation}, which {version} of {node.match.package} would break",
                    (b.package, node.match.package),
                )
                for b in broken
            )
    return found
