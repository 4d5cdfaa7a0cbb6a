"""``debgen chroot list|create|update|remove``: the chroots that builds and checks start from."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from debgen.building.chroots import Chroot, ChrootStore, Flavour
from debgen.cli.options import SubParsers, add_mirror_options, mirror_settings
from debgen.workspace import cache_directory

SCHEMA = 1
_ACTIONS = {
    "list": "show the chroots there are",
    "create": "make the chroots of a suite: to build in, to install the result in, and to check it in",
    "update": "make the chroots of a suite anew",
    "remove": "remove the chroots of a suite",
}


def add_parser(verbs: SubParsers) -> None:
    """Add the verb and its actions."""
    parser = verbs.add_parser(
        "chroot",
        help="list, create, update or remove chroots",
        description="Chroots are made when a build needs them and made anew when stale; this is for doing it ahead.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        if name != "list":
            action.add_argument("suites", metavar="SUITE", nargs="+", help="sid, forky, trixie, …")
        add_mirror_options(action)
        action.add_argument("--json", action="store_true", help="print the result as JSON")
        action.set_defaults(func=run_verb, action=name)


def run_verb(args: argparse.Namespace) -> int:
    """Do it and print the chroots concerned."""
    store = ChrootStore(cache_directory("chroots"), mirror_settings(args))
    chroots: list[Chroot] = []
    if args.action == "list":
        chroots += store.list()
    for suite in getattr(args, "suites", ()):
        if args.action == "create":
            chroots += (store.create(suite, flavour) for flavour in Flavour)
        elif args.action == "update":
            chroots += store.update(suite)
        else:
            chroots += store.remove(suite)
    if args.json:
        print(json.dumps({"schema": SCHEMA, "chroots": [as_json(c) for c in chroots]}, indent=2))
    elif args.action == "remove":
        for chroot in chroots:
            print(f"removed {chroot.path}")
    else:
        print(table(chroots, time.time()))
    return 0


def as_json(chroot: Chroot) -> dict[str, Any]:
    """A chroot as plain data."""
    return asdict(chroot) | {"flavour": chroot.flavour.value, "path": str(chroot.path)}


def table(chroots: Sequence[Chroot], now: float) -> str:
    """The chroots, one a line."""
    if not chroots:
        return "There are no chroots; `debgen chroot create sid` makes those of sid."
    rows = [("SUITE", "FOR", "AGE", "SIZE", "PACKAGES", "FILE")]
    rows += [
        (c.suite, c.flavour.value, _age(now - c.made), f"{c.size >> 20} MiB", str(c.packages), str(c.path))
        for c in chroots
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join((*(f"{cell:{w}}" for cell, w in zip(row, widths, strict=False)), row[5])) for row in rows
    )


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return "new"
