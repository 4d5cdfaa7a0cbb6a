"""What the crates of a build mean for the plan of its distribution, in few sentences; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from debgen.planning.model import BuildNeed, CrateToPackage, Finding, Supply, Topic
from debgen.planning.paths import shortened


def crate_findings(needs: Iterable[BuildNeed]) -> Iterator[Finding]:
    """All crates in the way with their versions, what has to be packaged first, and what patches have to change.

    Missing crates and those that can't be installed block; several that fail for one reason are told together.
    """
    crates = [need for need in needs if need.topic is Topic.CRATE]
    missing = [need for need in crates if need.supply is Supply.MISSING]
    if missing:
        yield Finding(Topic.CRATE, _missing(missing), blocking=True)
    for chain, stuck in _by_chain(need for need in crates if need.supply is Supply.UNINSTALLABLE):
        names = ", ".join(dict.fromkeys(f"{_named(need)} ({need.package} {need.version})" for need in stuck))
        cause = f": {shortened(chain)}" if chain else ""
        yield Finding(
            Topic.CRATE,
            f"the suite's package{_s(stuck)} of the crate{_s(stuck)} {names} can't be installed{cause}",
            chain,
            blocking=True,
        )
    changed = [
        need
        for need in crates
        if not need.optional
        and (
            need.supply is Supply.RELAXABLE
            or (need.supply is Supply.UNINSTALLABLE and (need.loosened or need.replaced))
        )
    ]
    if changed:
        yield Finding(
            Topic.CRATE,
            f"patches to Cargo.toml are needed for {_count(changed)}: {', '.join(map(_change, changed))}",
        )
    unused = [need for need in crates if need.supply is Supply.RELAXABLE and need.optional]
    if unused:
        yield Finding(
            Topic.CRATE,
            f"{_count(unused)} that the build doesn't take {'has' if len(unused) == 1 else 'have'} to be taken out of"
            f" Cargo.toml: {', '.join(dict.fromkeys(_named(need) for need in unused))}",
        )


def order_of(needs: Iterable[BuildNeed]) -> tuple[CrateToPackage, ...]:
    """All crates to package before a build, each once and after what it needs."""
    found: dict[tuple[str, str], CrateToPackage] = {}
    for need in needs:
        for crate in need.first:
            found.setdefault((crate.name, crate.version), crate)
    return tuple(found.values())


def told_order(order: Iterable[CrateToPackage]) -> str:
    """The crates of an order in words: what to package, and what the suite has in another series; empty for none."""
    crates = list(order)
    new = [f"{crate.name} {crate.version}".strip() for crate in crates if not crate.suite]
    other = [f"{c.name} {c.version} of {c.asked_by} (the suite has {c.suite})" for c in crates if c.suite]
    told = [f"to package first, in this order: {', '.join(new)}"] if new else []
    told += [f"to relax in these, or to package too: {', '.join(other)}"] if other else []
    return "; ".join(told)


def way(need: BuildNeed) -> str:
    """How a crate comes in: the shortest way of Cargo.toml files to it; empty where only one asks."""
    return min((" → ".join(names) for names in need.ways if len(names) > 2), key=len, default="")


def _missing(missing: Sequence[BuildNeed]) -> str:
    order = order_of(missing)
    text = f"the suite has no package of the crate{_s(missing)} {', '.join(map(_wanted, missing))}"
    if len(order) > len(missing):
        text += f"; {told_order(order)}"
    sources = [f"{need.name}: {remark}" for need in missing for remark in need.remarks if " has its source " in remark]
    return "; ".join((text, *sources))


def _wanted(need: BuildNeed) -> str:
    """A crate with what asks for it, where a recipe could change that."""
    how = f"by way of {way(need)}" if way(need) else ""
    switch = f"only for {' and '.join(need.switches)}" if need.switches else ""
    told = ", ".join(filter(None, (how, switch)))
    return _named(need) + (f" ({told})" if told else "")


def _named(need: BuildNeed) -> str:
    return f"{need.name} {need.requirement}".strip()


def _change(need: BuildNeed) -> str:
    changes = [f"{need.requirement or 'a repository'} → {need.loosened}"] if need.loosened else []
    changes += [f"{feature} → {other}" if other else f"without {feature}" for feature, other in need.replaced]
    version = f", the suite has {need.version}" if need.loosened else ""
    return f"{need.name} ({', '.join(changes) or 'from its package'}{version})"


def _by_chain(needs: Iterable[BuildNeed]) -> list[tuple[tuple[str, ...], list[BuildNeed]]]:
    """Those that fail for the same reason, which the end of their chains is, with the shortest of the chains."""
    groups: dict[tuple[str, ...], list[BuildNeed]] = {}
    for need in needs:
        groups.setdefault(need.chain[-2:], []).append(need)
    return [(min((n.chain for n in group), key=len), group) for group in groups.values()]


def _s(things: Sequence[object]) -> str:
    return "s" * (len(things) > 1)


def _count(needs: Sequence[BuildNeed]) -> str:
    names = {need.name for need in needs}
    return f"{len(names)} crate{'s' * (len(names) > 1)}"
