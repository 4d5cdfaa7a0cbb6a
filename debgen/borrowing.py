"""Borrowing packages of other suites to build with: the suites opened, and what a plan says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from debgen.archive.borrow import BuildPackages, Lender, joined, parse_borrow
from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import MirrorSettings
from debgen.archive.solver import Problem
from debgen.errors import UsageError
from debgen.planning.model import Plan, Supply

#: The suite beside a suite, whose packages are the nearest that there are in other versions.
_BESIDE = {"unstable": "testing", "testing": "unstable"}
_SHOWN = 3
Open = Callable[[str, MirrorSettings], SuiteIndex]


@contextmanager
def lenders(
    words: Sequence[str],
    target: SuiteIndex,
    mirror: MirrorSettings,
    *,
    refresh: bool = False,
    opened: Open | None = None,
) -> Iterator[tuple[Lender, ...]]:
    """What the words of ``--borrow`` name, with the indexes of its suites, to build for ``target``.

    UsageError for words without meaning and for the target suite itself; else as
    :func:`debgen.archive.index.open_suite`, which ``opened`` may stand in for.
    """

    def suite_index(suite: str, settings: MirrorSettings) -> SuiteIndex:
        return open_suite(suite, settings, refresh=refresh)

    asked = [parse_borrow(word) for word in words]
    with ExitStack() as stack:
        indexes = {
            suite: stack.enter_context((opened or suite_index)(suite, mirror))
            for suite in dict.fromkeys(borrow.suite for borrow in asked)
        }
        by_codename = {index.codename: index for index in indexes.values()}
        if target.codename in by_codename:
            raise UsageError(
                f"--borrow {target.codename}: that is the suite to build for, and nothing is to be borrowed from it",
                hint="Name another suite, for example the next older one, or leave it out.",
            )
        borrows = joined(replace(borrow, suite=indexes[borrow.suite].codename) for borrow in asked)
        yield tuple(Lender(borrow, by_codename[borrow.suite]) for borrow in borrows)


def origins(packages: BuildPackages, alone: Mapping[str, Problem | None]) -> Callable[[str], str]:
    """Says of a package which suite lends it, or what it depends on; empty where the suite has all of it itself.

    ``alone`` says why packages can't be installed from the target suite alone.
    """

    def origin(package: str) -> str:
        if own := packages.origin(package):
            return own
        problem = alone.get(package)
        if problem is None:
            return ""
        # What stands last on the way is what the other suite has in a version that fits.
        lent = (found for step in reversed(problem.chain) if (found := packages.origin(step)))
        return next(lent, packages.lenders[0].borrow.suite)

    return origin


def with_lenders(plan: Plan, lenders: Sequence[Lender], index: SuiteIndex) -> Plan:
    """``plan``, which was made with what ``lenders`` lend, with word of that."""
    made = replace(plan, borrow=tuple(word for lender in lenders for word in lender.borrow.words()))
    return replace(made, notes=(*made.notes, *notes_on(made, index.suite)))


def notes_on(plan: Plan, suite: str) -> tuple[str, ...]:
    """What a plan has to say of borrowing: who would be built with what, or that it may help.

    ``suite`` is what the target's Release file calls it, such as "unstable".
    """
    nodes = [node for node in plan.nodes if node.needed]
    if not plan.borrow:
        stuck = [need for node in nodes for need in node.build if need.supply is Supply.UNINSTALLABLE]
        packages = sorted({need.package for need in stuck})
        if not packages or suite not in _BESIDE:
            return ()
        return (
            f"{_listed(packages)} can't be installed in {plan.suite}: building with the crates of another suite may "
            f"help: --borrow {_BESIDE[suite]}",
        )
    if not any(node.build for node in nodes):
        return ()
    users: dict[str, dict[str, set[str]]] = {}
    for node in nodes:
        for need in node.build:
            if need.borrowed:
                users.setdefault(need.borrowed, {}).setdefault(node.name, set()).add(need.package)
    told = [
        f"to be built with packages borrowed from {lender}: "
        + "; ".join(f"{name} ({_listed(sorted(packages))})" for name, packages in sorted(found.items()))
        + f". What is built so can't be uploaded to {plan.suite} as it is"
        for lender, found in sorted(users.items())
    ]
    return tuple(told) or (f"nothing of this plan asks for a package that {', '.join(plan.borrow)} would lend",)


def _listed(packages: Sequence[str]) -> str:
    if len(packages) > _SHOWN:
        return f"{', '.join(packages[:_SHOWN])} and {len(packages) - _SHOWN} more"
    return " and ".join(filter(None, (", ".join(packages[:-1]), *packages[-1:])))
