"""The content of a binary package of a suite: fetched and verified by apt, unpacked by dpkg-deb, nothing of it run."""

from __future__ import annotations

from pathlib import Path

from debgen.archive.aptroot import AptRoot
from debgen.errors import CommandError, IntegrityError
from debgen.run import Runner


def extracted(root: AptRoot, package: str, version: str, work: Path, run: Runner) -> Path:
    """The folder below ``work`` with the content of the package. IntegrityError where apt can't fetch it."""
    try:
        with root.locked():
            run(["apt-get", "download", f"{package}={version}"], cwd=work, env=root.apt_env())
    except CommandError as error:
        last = next((line for line in reversed(error.output.splitlines()) if line.startswith("E: ")), "")
        raise IntegrityError(f"apt can't fetch {package} {version}: {last.removeprefix('E: ')}") from None
    debs = sorted(work.glob("*.deb"))
    if len(debs) != 1:
        raise IntegrityError(f"apt fetched {len(debs)} packages instead of {package} {version}")
    run(["dpkg-deb", "--extract", debs[0], work / "content"])
    return work / "content"
