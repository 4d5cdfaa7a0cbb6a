"""Build a source package with sbuild, in unshare mode, without network."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from debgen.building.borrowed import BorrowedSource
from debgen.building.buildlog import Progress, error_excerpt
from debgen.building.changes import complete_changes, listed_files
from debgen.building.chroots import Chroot
from debgen.building.result import BuildResult
from debgen.building.scratch import GIB, NOT_FOUND, ends_with_us, scratch
from debgen.building.source import ExtraSource
from debgen.building.warm import MARK, PAUSE, WarmChroots, key_of, paused
from debgen.data import data_directory
from debgen.errors import BuildError, ChrootError
from debgen.narrate import say
from debgen.run import Runner, missing_tool, run
from debgen.workspace import cache_directory, disk_errors, make_directory

# Nothing in a chroot that is thrown away has to survive a crash of the machine, so dpkg needn't wait for the disk.
# The setting is gone before the build begins.
_UNSAFE = "/etc/dpkg/dpkg.cfg.d/debgen-unsafe-io"
_HURRY = f"echo force-unsafe-io >{_UNSAFE}"
_HURRIED = f"rm -f {_UNSAFE}"


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
    borrowed: BorrowedSource | None = None,
    warm: WarmChroots | None = None,
    narrate: Callable[[str], None] = say,
    variation: str = "",
) -> BuildResult:
    """Build the source package ``dsc``, arch-all and arch-any, and put the result into the directory ``out``.

    The log stands at ``out/<source>_<version>_<arch>.build.log`` while the build runs and afterwards, failed or
    not; all other files appear when it has succeeded. The .changes lists the source package too. ``distribution`` is
    the one in the changelog, where it isn't the suite's usual one (``trixie-backports``). ``space`` is what the
    unpacked chroot and the build may need, ``source`` a repository besides the mirror, ``borrowed`` other suites,
    ``warm`` where chroots with build dependencies are kept (the user's cache, unless given), ``variation`` lines of
    sbuild.conf(5) for this build alone. Raises BuildError with the telling lines of the log.
    """
    warm = warm or WarmChroots(cache_directory("warm"))
    text = configuration(chroot.suite)
    key = key_of(dsc, chroot, source, f"{text}{distribution}{borrowed.state if borrowed else ''}")
    out = make_directory(out.absolute())
    job = _Job(dsc, chroot, out, run, variation + text, distribution, jobs, space, source, borrowed, warm, key)
    with warm.using(key) as tarball:
        if tarball:
            try:
                return job.build(tarball, narrate)
            except ChrootError:
                pass  # the kept chroot is damaged
            except BuildError as error:
                if _stage(error.log) in _ITS_OWN:
                    raise
        # It could not begin in the kept chroot; whether that is the package's fault shows in the clean one.
        warm.drop(key)
    return job.build(None, narrate)


#: Stages in which a build fails for reasons of its own, wherever its chroot comes from.
_ITS_OWN = frozenset({"build", "fetch-src", "unpack"})


@dataclass(frozen=True)
class _Job:
    """What :func:`build` was asked for."""

    dsc: Path
    chroot: Chroot
    out: Path
    run: Runner
    configuration: str
    distribution: str
    jobs: int | None
    space: int
    source: ExtraSource | None
    borrowed: BorrowedSource | None
    warm: WarmChroots
    key: str

    def build(self, tarball: Path | None, narrate: Callable[[str], None]) -> BuildResult:
        """Build in a copy of the kept chroot ``tarball``, or of the clean one, which is then kept."""
        dsc, chroot, out = self.dsc, self.chroot, self.out
        stem = f"{dsc.stem}_{chroot.architecture}"
        log = out / f"{stem}.build.log"
        start = time.monotonic()
        with scratch(self.space, run=self.run) as work:
            made = make_directory(work / "made")
            config = work / "sbuild.conf"
            with disk_errors(work):
                config.write_text(self.configuration, encoding="utf-8")
            progress = Progress(dsc.stem, narrate, time.monotonic)

            def on_line(line: str) -> None:
                progress.feed(line)
                if line == MARK and tarball is None:
                    paused(work, self.warm, self.key, self.run)

            result = self.run(
                ends_with_us(work, *self._command(tarball)),
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
                on_line=on_line,
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

    def _command(self, tarball: Path | None) -> list[str | Path]:
        source, architecture = self.source, self.chroot.architecture
        return [
            *("sbuild", f"--chroot={tarball or self.chroot.path}", f"--arch={architecture}"),
            *([f"--dist={self.distribution}"] if self.distribution else []),
            *([f"--extra-repository={source.line}", f"--extra-repository-key={source.key}"] if source else []),
            # A kept chroot has all there is to install, in the state of the archive that its key names.
            *(
                ["--no-apt-update", "--no-apt-distupgrade"]
                if tarball
                else [
                    f"--chroot-setup-commands={_HURRY}",
                    # They stay in a kept chroot, with the lists that apt fetches for them.
                    *([f"--chroot-setup-commands={self.borrowed.command}"] if self.borrowed else []),
                    f"--starting-build-commands={_HURRIED}; {PAUSE}",
                ]
            ),
            *(f"--jobs={self.jobs or os.cpu_count() or 1}", self.dsc.absolute()),
        ]


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


def _stage(log: Path | None) -> str:
    """The stage in which the build failed, or nothing where the log doesn't say."""
    text = log.read_text(encoding="utf-8", errors="replace") if log and log.is_file() else ""
    found = re.search(r"^Fail-Stage: (\S+)$", text, re.MULTILINE)
    return found[1] if found else ""


def _failure(dsc: Path, log: Path) -> BuildError | ChrootError:
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    found = _stage(log)
    if found == "create-session":
        told = re.search(r"^Unpacking .*\n((?:.*\n)*?)E: Error creating chroot session", text, re.MULTILINE)
        lines = [line for line in (told[1] if told else "").splitlines() if not line.startswith("bad exit status")]
        return ChrootError(
            f"the chroot to build {dsc.stem} in can't be unpacked:\n" + "\n".join(f"  {line}" for line in lines),
            hint="`debgen doctor` checks what chroots need; `debgen chroot update` makes one anew. "
            f"The whole log is {log}",
        )
    stage = f" (stage {found})" if found else ""
    return BuildError(
        f"{dsc.stem} does not build{stage}:\n" + "\n".join(f"  {line}" for line in error_excerpt(text.splitlines())),
        hint=f"The whole log is {log}, the source package {dsc.absolute()}",
        log=log,
    )
