"""The archive's own orig tarballs, fetched and verified by apt."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from debgen.archive.aptroot import AptRoot
from debgen.archive.mirror import MirrorSettings
from debgen.errors import CommandError, IntegrityError
from debgen.run import Runner, run
from debgen.workspace import cache_directory


def fetch_orig(
    suite: str, settings: MirrorSettings, source: str, version: str, name: str, sha256: str, *, run: Runner = run
) -> Path:
    """The tarball ``name`` of a source package of ``suite`` (a codename), in debgen's cache.

    ``sha256`` is the hash that Sources has. Raises IntegrityError where apt can't fetch it; the suite's Sources must
    have been read before, with :func:`debgen.archive.sources.open_sources`.
    """
    folder = cache_directory("origs", sha256)
    kept = folder / name
    if kept.is_file() and _sha256(kept) == sha256:
        return kept
    root = AptRoot(suite, settings, run=run, sources_only=True)
    argv = ("apt-get", "source", "--download-only", "--tar-only", "--only-source", f"{source}={version}")
    with tempfile.TemporaryDirectory(prefix="orig-", dir=folder) as scratch:
        try:
            with root.locked():
                run(argv, cwd=Path(scratch), env=root.apt_env())
        except CommandError as error:
            lines = [line for line in error.output.splitlines() if line.startswith("E: ")] or ["apt-get failed"]
            raise IntegrityError(f"apt can't fetch it: {lines[0].removeprefix('E: ')}") from None
        got = Path(scratch) / name
        if not got.is_file() or _sha256(got) != sha256:
            raise IntegrityError(f"apt fetched no {name} with the hash that Sources has")
        got.replace(kept)
    return kept


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
