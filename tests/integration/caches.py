"""A cache of a test module's own, which has what takes long to make: the indexes of suites."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from debgen.archive.aptroot import AptRoot
from debgen.archive.index import open_suite
from debgen.archive.mirror import mirror_settings
from debgen.run import run


@contextmanager
def own_cache(*suites: str) -> Iterator[Path]:
    """A new cache with the indexes of ``suites`` and nothing else, in a folder that apt's own user can enter.

    They are copies of those in the user's cache, which get there now where they aren't yet, or are a day old. It is
    for the caller to set DEBGEN_CACHE.
    """
    with tempfile.TemporaryDirectory(prefix="debgen-") as folder:
        Path(folder).chmod(0o755)
        cache = Path(folder, "cache")
        for suite in suites:
            _copy(suite, cache)
        yield cache


def _copy(suite: str, cache: Path) -> None:
    settings = mirror_settings(ignore_valid_until=True)
    open_suite(suite, settings).close()
    theirs = AptRoot(suite, settings)
    with pytest.MonkeyPatch.context() as patch:
        source = theirs.directory
        patch.setenv("DEBGEN_CACHE", str(cache))
        target = theirs.directory
    target.mkdir(parents=True, exist_ok=True)
    with theirs.locked():
        for name in ("index.sqlite", "lists", "sources", "status", "updated"):
            run(["cp", "--archive", source / name, target])
        conf = theirs.conf.read_text()
    # With any other configuration than the wanted one, apt is asked for the lists again.
    (target / "apt.conf").write_text(conf.replace(os.fspath(source), os.fspath(target)))
