"""``debgen doctor``: what this machine lacks, and the commands that mend it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from debgen.building.scratch import GIB, scratch_base
from debgen.cli.options import SubParsers
from debgen.errors import MissingToolError
from debgen.host import Check, apt_line, check_host
from debgen.workspace import cache_root

SCHEMA = 1


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "doctor",
        help="check this machine, and say how to mend it",
        description="Check programs, subordinate ids, user namespaces and free space, and print the commands that mend "
        "what is missing. Nothing is changed.",
    )
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Print every check; the exit code is MissingToolError's where one has failed."""
    checks = check_host(cache_root() / "chroots", scratch=lambda: scratch_base(6 * GIB))
    ok = all(check.ok for check in checks)
    if args.json:
        print(json.dumps(checks_json(checks), indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{'ok     ' if check.ok else 'MISSING'}  {check.name:{width}}  {check.detail}")
        lines = remedies(checks)
        if lines:
            print("\nTo mend it" + ("" if os.getuid() == 0 else " (as root)") + ":")
            for line in lines:
                print(f"  {line}")
    return 0 if ok else MissingToolError.exit_code


def checks_json(checks: Sequence[Check]) -> dict[str, Any]:
    """All checks as plain data."""
    return {
        "schema": SCHEMA,
        "ok": all(check.ok for check in checks),
        "remedies": remedies(checks),
        "checks": [asdict(check) for check in checks],
    }


def remedies(checks: Sequence[Check]) -> list[str]:
    """What to do, each once: one apt line first, then the rest in the order of the checks."""
    apt = apt_line(checks)
    others = [c.remedy for c in checks if not c.ok and c.remedy and not c.remedy.startswith("apt install ")]
    return ([apt] if apt else []) + list(dict.fromkeys(others))
