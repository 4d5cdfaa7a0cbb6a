"""``debgen envs list|create|info|remove``: several releases side by side, each with plan, lock and metadata."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import Version

from debgen.cli.options import (
    SubParsers,
    add_recipe_option,
    add_suite_options,
    add_variant_option,
    index_client,
    mirror_settings,
    suite_index,
)
from debgen.errors import UsageError
from debgen.narrate import say
from debgen.planner import Workbench
from debgen.planning.asjson import as_json
from debgen.planning.saved import load, save
from debgen.upstream import environments
from debgen.upstream.environments import LOCK, METADATA, PLAN, VENV, EnvironmentStore, Record, size_of
from debgen.upstream.index import IndexClient
from debgen.upstream.install import Installer, tell_difference
from debgen.upstream.model import Target
from debgen.upstream.proxy import Releases
from debgen.workspace import fresh_directory, write_atomically

SCHEMA = 1
_RELEASE = "a release such as 0.8.0, or a requirement such as click==8.1.8"


def add_parser(verbs: SubParsers) -> None:
    """Add the verb and its actions."""
    parser = verbs.add_parser(
        "envs",
        help="keep several releases side by side, each with its plan, lock and metadata",
        description="Each release has a folder of its own below $DEBGEN_DATA, else $XDG_DATA_HOME/debgen, else "
        "~/.local/share/debgen: its plan, a lock with hashes, the metadata of its tree, and a virtual environment if "
        "wanted.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _action(actions, "list", "show the environments there are")
    create = _action(
        actions,
        "create",
        "make the environment of a release; one that is there is left alone, unless --refresh is given",
    )
    create.add_argument("release", metavar="RELEASE", help=_RELEASE)
    create.add_argument("--name", metavar="NAME", default="", help="its name (default: ROOT-VERSION-SUITE-VARIANT)")
    add_variant_option(create)
    create.add_argument(
        "--install", action="store_true", help="install the wheels of it into a virtual environment, with uv"
    )
    create.add_argument(
        "--python", metavar="X", default="",
        help="interpreter for --install, a version or a path (default: the suite's version, else the one at hand)",
    )  # fmt: skip
    add_recipe_option(create)
    add_suite_options(create)
    info = _action(actions, "info", "show what an environment is")
    info.add_argument("release", metavar="NAME", help=f"its name, or {_RELEASE}")
    remove = _action(actions, "remove", "remove environments that debgen has made")
    remove.add_argument("release", metavar="NAME", nargs="+", help=f"its name, or {_RELEASE}")
    for action in (create, info, remove):
        action.add_argument("--for", dest="root", metavar="ROOT", default="vllm", help="whose release (default: vllm)")


def _action(actions: SubParsers, name: str, text: str) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text, description=text)
    action.add_argument("--json", action="store_true", help="print the result as JSON")
    action.set_defaults(func=run_verb, action=name)
    return action


def run_verb(args: argparse.Namespace) -> int:
    """Do it and print the environments concerned."""
    store = EnvironmentStore()
    if args.action == "list":
        records = store.list()
        found = [_summary(store, record) for record in records]
        print(json.dumps({"schema": SCHEMA, "environments": found}, indent=2) if args.json else _table(found))
    elif args.action == "remove":
        records = tuple(_the_one(store, text, args.root) for text in args.release)
        paths = [store.remove(record.name) for record in dict.fromkeys(records)]
        if args.json:
            print(json.dumps({"schema": SCHEMA, "removed": [str(path) for path in paths]}, indent=2))
        else:
            print("\n".join(f"removed {path}" for path in paths))
    else:
        record = _create(store, args) if args.action == "create" else _the_one(store, args.release, args.root)
        found_one = info_json(store, record)
        print(json.dumps(found_one, indent=2) if args.json else info_text(found_one))
    return 0


def _the_one(store: EnvironmentStore, text: str, root: str) -> Record:
    """The environment that ``text`` names; UsageError where there is none, or several."""
    found = store.find(text, root=root)
    if not found:
        raise environments.unknown(text)
    if len(found) > 1:
        names = ", ".join(record.name for record in found)
        raise UsageError(f"there are several environments of {text}", hint=f"Name one of them: {names}.")
    return found[0]


# Making one


def _create(store: EnvironmentStore, args: argparse.Namespace) -> Record:
    if args.python and not args.install:
        raise UsageError("--python names the interpreter for --install", hint="Give --install too.")
    requirement = environments.request_of(args.release, args.root)
    if args.name and (kept := store.get(args.name)) and not args.refresh:
        if kept.requirement != requirement:
            raise UsageError(
                f"there is an environment {args.name}, of {kept.requirement}",
                hint="Choose another --name, or give --refresh to make it anew.",
            )
        return _kept(store, kept, args)
    client = index_client(args)
    mirror = mirror_settings(args)
    with suite_index(args, mirror) as index:
        bench = Workbench(index, client, mirror, tuple(args.recipes))
        variant = bench.variant(requirement, args.variant)
        known = store.find(requirement, root=args.root, suite=index.codename, variant=variant.name)
        if known and not args.name and not args.refresh:
            return _kept(store, known[0], args)
        plan = as_json(bench.plan(requirement, variant))
        releases = Releases(client, bench.target, bench.source(variant.name))
    name = environments.checked_name(args.name or environments.default_name(plan))
    before = store.get(name)
    if before and not args.refresh:  # a requirement without a version, whose newest release is there
        if environments.pinned(before) != environments.pinned(replace(before, requirement=requirement)):
            raise UsageError(
                f"there is an environment {name}, of {before.requirement}",
                hint="Choose another name with --name, or give --refresh to make it anew.",
            )
        return _kept(store, before, args)
    record = Record(
        name, requirement, plan["root"], environments.root_version(plan), plan["suite"], variant.name,
        plan["python"], plan["architecture"], _now().isoformat(timespec="seconds"),
    )  # fmt: skip
    target = Target(record.python, record.architecture)
    pins = environments.run_time_pins(plan)
    with store.making(name) as folder:
        save(folder / PLAN, plan, saved=_now(), quick=False)
        write_atomically(folder / LOCK, environments.lock(pins, client, target).encode())
        environments.write_tree(folder / METADATA, plan, pins, releases, target)
        if args.install or (before and before.installed_python):
            record = _install(folder, folder / VENV, record, args.python, client)
        store.write_record(folder, record)
    say(f"made {store.path(name)}")
    return record


def _kept(store: EnvironmentStore, record: Record, args: argparse.Namespace) -> Record:
    """An environment that is there; what --install asks for is added to it."""
    say(f"{record.name} is there since {record.created}; --refresh makes it anew")
    if not args.install:
        return record
    if record.installed_python and not args.python:
        say(f"it is installed for Python {record.installed_python}")
        return record
    folder = store.path(record.name)
    with fresh_directory(folder / VENV) as work:
        record = _install(folder, work, record, args.python, index_client(args))
    store.write_record(folder, record)
    return record


def _install(folder: Path, venv: Path, record: Record, wanted: str, client: IndexClient) -> Record:
    """Install the lock's releases into ``venv``; for another Python than the suite's, a lock of its own is made."""
    installer = Installer(client.settings)
    python, version = installer.python(wanted, record.python)
    series = ".".join(version.split(".")[:2])
    name = LOCK
    if series != record.python:
        say(f"the suite has Python {record.python}, the environment gets {version}: resolving for that one")
        name = f"requirements-{series}.lock"
        bent = environments.bent_requirements(load(folder / PLAN))
        text = installer.relock(environments.pinned(record), folder / LOCK, python, bent)
        write_atomically(folder / name, text.encode())
        tell_difference((folder / LOCK).read_text(encoding="utf-8"), text, series)
    say(f"installing {record.root} {record.version} for Python {version}")
    installer.install(folder / name, venv, python)
    if record.installed_lock not in (name, LOCK, ""):
        (folder / record.installed_lock).unlink(missing_ok=True)  # that of the Python that was there before
    return replace(record, installed_python=version, installed_lock=name)


# Showing them


def _now() -> datetime:
    return datetime.now(UTC)


def _summary(store: EnvironmentStore, record: Record) -> dict[str, Any]:
    folder = store.path(record.name)
    return {**asdict(record), "path": str(folder), "size": size_of(folder)}


def info_json(store: EnvironmentStore, record: Record) -> dict[str, Any]:
    """All about one environment as plain data; sizes are in bytes, ``age_seconds`` is since its plan was made."""
    folder = store.path(record.name)
    plan = load(folder / PLAN)
    installed = folder / VENV if record.installed_python else None
    return {
        "schema": SCHEMA,
        **_summary(store, record),
        "plan": str(folder / PLAN),
        "lock": str(folder / LOCK),
        "metadata": str(folder / METADATA),
        "environment": str(installed) if installed else "",
        "installed_size": size_of(installed) if installed else 0,
        "distributions": len(environments.run_time_pins(plan)),
        "totals": plan.get("totals", {}),
        "suite_date": plan["suite_date"],
        "age_seconds": round((_now() - datetime.fromisoformat(record.created)).total_seconds()),
    }


def info_text(info: Mapping[str, Any]) -> str:
    """The same for people."""
    totals = ", ".join(f"{count} {decision}" for decision, count in info["totals"].items())
    rows = [
        ("release", f"{info['root']} {info['version']}, {info['distributions']} distributions"),
        ("for", f"{info['suite']}, {info['variant']}, Python {info['python']}, {info['architecture']}"),
        ("plan", info["plan"]),
        ("", totals),
        ("lock", info["lock"]),
        ("metadata", info["metadata"]),
        ("made", f"{_age(info['age_seconds'])} ago, with {info['suite']} of {info['suite_date'][:10]}"),
        ("", f"`debgen check {info['plan']}` says what has drifted since"),
        ("size", _size(info["size"])),
    ]
    if info["environment"]:
        text = f"{info['environment']} (Python {info['installed_python']}, {_size(info['installed_size'])})"
        rows.insert(6, ("installed", text))
        if info["installed_lock"] != LOCK:
            rows.insert(7, ("", f"from {info['installed_lock']}, as its Python is not the suite's"))
    return "\n".join([f"{info['name']}", *(f"  {label:9}  {text}".rstrip() for label, text in rows if text)])


def _table(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "There are no environments; `debgen envs create 0.8.0` makes one of vLLM 0.8.0."
    rows = [("NAME", "RELEASE", "SUITE", "VARIANT", "INSTALLED", "SIZE")]
    ordered = sorted(found, key=lambda e: (e["root"], Version(e["version"]), e["name"]))
    rows += [
        (
            e["name"], f"{e['root']} {e['version']}", e["suite"], e["variant"],
            f"Python {e['installed_python']}" if e["installed_python"] else "no", _size(e["size"]),
        )
        for e in ordered
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"
