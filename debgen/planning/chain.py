"""What has to be built for one or several distributions, and which needs which. Pure: plans in, links out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.utils import canonicalize_name

from debgen.errors import ResolutionError, UsageError
from debgen.planning.model import Decision, Kind, Plan


@dataclass(frozen=True)
class Link:
    """One distribution to be built in the release ``version``.

    ``needs`` are the names of links that have to be built before it, ``reason`` says why it is built, ``obstacle`` why
    it can't be: empty where nothing is known to stand in the way. ``asked`` is whether the user named it.
    """

    name: str
    version: str
    needs: frozenset[str]
    reason: str
    obstacle: str = ""
    asked: bool = False


@dataclass(frozen=True)
class Chain:
    """Links in the order in which to build them: each needs only earlier ones. ``notes`` are sentences for people."""

    links: tuple[Link, ...]
    notes: tuple[str, ...] = ()
    by_name: Mapping[str, Link] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {link.name: link for link in self.links})

    def closure(self, name: str) -> tuple[Link, ...]:
        """What ``name`` needs, directly or not, in order."""
        wanted: set[str] = set()
        left = list(self.by_name[name].needs)
        while left:
            found = left.pop()
            if found not in wanted:
                wanted.add(found)
                left += self.by_name[found].needs
        return tuple(link for link in self.links if link.name in wanted)


def chain_of(plans: Sequence[Plan]) -> Chain:
    """The chain for the roots of ``plans``, which are of one suite and of releases that fit together.

    A root is built whatever its plan decides, since it was asked for. ResolutionError where two plans want different
    releases of a distribution.
    """
    links: dict[str, Link] = {}
    notes: dict[str, None] = {}
    for plan in plans:
        ordered = [name for stage in plan.order for name in stage]
        names = [*ordered, *({plan.root} - set(ordered))]
        obstacles = _obstacles(plan)
        for name in names:
            node = plan.node(name)
            if node is None or not (node.to_package or name == plan.root):
                continue
            asked = name == plan.root
            mine = Link(name, node.version, _needs(plan, name, names), node.reason, obstacles.get(name, ""), asked)
            links[name] = _joined(links.get(name), mine)
        for node in plan.nodes:
            if node.needed and node.decision is Decision.BLOCKED and node.name != plan.root:
                notes.setdefault(f"{node.name}: blocked: {node.reason}")
        for cycle in plan.cycles:
            notes.setdefault(f"cycle, cut at its last step: {' → '.join(cycle)}")
    return Chain(_sorted(links), tuple(notes))


def chosen(chain: Chain, names: Collection[str]) -> tuple[str, ...]:
    """Those of the chain's names that are among ``names``, however spelt, in order; UsageError for any other."""
    wanted = {str(canonicalize_name(name)): name for name in names}
    unknown = sorted(text for name, text in wanted.items() if name not in chain.by_name)
    if unknown:
        raise UsageError(
            f"--only {', '.join(unknown)}: not among what is to be built",
            hint=f"To be built are: {', '.join(chain.by_name)}",
        )
    return tuple(name for name in chain.by_name if name in wanted)


def _needs(plan: Plan, name: str, ordered: Sequence[str]) -> frozenset[str]:
    """The distributions built before ``name`` that it asks for; a cycle's last step points onwards and is cut."""
    earlier = ordered[: ordered.index(name)]
    return frozenset(
        other
        for other in earlier
        if (node := plan.node(other))
        and any(a.parent == name and a.counts and a.decision is not Decision.DROP for a in node.asked)
    )


def _obstacles(plan: Plan) -> dict[str, str]:
    """Why distributions can't be built: what they ask for is blocked, or waits for them in turn."""
    found: dict[str, str] = {}
    for node in plan.nodes:
        if not (node.needed and node.decision is Decision.BLOCKED):
            continue
        for asked in node.asked:
            if asked.parent is None or not asked.counts or asked.decision is Decision.DROP:
                continue
            # A bound that the suite's package satisfies is none of the blocked release's business.
            if asked.decision is None or node.match is None:
                kind = " to build" if asked.kind is Kind.BUILD else ""
                found.setdefault(asked.parent, f"it needs {node.name}{kind}, which is blocked: {node.reason}")
    for cycle in plan.cycles:
        found.setdefault(cycle[-2], f"it needs {cycle[-1]}, which needs it in turn: {' → '.join(cycle)}")
    return found


def _joined(before: Link | None, link: Link) -> Link:
    if before is None:
        return link
    if before.version != link.version:
        raise ResolutionError(
            f"{link.name} {before.version} and {link.version} are both asked for, by different names of the command",
            hint="Build one after the other, into different folders (-o) if both results are to stay in a repository."
            if before.asked and link.asked
            else "Build these names one after the other, or name the release of each: NAME==VERSION.",
        )
    return replace(
        link,
        needs=before.needs | link.needs,
        obstacle=before.obstacle or link.obstacle,
        asked=before.asked or link.asked,
        reason=before.reason if before.asked else link.reason,
    )


def _sorted(links: Mapping[str, Link]) -> tuple[Link, ...]:
    """The links, each after what it needs; otherwise in the order in which they were found."""
    done: dict[str, Link] = {}
    while len(done) < len(links):
        ready = [link for link in links.values() if link.name not in done and link.needs <= done.keys()]
        if not ready:  # two plans that cut one cycle at different places
            around = ", ".join(sorted(links.keys() - done.keys()))
            raise ResolutionError(
                f"these need one another: {around}", hint="Build them one after the other, or drop a need in a recipe."
            )
        done |= {link.name: link for link in ready}
    return tuple(done.values())
