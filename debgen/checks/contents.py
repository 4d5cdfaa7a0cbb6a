"""Whether the package has what upstream's wheel has."""

from __future__ import annotations

from debgen.building.checked import Checked, Verdict
from debgen.building.contents import compare
from debgen.checks.subject import Subject
from debgen.workspace import write_atomically


def check(subject: Subject) -> Checked:
    """Compare the files with those of upstream's wheel; FAIL where anything is lacking that nothing explains.

    Raises NetworkError where the wheel can't be fetched.
    """
    if subject.upstream is None:
        return Checked("contents", Verdict.SKIP, "nothing is known of upstream's release")
    upstream = subject.upstream
    report = compare(
        subject.debs, upstream.wheel, upstream.client, subject.tree, lacks=upstream.lacks, need=upstream.need
    )
    log = subject.log("contents")
    write_atomically(log, f"{report.as_text()}\n".encode())
    return Checked(
        "contents",
        Verdict.PASS if report.good else Verdict.FAIL,
        report.verdict,
        tuple(f"lacks {lack}" for lack in report.lacks),
        log,
        details=report.as_json(),
    )
