"""Resolution: which release of each distribution satisfies everybody. uv decides; nothing is built or run."""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.errors import DebgenError, NetworkError, ResolutionError, UnknownDistributionError, WorkspaceError
from debgen.run import Runner, run
from debgen.upstream.index import IndexClient
from debgen.upstream.model import Target
from debgen.upstream.proxy import Releases, serving
from debgen.upstream.requirements import parse_request

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)")
_BOX = re.compile(r"^[\s\u00d7\u2500-\u25ff]+(cause: )?")
_EXPLANATION_LINES = 25


def resolve(
    requirement: str,
    target: Target,
    client: IndexClient,
    *,
    constraints: Sequence[str] = (),
    releases: Releases | None = None,
    run: Runner = run,
) -> Mapping[str, str]:
    """Pins (normal name → version), sorted, that satisfy ``requirement`` and ``constraints`` on the target.

    ``releases`` may be given to keep what was read. UnknownDistributionError where the index hasn't what is
    asked for, ResolutionError where no set of releases fits, NetworkError where the index doesn't answer.
    """
    releases = releases or Releases(client, target)
    asked = parse_request(requirement, target)
    _check_known(asked, client)
    environment = {
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "UV_HTTP_RETRIES": "0",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CONCURRENT_DOWNLOADS": "24",
    }
    # The user's own settings for uv are for the user's projects; the index, the one that matters, is known.
    foreign = [f"--unset={name}" for name in sorted(os.environ) if name.startswith("UV_") and name not in environment]
    with serving(releases) as url, tempfile.TemporaryDirectory(prefix="debgen-uv-") as folder:
        environment["TMPDIR"] = folder  # uv leaves what it was writing when it is interrupted
        bounds = Path(folder) / "constraints.txt"
        bounds.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
        done = run(
            [
                *("env", *foreign, uv.find_uv_bin(), "pip", "compile", "-"),
                *("--quiet", "--color", "never", "--no-progress", "--no-config", "--no-build", "--no-cache"),
                *("--no-header", "--no-annotate", "--default-index", url, "--constraints", bounds),
                *("--python", sys.executable, "--python-version", target.python_version),
            ],
            env=environment,
            stdin=f"{asked}\n",
            check=False,
        )
    if releases.failure is not None:
        raise releases.failure
    if done.returncode != 0:
        raise _failure(str(asked), target, done.stderr)
    pins = {canonicalize_name(name): version for name, version in _PIN.findall(done.stdout)}
    return dict(sorted(pins.items()))


def _check_known(asked: Requirement, client: IndexClient) -> None:
    versions = client.versions(asked.name, yanked=True)
    if not any(asked.specifier.contains(version, prereleases=True) for version in versions):
        raise UnknownDistributionError(
            f"{asked.name} has no release that fits {asked.specifier or 'any version'}",
            hint=f"The newest releases are {', '.join(versions[:5])}." if versions else "It has no release at all.",
        )


def _failure(asked: str, target: Target, output: str) -> DebgenError:
    """What uv explains, without its drawings."""
    lines = [_BOX.sub("", line).rstrip() for line in output.splitlines()]
    lines = [line for line in lines if line and not line.startswith("warning:")]
    if os.strerror(errno.ENOSPC) in output:
        return WorkspaceError("the disk is full: uv could not write", hint="Free some space and run the command again.")
    if not any("No solution found" in line or "unsatisfiable" in line for line in lines):
        return NetworkError(
            f"uv could not resolve {asked}:\n" + "\n".join(lines[-_EXPLANATION_LINES:]),
            hint="Try again; if it stays so, check the index URL.",
        )
    lines = [line for line in lines if "No solution found" not in line]
    shown = [line[:400] for line in lines[:_EXPLANATION_LINES]]
    if len(lines) > len(shown):
        shown.append(f"… and {len(lines) - len(shown)} lines more")
    return ResolutionError(
        f"nothing satisfies {asked} for Python {target.python_version} on {target.architecture}:\n" + "\n".join(shown),
        hint="Ask for another version, or leave out what asks for the impossible.",
    )
