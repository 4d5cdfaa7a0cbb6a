"""``debgen check``: what has drifted since a plan was saved, or what is wrong with an installed environment."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from debgen.archive.index import SuiteIndex, open_suite
from debgen.borrowing import lenders
from debgen.cli.options import SubParsers, add_recipe_option, add_source_of_facts, index_client, mirror_settings
from debgen.errors import DriftError, HostileArchiveError, NoSdistError, UnsupportedSourceError, UsageError
from debgen.narrate import say
from debgen.planner import Workbench
from debgen.planning.asjson import as_json
from debgen.planning.drift import TO_PACKAGE, Drift, Topic, compare, in_order, new_releases
from debgen.planning.saved import is_quick, load
from debgen.upstream.imports import How, imports_of
from debgen.upstream.index import IndexClient
from debgen.upstream.installed import Contents, examine, find_environment, system_environment
from debgen.upstream.model import ReleaseFile, Target
from debgen.upstream.modules import Undeclared, WheelModules, undeclared
from debgen.upstream.proxy import Releases
from debgen.upstream.requirements import Evaluator

SCHEMA = 1
_READERS = 8
_WORDS = {
    How.UNCONDITIONALLY: "imported unconditionally",
    How.ON_DEMAND: "imported unconditionally by what is loaded on demand",
    How.LAZILY: "imported lazily",
    How.UNREACHED: "imported by a module that nothing else of it imports",
}


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "check",
        help="say what has drifted since a plan was saved, or what is wrong with an environment",
        description="Make a saved plan anew and say what has changed since, or hold what is installed against its own "
        "metadata. Exit code 19 says that something did change, or is wrong.",
    )
    parser.add_argument("plans", metavar="PLAN.json", type=Path, nargs="*", help="plan that `debgen plan --save` wrote")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--python", metavar="PATH", type=Path, help="an environment or its interpreter, which isn't run")
    what.add_argument("--installed", action="store_true", help="the running system: /usr/lib/python3/dist-packages")
    parser.add_argument(
        "--imports", action="store_true", help="read the imports of everything to be packaged, not only of the root"
    )
    parser.add_argument(
        "--ignore", metavar="TOPIC", action="append", default=[], choices=[topic.value for topic in Topic],
        help=f"leave out what is about TOPIC, may be repeated: {', '.join(Topic)}",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_recipe_option(parser)
    add_source_of_facts(parser)
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Do it and print the result; DriftError where something drifted, or is wrong."""
    if bool(args.plans) == bool(args.python or args.installed):
        raise UsageError(
            "there is nothing to check" if not args.plans else "a plan and an environment can't be checked at once",
            hint="Name plans that `debgen plan NAME --save FILE` wrote, or --python PATH, or --installed.",
        )
    if not args.plans:
        if args.imports or args.ignore:
            raise UsageError("--imports and --ignore are for saved plans", hint="Leave them out, or name a plan.")
        return _environment(args)
    saved = [(path, load(path)) for path in args.plans]
    client = index_client(args)
    results = []
    drifted = 0
    for path, before in saved:
        after, drifts = _compared(before, args, client)
        results.append(drift_json(path, before, after, drifts))
        drifted += sum(drift.counts for drift in drifts)
        if not args.json:
            print(drift_text(before, drifts), flush=True)
    if args.json:
        print(json.dumps({"schema": SCHEMA, "drifted": drifted, "plans": results}, indent=2))
    if drifted:
        names = ", ".join(str(path) for path in args.plans)
        path, plan = saved[0]
        variant = (plan["variant"] or {}).get("name", "")
        borrow = "".join(f" --borrow '{word}'" for word in plan.get("borrow", ()))
        command = (
            f"debgen plan '{plan['requirement']}' --dist {plan['suite']} --variant {variant}{borrow} --save {path}"
        )
        raise DriftError(
            f"{drifted} {'thing has' if drifted == 1 else 'things have'} drifted since {names} was saved",
            hint=f"To accept it, save the plan anew: `{command}`",
        )
    return 0


def _compared(
    before: Mapping[str, Any], args: argparse.Namespace, client: IndexClient
) -> tuple[dict[str, Any], tuple[Drift, ...]]:
    """The plan of today, and what has drifted since ``before``."""
    mirror = replace(mirror_settings(args), architecture=before["architecture"])
    with (
        open_suite(before["suite"], mirror, refresh=args.refresh) as index,
        lenders(before.get("borrow", ()), index, mirror, refresh=args.refresh) as lent,
    ):
        bench = Workbench(index, client, mirror, tuple(args.recipes), lenders=lent)
        deep = not is_quick(before)
        variant = bench.variant(before["requirement"], (before["variant"] or {}).get("name", ""))
        after = as_json(bench.plan(before["requirement"], variant, read_sdists=deep, ask_apt=deep))
        found = [*compare(before, after), *new_releases(before, after, _files(before, client))]
        if Topic.IMPORT not in args.ignore:
            releases = Releases(client, bench.target, bench.source(variant.name))
            found += _imports(after, index, client, releases, every=args.imports)
    return after, in_order([drift for drift in found if drift.topic not in args.ignore])


# A saved plan


def _files(plan: Mapping[str, Any], client: IndexClient) -> dict[str, Sequence[ReleaseFile]]:
    """What the index has now of each distribution that is to be packaged."""
    names = [n["name"] for n in plan["distributions"] if n["needed"] and n["decision"] in TO_PACKAGE]
    with ThreadPoolExecutor(_READERS) as pool:
        return dict(zip(names, pool.map(client.files, names), strict=True))


def _imports(
    plan: Mapping[str, Any], index: SuiteIndex, client: IndexClient, releases: Releases, *, every: bool
) -> list[Drift]:
    """What the root, or everything to be packaged, imports and doesn't declare."""
    versions = {node["name"]: node["version"] for node in plan["distributions"]}
    names = [plan["root"]]
    if every:
        names += [
            n["name"] for n in plan["distributions"]
            if n["needed"] and n["decision"] in TO_PACKAGE and n["name"] != plan["root"]
        ]  # fmt: skip
    target = Target(plan["python"], plan["architecture"])
    wheels = WheelModules(client, target, versions)
    found: list[Drift] = []
    for name in names:
        say(f"{name} {versions[name]}: reading its imports")
        try:
            scan = imports_of(client, name, versions[name])
        except (NoSdistError, HostileArchiveError, UnsupportedSourceError) as error:
            say(f"{name} {versions[name]}: its imports can't be read: {error}")
            continue
        for path in scan.unreadable:
            say(f"{name} {versions[name]}: {path} can't be parsed")
        declared, parents = _declared(plan, name)
        extras: dict[str, set[str]] = {}
        needs, _ = Evaluator(target).needs(releases.metadata(name, versions[name]))
        for needed in needs:
            if needed.via_extra:
                extras.setdefault(needed.name, set()).add(needed.via_extra)
        rows = undeclared(
            scan.imports, declared | {name}, parents,
            {child: tuple(sorted(names)) for child, names in extras.items() if child not in declared}, index, wheels,
        )  # fmt: skip
        found += (_import_drift(name, versions[name], row) for row in rows)
    return found


def _declared(plan: Mapping[str, Any], parent: str) -> tuple[set[str], dict[str, tuple[str, ...]]]:
    """What ``parent`` asks for at run time, and for each distribution of the tree who asks for it then."""
    parents = {
        node["name"]: tuple(sorted({a["name"] for a in node["required_by"] if a["name"] and a["kind"] == "run"}))
        for node in plan["distributions"]
    }
    reached = {name: who for name, who in parents.items() if who or name == plan["root"]}
    return {name for name, who in reached.items() if parent in who}, reached


def _import_drift(name: str, version: str, row: Undeclared) -> Drift:
    what = row.distribution or row.module
    text = f"{name} {version}: {what} is {_WORDS[row.how]} and not declared"
    if row.extras:
        text += f" but by its extra {' and '.join(row.extras)}"
    if row.parents:
        text += f"; it comes with {', '.join(row.parents[:3])}"
    elif not row.distribution:
        text += f"; {row.evidence}"
    elif not row.extras:
        text += "; nothing in the tree brings it"
    more = f" and {len(row.places) - 1} more places" if len(row.places) > 2 else ""
    text += f" ({row.places[0]}{more or ''.join(f', {place}' for place in row.places[1:])})"
    # The rest can be as upstream wants it: parts for other devices, or a dependency of a dependency.
    broken = row.how is How.UNCONDITIONALLY and bool(row.distribution) and not row.parents
    return Drift(Topic.IMPORT, what, text, after=row.how.value, counts=broken, places=row.places)


def drift_json(
    path: Path, before: Mapping[str, Any], after: Mapping[str, Any], drifts: Iterable[Drift]
) -> dict[str, Any]:
    """The differences as plain data."""
    listed = [asdict(drift) | {"topic": drift.topic.value} for drift in drifts]
    return {
        "plan": str(path),
        "requirement": before["requirement"],
        "suite": before["suite"],
        "variant": (before["variant"] or {}).get("name", ""),
        "saved": before.get("saved", ""),
        "suite_date": {"before": before["suite_date"], "after": after["suite_date"]},
        "totals": {"before": before.get("totals", {}), "after": after["totals"]},
        "drifted": sum(drift["counts"] for drift in listed),
        "drift": listed,
    }


def drift_text(before: Mapping[str, Any], drifts: Sequence[Drift]) -> str:
    """The differences for people, by topic."""
    lines: list[str] = []
    for topic in Topic:
        group = [drift for drift in drifts if drift.topic is topic]
        if group:
            lines.append(f"{topic.value}:")
        for drift in group:
            remark = "" if drift.needed else " (only what the suite has asks for it)"
            lines.append(f"  {'' if drift.counts else 'note: '}{drift.text}{remark}")
    if not any(drift.counts for drift in drifts):
        lines.append(f"nothing has drifted: {before['requirement']} on {before['suite']} is as it was")
    return "\n".join(lines)


# An environment


def _environment(args: argparse.Namespace) -> int:
    environment = system_environment() if args.installed else find_environment(args.python)
    contents = examine(environment)
    for note in contents.notes:
        say(f"note: {note}")
    if args.json:
        print(json.dumps(environment_json(contents), indent=2))
    else:
        for finding in contents.findings:
            print(f"{finding.problem.value}: {finding.text}")
        count, python = len(contents.distributions), environment.python_version
        print(f"{count} distributions for Python {python} in {environment.path}, {len(contents.findings)} problems")
    if contents.findings:
        raise DriftError(
            f"what is installed in {environment.path} does not fit together",
            hint="Install what is missing, and the versions that are asked for.",
        )
    return 0


def environment_json(contents: Contents) -> dict[str, Any]:
    """What is installed and what is wrong with it, as plain data."""
    return {
        "schema": SCHEMA,
        "path": str(contents.environment.path),
        "folders": [str(folder) for folder in contents.environment.folders],
        "python": contents.environment.python_version,
        "distributions": [
            {"name": d.name, "version": d.version, "path": str(d.path)} for d in contents.distributions
        ],
        "problems": [
            {"problem": f.problem.value, "name": f.name, "text": f.text} for f in contents.findings
        ],
        "notes": list(contents.notes),
    }  # fmt: skip
