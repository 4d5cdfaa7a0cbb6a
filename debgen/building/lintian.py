"""Check a built package with the lintian of the suite it is for."""

from __future__ import annotations

import re
from pathlib import Path

from debgen.building.changes import listed_files
from debgen.building.chroots import Chroot, ChrootStore
from debgen.building.result import LintianReport, Severity, Tag
from debgen.errors import CheckError
from debgen.workspace import write_atomically

# lintian warns when root runs it; it needs nothing but to read. The gate runs beside it: it looks at other data (which
# tags lead to a reject), and takes two thirds of the time.
_COMMAND = """
changes=$1
shift
lintian --print-version
cd /tmp
as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/tmp lintian "$@"; }
as_nobody --ftp-master-rejects --show-overrides --color=never --fail-on=none "$changes" >rejects 2>rejects.errors &
as_nobody "$@" "$changes"
code=$?
wait $! || code=$?
echo "@MARK@"
cat rejects
cat rejects.errors >&2
exit $code
"""
_MARK = "debgen: what follows are the tags that the archive rejects"
_OPTIONS = ("-EvIL", "+pedantic", "--show-overrides", "--tag-display-limit=0", "--color=never", "--fail-on=none")
# lintian's own format "EWI", described in its manual page: "<letter>: <package>[ <type>]: <tag>[ <detail>]".
_TAG = re.compile(
    r"(?P<letter>[EWIPXCOM]): (?P<package>[^ :]+)(?: (?P<type>[a-z-]+))?: (?P<tag>[A-Za-z0-9-]+)(?: (?P<detail>.*))?"
)


def check(changes: Path, store: ChrootStore, chroot: Chroot) -> LintianReport:
    """Run lintian on ``changes`` in a copy of ``chroot`` (of flavour CHECKS), without network.

    The output is kept beside the .changes as ``<name>.lintian.log``. Raises CheckError where lintian itself
    fails; what it finds in the package is for the caller to judge.
    """
    inputs = [changes, *(changes.parent / name for name in listed_files(changes))]
    command = _COMMAND.replace("@MARK@", _MARK)
    result = store.run_in(
        chroot, ["sh", "-c", command, "sh", f"/in/{changes.name}", *_OPTIONS], inputs=inputs, network=False
    )
    version, _, output = result.stdout.partition("\n")
    log = changes.with_suffix(".lintian.log")
    write_atomically(log, f"lintian {version} of {chroot.suite}\n{output}{result.stderr}".encode())
    output, mark, rejects = output.partition(f"{_MARK}\n")
    if result.returncode != 0 or not mark:
        told = "\n".join((result.stderr.strip() or output).splitlines()[-15:])
        raise CheckError(f"lintian can't check {changes.name}:\n{told}", hint=f"The whole output is in {log}")
    return LintianReport(parse(output), version.strip(), log, parse(rejects))


def parse(output: str) -> tuple[Tag, ...]:
    """The findings in lintian's output; its notes and the explanations of overrides are left out."""
    tags = []
    for line in output.splitlines():
        found = _TAG.fullmatch(line)
        if found:
            package = f"{found['package']} {found['type']}" if found["type"] else found["package"]
            tags.append(Tag(Severity(found["letter"]), package, found["tag"], found["detail"] or ""))
    return tuple(tags)
