"""Which release fits which suite best: plans of many releases, side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.version import Version

from debgen.planning.model import Decision, Plan


@dataclass(frozen=True)
class Cell:
    """One release on one suite in one variant: how many distributions have each decision, and which stand in the way.

    ``names`` are the distributions of each decision but USE, with their reasons. Where there is no plan, ``problem``
    says why, and the rest is empty.
    """

    release: str
    suite: str
    variant: str
    totals: Mapping[Decision, int] = field(default_factory=dict)
    names: Mapping[Decision, Mapping[str, str]] = field(default_factory=dict)
    problem: str = ""

    @property
    def obstacles(self) -> Mapping[str, str]:
        """What work of one's own doesn't solve: what is blocked, and updates of packages that others maintain."""
        return {**self.names.get(Decision.BLOCKED, {}), **self.names.get(Decision.UPDATE, {})}


@dataclass(frozen=True)
class Fit:
    """The best release of one suite and variant, and why the ones beside it are worse."""

    cell: Cell
    reasons: tuple[str, ...]


def cell_of(plan: Plan) -> Cell:
    """The summary of a plan; a root that is blocked makes all the rest pointless, and is the problem."""
    root = plan.node(plan.root)
    if root is not None and root.decision is Decision.BLOCKED:
        return Cell(root.version, plan.suite, plan.variant.name, problem=root.reason)
    names: dict[Decision, Mapping[str, str]] = {
        decision: {n.name: n.reason for n in plan.nodes if n.needed and n.decision is decision and n is not root}
        for decision in Decision
        if decision is not Decision.USE
    }
    return Cell(root.version if root else "", plan.suite, plan.variant.name, plan.totals(), names)


def best(cells: Iterable[Cell]) -> Fit | None:
    """The best of the cells of one suite and variant; None where no release has a plan.

    Fewest obstacles first, then the newest: what Debian lacks altogether can be packaged, and bounds can be relaxed,
    but what is blocked stays so, and the update of a package that is in the archive is for its maintainers to agree
    to. Among releases with as few obstacles the newest is worth the most.
    """
    planned = sorted((c for c in cells if not c.problem), key=lambda c: Version(c.release))
    if not planned:
        return None
    chosen = max(planned, key=lambda c: (-len(c.obstacles), Version(c.release)))
    place = planned.index(chosen)
    reasons = [_count(chosen)]
    if place + 1 < len(planned):
        reasons.append(_against(planned[place + 1], chosen))
    older = next((c for c in reversed(planned[:place]) if len(c.obstacles) > len(chosen.obstacles)), None)
    if older:
        reasons.append(_against(older, chosen))
    return Fit(chosen, tuple(reasons))


def much_better(chosen: Cell, fit: Fit) -> bool:
    """Whether the best fit is so much better than ``chosen`` that a packager should know.

    It has at most half the obstacles, and at least two fewer.
    """
    fewer, more = len(fit.cell.obstacles), len(chosen.obstacles)
    return fit.cell.release != chosen.release and 2 * fewer <= more and more - fewer >= 2


def _count(cell: Cell) -> str:
    blocked, update = (len(cell.names.get(d, ())) for d in (Decision.BLOCKED, Decision.UPDATE))
    if not blocked and not update:
        return "nothing is blocked, and no package that the suite has needs an update"
    whole = "no release is free of what is blocked; here " if blocked else ""
    return f"{whole}{blocked} blocked, {update} to update: {', '.join(sorted(cell.obstacles))}"


def _against(other: Cell, chosen: Cell) -> str:
    """What stands in the way of another release and not of the chosen one."""
    more = [f"{name} ({reason})" for name, reason in other.obstacles.items() if name not in chosen.obstacles]
    shown = "; ".join(more[:2]) + (f"; and {len(more) - 2} more" if len(more) > 2 else "")
    return f"{other.release} is worse: {shown or f'{len(other.obstacles)} obstacles'}"
