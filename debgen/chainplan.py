"""From the names of a command line to the chain of all that has to be built for them, in releases that fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from debgen.errors import ResolutionError
from debgen.narrate import say
from debgen.pipeline import Settings, choose_release
from debgen.planner import Workbench
from debgen.planning.chain import Chain, chain_of
from debgen.planning.model import Plan


def plan_chain(names: Sequence[str], root: str, bench: Workbench, settings: Settings) -> tuple[Chain, tuple[Plan, ...]]:
    """The chain for ``names`` (``NAME`` or ``NAME==VERSION``), and the plan of each that isn't in an earlier one's.

    What they need is taken in the release that the plan of ``root`` packages, where it does (all plans fit together
    then), and in that of the earlier names' plans. Errors are those of :func:`debgen.pipeline.choose_release` and
    :meth:`debgen.planner.Workbench.plan`.
    """
    plans: list[Plan] = []
    pins = _pins_of(root, bench, settings) if root else {}
    for text in dict.fromkeys(names):
        name, version = choose_release(text, root, bench, settings)
        plan = _plan(name, version, {n: p for n, p in pins.items() if n != name}, bench, settings)
        plans.append(plan)
        pins = {**pins, **_packaged(plan), name: f"=={version}"}
    return chain_of(plans), tuple(plans)


def _pins_of(root: str, bench: Workbench, settings: Settings) -> dict[str, str]:
    return _packaged(bench.plan(root, bench.variant(root, settings.variant), read_sdists=False, ask_apt=False))


def _packaged(plan: Plan) -> dict[str, str]:
    """The releases that a plan packages, as bounds by name."""
    return {node.name: f"=={node.version}" for node in plan.nodes if node.to_package and node.needed}


def _plan(name: str, version: str, pins: Mapping[str, str], bench: Workbench, settings: Settings) -> Plan:
    requirement = f"{name}=={version}"
    variant = bench.variant(requirement, settings.variant)
    try:
        resolved = bench.resolve(requirement, variant, within=pins, quiet=True)
    except ResolutionError:
        if not pins:
            raise
        say(f"{name} {version} does not fit to the releases of the larger plan; what it needs is chosen for it alone")
        resolved = bench.resolve(requirement, variant, quiet=True)
    return bench.plan(requirement, variant, resolved=resolved)
