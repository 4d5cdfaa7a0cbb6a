"""``debgen repo serve|list|path``: what was built, for installing it with apt on this machine or another one."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import shlex
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from debgen.archive.apterrors import check_suite_name
from debgen.archive.index import resolve_suite
from debgen.building.repository import Held, Repository, entry
from debgen.building.serving import newest_states, server
from debgen.cli.options import SubParsers, add_mirror_options, mirror_settings
from debgen.errors import UsageError
from debgen.narrate import say

SCHEMA = 1
PORT = 8180
_ACTIONS = {
    "path": "print the folder of the repository, and the entry for apt on this machine",
    "list": "show the packages in the repository",
    "serve": "serve the repository over HTTP, and print what to run on the other machine",
}


def add_parser(verbs: SubParsers) -> None:
    """Add the verb and its actions."""
    parser = verbs.add_parser(
        "repo",
        help="list what was built, or serve it to apt on another machine",
        description="`debgen build` puts what it builds into a signed apt repository, one for each suite.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--dist", metavar="SUITE", default="sid", help="sid (default), forky, trixie, …")
        action.add_argument(
            "-o", "--output", type=Path, metavar="DIR", default=Path("debgen-output"),
            help="folder that `debgen build` writes to (default: debgen-output)",
        )  # fmt: skip
        if name == "serve":
            action.add_argument(
                "--address", default="127.0.0.1", help="address to serve at (default: 127.0.0.1; 0.0.0.0 is any)"
            )
            action.add_argument("--port", type=int, default=PORT, help=f"port (default: {PORT}; 0 is any free one)")
        else:
            action.add_argument("--json", action="store_true", help="print the result as JSON")
        add_mirror_options(action)
        action.set_defaults(func=run_verb, action=name)


def run_verb(args: argparse.Namespace) -> int:
    """Do it and print the result; UsageError where nothing has been built for the suite."""
    repository = _repository(args)
    if args.action == "serve":
        return _serve(repository, args.address, args.port)
    if args.action == "list":
        held = repository.held()
        print(json.dumps(_listing(repository, held), indent=2) if args.json else table(held))
        return 0
    if args.json:
        print(json.dumps(_place(repository), indent=2))
        return 0
    folder, one_line, stanza = repository.newest.absolute(), repository.line, repository.stanza
    print(f"{folder}\n")
    if one_line:
        print(f"# in /etc/apt/sources.list:\n{one_line}\n")
    print(
        f"# {'or ' if one_line else ''}in /etc/apt/sources.list.d/debgen-{repository.suite}.sources:\n{stanza}", end=""
    )
    if closed := unreadable(folder):
        say(f"apt's own user can't enter {closed}: `chmod o+x {shlex.quote(str(closed))}`, or use `debgen repo serve`.")
    return 0


def _place(repository: Repository) -> dict[str, object]:
    folder = repository.newest.absolute()
    return {
        "schema": SCHEMA,
        "directory": str(repository.directory.absolute()),
        "uri": folder.as_uri(),
        "key": str(folder / "key.asc"),
        "line": repository.line or None,
        "sources": repository.stanza,
    }


def _repository(args: argparse.Namespace) -> Repository:
    check_suite_name(args.dist)
    settings = mirror_settings(args)
    folder = args.output / args.dist / "repository"
    suite = args.dist if folder.is_dir() else resolve_suite(args.dist, settings)
    repository = Repository(args.output.absolute() / suite / "repository", suite, settings.architecture)
    if repository.current is None:
        raise UsageError(
            f"nothing has been built for {suite} in {args.output}",
            hint=f"Build something first: `debgen build NAME --dist {suite} -o {args.output}`",
        )
    return repository


def unreadable(folder: Path) -> Path | None:
    """The outermost folder above that other users, such as apt's own, can't enter; None where all can be."""
    real = folder.resolve()
    return next((path for path in (*reversed(real.parents), real) if not path.stat().st_mode & 0o001), None)


def instructions(uri: str, suite: str, names: Sequence[str]) -> str:
    """What to run as root on the machine that is to install from the repository at ``uri``.

    apt's own helper fetches the key: it is there wherever apt is.
    """
    key = f"/etc/apt/keyrings/debgen-{suite}.asc"
    return (
        "install -d -m 755 /etc/apt/keyrings\n"
        f"/usr/lib/apt/apt-helper download-file {uri}key.asc {key}\n"
        f"cat > /etc/apt/sources.list.d/debgen-{suite}.sources <<END\n{entry(uri, suite, key)}END\n"
        f"apt update\n"
        f"apt install {' '.join(names)}\n"
    )


def table(held: Sequence[Held]) -> str:
    """The packages, a source a line."""
    if not held:
        return "The repository is empty."
    rows = [("SOURCE", "VERSION", "BINARIES")]
    rows += [(h.source, h.version, " ".join(binary.package for binary in h.binaries)) for h in held]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return "\n".join(f"{a:{widths[0]}}  {b:{widths[1]}}  {c}".rstrip() for a, b, c in rows)


def _listing(repository: Repository, held: Sequence[Held]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "suite": repository.suite,
        "directory": str(repository.directory),
        "state": repository.current.name if repository.current else None,
        "packages": [asdict(h) for h in held],
    }


def _serve(repository: Repository, address: str, port: int) -> int:
    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with server(newest_states(repository), address=address, port=port, tell=tell) as http:
        host = _host(str(http.server_address[0]))
        uri = f"http://{host}:{http.server_address[1]}/"
        names = [binary.package for held in repository.held() for binary in held.binaries if _wanted(binary.package)]
        print(f"# Run as root on the other machine:\n{instructions(uri, repository.suite, names)}", flush=True)
        if host in ("127.0.0.1", "[::1]", "localhost"):
            say("Only this machine reaches that address; for others: --address 0.0.0.0")
        say(f"Serving {repository.newest} as it changes; Ctrl-C ends it.")
        try:
            http.serve_forever(0.2)
        except KeyboardInterrupt:
            say("Ended.")
    return 0


def _wanted(package: str) -> bool:
    return not package.endswith(("-dbgsym", "-doc"))


def _host(address: str) -> str:
    """How others call this machine, which listens at ``address``."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.is_unspecified:
        return socket.getfqdn() or os.uname().nodename
    return f"[{address}]" if known.version == 6 else address
