"""Whether the package can be installed, upgraded to, removed and purged, and leaves nothing behind.

piuparts of the suite does it, in a copy of the clean chroot that lies inside the chroot of the tools: there it is root
of a user namespace, which may mount and change roots, and so all it needs.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from debgen.archive.relation import compare
from debgen.building.checked import Checked, Verdict
from debgen.building.chroots import Flavour
from debgen.building.result import INSTALLATION, UPGRADE, Outcome, TestOutcome
from debgen.building.source import KEY_INSIDE, LIST_INSIDE
from debgen.checks.autopkgtest import as_data
from debgen.checks.subject import Subject

# The arguments: the tarball of the clean chroot, the pins of apt, and piuparts' own. The .deb files follow.
_SCRIPT = f"""
set -eu
mkdir /tmp/base
tar --extract --file="$1" --directory=/tmp/base --exclude='./dev/*'
cp /etc/resolv.conf /etc/hosts /tmp/base/etc
for file in {KEY_INSIDE} {LIST_INSIDE}; do
    if [ -e "$file" ]; then cp "$file" "/tmp/base$file"; fi
done
printf '%s' "$2" > /tmp/base/etc/apt/preferences.d/debgen
shift 2
exec piuparts --existing-chroot=/tmp/base --tmpdir=/tmp --keep-sources-list --no-eatmydata --warn-on-others "$@"
"""
_LINE = re.compile(r"\d+m[\d.]+s (?P<level>[A-Z]+): (?P<text>.*)")
_PURGED = "PASS: Installation and purging test."
_UPGRADED = "PASS: Installation, upgrade and purging tests."
_ENDS = "piuparts run ends."
#: A message like any other, which ends the one before it.
_LAST = "0m0.0s INFO: "
#: What apt and dpkg print whatever they do.
_NOISE = re.compile(
    r"(?:Get:\d|Hit:\d|\(Reading |Reading |Building |Solving |Selecting |Preparing |Unpacking |Setting up |Processing |"
    r"Fetched |Need to get |After this operation|The following (?:additional|NEW|packages will)|\d+ upgraded)"
)
#: How much of what a failed command printed is shown.
_TOLD = 10


def check(subject: Subject) -> Checked:
    """Let piuparts take the package through its life; FAIL where that fails or leaves files behind.

    Where the archive has earlier versions of the binary packages, they are installed first and upgraded. Raises as
    :meth:`Subject.chroot`.
    """
    clean, tools = subject.chroot(Flavour.CLEAN), subject.chroot(Flavour.CHECKS)
    before = upgraded_from(subject)
    log = subject.log("install")
    options = [f"--distribution={clean.suite}", *([] if before else ["--no-upgrade-test"])]
    debs = list(subject.debs)
    subject.store.run_in(
        tools,
        [
            "sh",
            "-c",
            _SCRIPT,
            "sh",
            f"/in/{clean.path.name}",
            _pins(subject),
            *options,
            *(f"/in/{p.name}" for p in debs),
        ],
        inputs=[clean.path, *debs],
        network=True,
        source=subject.source,
        log=log,
    )
    return judged(log.read_text(encoding="utf-8", errors="replace"), before, log)


def upgraded_from(subject: Subject) -> str:
    """The archive's version that can be upgraded; empty where it has none, or none that is older."""
    ours = {deb.name: deb.version for deb in subject.packages}
    theirs = {name: version for name in ours if (version := subject.index.version_of(name))}
    if any(compare(version, ours[name]) >= 0 for name, version in theirs.items()):
        return ""
    if subject.source and theirs.keys() != ours.keys():
        return ""  # what the archive lacks could come from the local repository, in any version
    return max(theirs.values(), default="")


def _pins(subject: Subject) -> str:
    """What keeps other versions of the package itself, as an earlier run put them into the local repository, away."""
    if subject.source is None:
        return ""
    names = " ".join(deb.name for deb in subject.packages)
    return f"Package: {names}\nPin: origin {urlsplit(subject.source.uri).hostname}\nPin-Priority: -1\n"


def judged(text: str, before: str, log: Path) -> Checked:
    """The verdict on piuparts' log; ``before`` is the version that was to be upgraded."""
    errors, warnings = messages(text, "ERROR"), messages(text, "WARN")
    steps = [(INSTALLATION, _PURGED)]
    if before and _PURGED in text:
        steps.append((f"{UPGRADE} {before}", _UPGRADED))
    tests = [
        TestOutcome(name, Outcome.PASS)
        if mark in text
        else TestOutcome(name, Outcome.FAIL, "\n".join(errors) or "\n".join(text.splitlines()[-_TOLD:]))
        for name, mark in steps
    ]
    broken = [test for test in tests if test.outcome is Outcome.FAIL]
    told = [test.name for test in tests if test.outcome is Outcome.PASS]
    if broken:
        summary = f"{broken[0].name}: failed"
        findings = [line for test in broken for line in test.detail.splitlines()]
    else:
        summary, findings = "; ".join(told), warnings
    verdict = Verdict.FAIL if broken else Verdict.WARN if warnings else Verdict.PASS
    details = {"tests": as_data(tests), "upgraded_from": before}
    return Checked("install", verdict, summary, tuple(findings), log, details=details)


def messages(text: str, level: str) -> list[str]:
    """The lines of piuparts' messages of a level, with the end of what the failed command or the test told."""
    found: list[str] = []
    block: list[str] = []
    for line in (*text.splitlines(), _LAST):
        head = _LINE.fullmatch(line)
        if head is None:
            if block and line.strip() and not _NOISE.match(line.strip()):
                block.append(line.strip())
            continue
        found += [*block[:1], *block[1:][-_TOLD:]]
        block = [head["text"]] if head["level"] == level and head["text"] != _ENDS else []
    return list(dict.fromkeys(found))
