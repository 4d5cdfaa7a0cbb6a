"""Whether a second build gives the same bytes; diffoscope tells where it doesn't."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from pathlib import Path

from debgen.building.checked import Checked, Verdict
from debgen.building.chroots import Flavour
from debgen.building.sbuild import build
from debgen.building.scratch import scratch
from debgen.checks.subject import Subject
from debgen.errors import BuildError, CheckError
from debgen.workspace import disk_errors, make_directory, write_atomically

#: How the second build differs, as far as sbuild lets it: half a day away in time, with another number of jobs. Where
#: it is built differs anyway, or is fixed by sbuild.
_VARIATION = "$build_environment = { 'TZ' => 'GMT+12' };\n"
#: How many lines of diffoscope's are findings, and how many characters of each.
_LINES, _WIDTH = 12, 160
_FIRST = "first-"


def check(subject: Subject) -> Checked:
    """Build the .dsc once more and compare each .deb; WARN with the first lines that differ.

    FAIL where it doesn't even build again. Raises CheckError where diffoscope fails, and as :meth:`Subject.chroot`
    and :func:`debgen.building.sbuild.build`.
    """
    cores = os.cpu_count() or 1
    log = subject.log("reproducible")
    with scratch(run=subject.run) as work:
        out = make_directory(work / "second")
        try:
            second = build(
                subject.built.dsc,
                subject.chroot(Flavour.BUILD),
                out,
                subject.run,
                distribution=subject.distribution,
                jobs=cores - 1 if cores > 1 else 2,
                source=subject.source,
                borrowed=subject.borrowed,
                narrate=lambda text: None,
                variation=_VARIATION,
            )
        except BuildError as error:
            if error.log and error.log.is_file():
                with disk_errors(log):
                    shutil.copyfile(error.log, log)
            told = tuple(str(error).splitlines()[1:])
            return Checked("reproducible", Verdict.FAIL, "the second build fails", told, log if log.is_file() else None)
        names = {path.name for path in second.debs}
        missing = [path.name for path in subject.built.debs if path.name not in names]
        different = [
            path
            for path in subject.built.debs
            if path.name in names and not filecmp.cmp(path, out / path.name, shallow=False)
        ]
        same = [path.name for path in subject.built.debs if path.name in names and path not in different]
        text = "".join(f"{name}: the same\n" for name in same)
        for path in different:
            text += f"{path.name}: different\n{_compared(subject, path, out / path.name, work)}\n"
    write_atomically(log, text.encode())
    details = {"same": same, "different": [path.name for path in different], "missing": missing}
    if not different and not missing:
        summary = f"a second build gives {', '.join(same)} again, byte for byte"
        return Checked("reproducible", Verdict.PASS, summary, (), log, details=details)
    summary = f"{len(different)} of {len(subject.built.debs)} packages differ in a second build"
    findings = (*(f"the second build lacks {name}" for name in missing), *telling(text))
    return Checked("reproducible", Verdict.WARN, summary, findings, log, details=details)


def _compared(subject: Subject, first: Path, second: Path, work: Path) -> str:
    """What diffoscope says of two files; their common name would clash in the chroot."""
    copy = work / f"{_FIRST}{first.name}"
    with disk_errors(copy):
        shutil.copyfile(first, copy)
    # No terminal's escapes, and an end to what can be endless.
    options = ("--text-color=never", "--max-text-report-size=400000", "--exclude-directory-metadata=yes")
    result = subject.store.run_in(
        subject.chroot(Flavour.CHECKS), ["diffoscope", *options, f"/in/{copy.name}", f"/in/{second.name}"],
        inputs=[copy, second],
    )  # fmt: skip
    copy.unlink()
    if result.returncode not in (0, 1):
        told = "\n".join((result.stderr or result.stdout).splitlines()[-10:])
        raise CheckError(f"diffoscope can't compare {first.name}:\n{told}")
    return result.stdout


def telling(text: str) -> tuple[str, ...]:
    """The first lines of diffoscope's report that show a difference, each file's name before its own."""
    found: list[str] = []
    place = ""
    for line in text.splitlines():
        bare = re.sub(r"^[│ ]*", "", line)
        head = re.match(r"(?:├──|│?\s*---) (?P<name>.+)", bare) or re.match(r"--- (?P<name>.+)", bare)
        if head:
            place = head["name"]
        elif re.match(r"[+-](?![+-]{2} )", bare):
            if place:
                found.append(place[:_WIDTH])
                place = ""
            found.append(f"  {bare[:_WIDTH]}")
        if len(found) >= _LINES:
            break
    return tuple(found[:_LINES])
