"""What the suite's own lintian says, and whether the archive would reject the upload."""

from __future__ import annotations

from debgen.building import lintian
from debgen.building.checked import Checked, Verdict
from debgen.building.chroots import Flavour
from debgen.building.result import LintianReport, Severity
from debgen.checks.subject import Subject

#: The one finding that only a human can mend, by filing the bug: numbers are never made up.
NEEDS_ITP = "initial-upload-closes-no-bugs"


def check(subject: Subject) -> Checked:
    """Run lintian at all levels, and the gate of ``--ftp-master-rejects``; FAIL for errors, warnings and rejects.

    That no bug is closed doesn't count where no ITP's number was given: the page of the result asks for it. Raises
    CheckError where lintian itself fails, and as :meth:`Subject.chroot`.
    """
    report = lintian.check(subject.changes, subject.store, subject.chroot(Flavour.CHECKS))
    return judged(report, subject.itp)


def judged(report: LintianReport, itp: bool) -> Checked:
    """The verdict on what lintian found."""
    counting = [t for t in report.of(Severity.ERROR, Severity.WARNING) if itp or t.tag != NEEDS_ITP]
    rejects = [tag for tag in report.rejects if itp or tag.tag != NEEDS_ITP]
    told = f"{report.counts}; {len(rejects)} that the archive rejects (lintian {report.version})"
    return Checked(
        "lintian",
        Verdict.FAIL if counting or rejects else Verdict.PASS,
        told,
        (*(f"the archive rejects: {tag}" for tag in rejects), *(str(tag) for tag in counting if tag not in rejects)),
        report.log,
        details={
            "version": report.version,
            "counts": report.counts,
            "wants_itp": not itp and any(tag.tag == NEEDS_ITP for tag in report.tags),
            "rejects": [str(tag) for tag in rejects],
            "tags": [
                {"severity": tag.severity.name.lower(), "package": tag.package, "tag": tag.tag, "detail": tag.detail}
                for tag in report.tags
            ],
        },
    )
