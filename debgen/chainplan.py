"""From the names of a command line to the chain of all that has to be built for them, in releases that fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from debgen.errors import ResolutionError
from debgen.narrate import say
from debgen.pipeline import Settings, choose_release, parse_name, releases_of
from debgen.planner import Workbench
from debgen.planning.chain import Chain, chain_of
from debgen.planning.model import Plan, Topic


def plan_chain(names: Sequence[str], root: str, bench: Workbench, settings: Settings) -> tuple[Chain, tuple[Plan, ...]]:
    """The chain for ``names`` (``NAME`` or ``NAME==VERSION``), and the plan of each.

    Of a name that the plan of ``root`` has, the release is the one that serves that plan with the least to package; of
    another one, the newest, if all that it needs can be built, else the newest that the suite can carry. What they
    need is taken in the release that the plan of ``root`` packages, where it does (all plans fit together then), and
    in that of the earlier names' plans. Errors are those of :func:`debgen.pipeline.choose_release` and
    :meth:`debgen.planner.Workbench.plan`.
    """
    plans: list[Plan] = []
    larger = _larger(root, bench, settings) if root else None
    pins = _packaged(larger) if larger else {}
    for text in dict.fromkeys(names):
        in_plan = larger is not None and larger.node(parse_name(text)[0]) is not None
        plan = None if in_plan else _of_newest(text, pins, bench, settings)
        if plan is None:
            name, version = choose_release(text, root, bench, settings)
            plan = _plan(name, version, pins, bench, settings)
        plans.append(plan)
        pins = {**pins, **_packaged(plan), **_pinned(plan)}
    return chain_of(plans), tuple(plans)


def _larger(root: str, bench: Workbench, settings: Settings) -> Plan:
    return bench.plan(root, bench.variant(root, settings.variant), read_sdists=False, ask_apt=False)


def _of_newest(text: str, pins: Mapping[str, str], bench: Workbench, settings: Settings) -> Plan | None:
    """The plan of the newest release, if all that it needs can be built; None also where an exact one is asked for.

    What would break packages of the archive can't be built without asking their maintainers.
    """
    name, bounds = parse_name(text)
    if any(s.operator in ("==", "===") and not s.version.endswith(".*") for s in bounds):
        return None
    found = releases_of(name, bounds, bench)
    if not found:
        return None
    try:
        plan = _plan(name, found[0], pins, bench, settings)
    except ResolutionError as error:
        say(f"{name} {found[0]} can't be planned: {str(error).splitlines()[0]}")
        return None
    links = chain_of([plan]).links
    breaks = [f.text for node in plan.nodes if node.needed for f in node.findings if f.topic is Topic.BREAKS]
    obstacles = [*(link.obstacle for link in links if link.obstacle), *breaks]
    if obstacles:
        say(f"{name} {found[0]} is the newest, but can't be built for {plan.suite}: {obstacles[0]}")
        return None
    others = ", ".join(f"{link.name} {link.version}" for link in links if link.name != name)
    say(f"{name}: packaging {found[0]}" + (f", and what it needs: {others}" if others else ""))
    return plan


def _pinned(plan: Plan) -> dict[str, str]:
    """The release of the root."""
    root = plan.node(plan.root)
    return {plan.root: f"=={root.version}"} if root else {}


def _packaged(plan: Plan) -> dict[str, str]:
    """The releases that a plan packages, as bounds by name."""
    return {node.name: f"=={node.version}" for node in plan.nodes if node.to_package and node.needed}


def _plan(name: str, version: str, pins: Mapping[str, str], bench: Workbench, settings: Settings) -> Plan:
    requirement = f"{name}=={version}"
    pins = {other: bound for other, bound in pins.items() if other != name}
    variant = bench.variant(requirement, settings.variant)
    try:
        resolved = bench.resolve(requirement, variant, within=pins, quiet=True)
    except ResolutionError:
        if not pins:
            raise
        say(f"{name} {version} does not fit to the releases of the larger plan; what it needs is chosen for it alone")
        resolved = bench.resolve(requirement, variant, quiet=True)
    return bench.plan(requirement, variant, resolved=resolved)
