"""Build a source package with sbuild, in unshare mode, without network."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from debgen.building.buildlog import Progress, error_excerpt
from debgen.building.changes import complete_changes, listed_files
from debgen.building.chroots import Chroot
from debgen.building.result import BuildResult
from debgen.building.scratch import GIB, NOT_FOUND, ends_with_us, scratch
from debgen.building.source import ExtraSource
from debgen.data import data_directory
from debgen.errors import BuildError
from debgen.narrate import say
from debgen.run import Runner, missing_tool, run
from debgen.workspace import disk_errors, make_directory


def build(
    dsc: Path,
    chroot: Chroot,
    out: Path,
    run: Runner = run,
    *,
    distribution: str = "",
    jobs: int | None = None,
    space: int = 6 * GIB,
    source: ExtraSource | None = None,
    narrate: Callable[[str], None] = say,
) -> BuildResult:
    """Build the source package ``dsc``, arch-all and arch-any, and put the result into the directory ``out``.

    The log stands at ``out/<source>_<version>_<arch>.build.log`` while the build runs and afterwards, failed or
    not; all other files appear when it has succeeded. The .changes lists the source package too. ``distribution`` is
    the one in the changelog, where it isn't the suite's usual one (``trixie-backports``). ``space`` is what the
    unpacked chroot and the build may need, ``source`` a repository besides the mirror. Raises BuildError with the
    telling lines of the log.
    """
    stem = f"{dsc.stem}_{chroot.architecture}"
    out = make_directory(out.absolute())
    log = out / f"{stem}.build.log"
    progress = Progress(dsc.stem, narrate, time.monotonic)
    start = time.monotonic()
    with scratch(space, run=run) as work:
        made = make_directory(work / "made")
        config = work / "sbuild.conf"
        with disk_errors(work):
            config.write_text(configuration(chroot.suite), encoding="utf-8")
        result = run(
            ends_with_us(
                work,
                *("sbuild", f"--chroot={chroot.path}", f"--arch={chroot.architecture}"),
                *([f"--dist={distribution}"] if distribution else []),
                *([f"--extra-repository={source.line}", f"--extra-repository-key={source.key}"] if source else []),
                *(f"--jobs={jobs or os.cpu_count() or 1}", dsc.absolute()),
            ),
            cwd=made,
            # HOME keeps the user's own sbuild configuration out.
            env={
                "SBUILD_CONFIG": str(config),
                "DEBGEN_SCRATCH": str(work),
                "TMPDIR": str(work),
                "HOME": str(work),
                "XDG_CONFIG_HOME": str(work / "config"),
            },
            log=log,
            on_line=progress.feed,
            check=False,
        )
        if result.returncode == NOT_FOUND:
            log.unlink(missing_ok=True)
            raise missing_tool("sbuild")
        changes = made / f"{stem}.changes"
        if result.returncode != 0 or not changes.is_file():
            raise _failure(dsc, log)
        complete_changes(changes, dsc)
        names = listed_files(changes)
        for name in (*names, changes.name):  # the .changes last: where it is, all it lists is
            _place(made / name if (made / name).exists() else dsc.parent / name, out / name)
    return BuildResult(
        changes=out / changes.name,
        dsc=out / dsc.name,
        debs=tuple(out / name for name in names if name.endswith(".deb")),
        buildinfo=out / next(name for name in names if name.endswith(".buildinfo")),
        log=log,
        seconds=time.monotonic() - start,
    )


def _place(file: Path, target: Path) -> None:
    """Copy ``file`` to ``target``, on whatever file system, so that it is never there in part."""
    if target.exists() and target.samefile(file):
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with disk_errors(target):
            shutil.copyfile(file, unfinished)
            os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def configuration(suite: str, directory: Path | None = None) -> str:
    """The configuration of sbuild for ``suite``: what is common to all, then what differs."""
    directory = directory or data_directory("sbuild-configs")
    common = (directory / "common.conf").read_text(encoding="utf-8")
    own = directory / f"{suite}.conf"
    if own.is_file():
        return common.removesuffix("1;\n") + own.read_text(encoding="utf-8")
    # The name goes into a Perl string; suites' names hold nothing that means something there.
    assert re.fullmatch(r"[a-z][a-z0-9.+-]*", suite)  # noqa: S101 - the chroot store has checked it
    return common.removesuffix("1;\n") + f"$distribution = '{suite}';\n\n1;\n"


def _failure(dsc: Path, log: Path) -> BuildError:
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    found = re.search(r"^Fail-Stage: (\S+)$", text, re.MULTILINE)
    stage = f" (stage {found[1]})" if found else ""
    return BuildError(
        f"{dsc.stem} does not build{stage}:\n" + "\n".join(f"  {line}" for line in error_excerpt(text.splitlines())),
        hint=f"The whole log is {log}, the source package {dsc.absolute()}",
        log=log,
    )
