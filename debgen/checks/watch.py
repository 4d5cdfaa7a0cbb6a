"""Whether debian/watch finds the release that is packaged."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from debgen.archive.versions import split_debian
from debgen.building.changes import listed_files
from debgen.building.checked import Checked, Verdict
from debgen.building.chroots import Flavour
from debgen.checks.subject import Subject
from debgen.workspace import write_atomically

# What uscan finds; where that is a newer release, also whether it finds the one that is packaged. It needs nothing but
# debian/, and runs no code of upstream's.
_SCRIPT = """
mkdir -p /tmp/tree
cd /tmp/tree
tar --extract --file="$1"
as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/tmp "$@"; }
as_nobody uscan --no-conf --report --dehs --timeout 30
echo "@MARK@"
as_nobody uscan --no-conf --report --dehs --timeout 30 --download-current-version
"""
_MARK = "debgen: what follows is about the version that is packaged"
#: What LWP says where there is no way to the site, or the site itself is ill.
_UNREACHABLE = re.compile(
    r"Can't connect to|Name or service not known|Temporary failure in name resolution|[Tt]imed? ?out|"
    r"Connection (?:refused|reset)|Network is unreachable|failed: (?:407|429|5\d\d) "
)


def check(subject: Subject) -> Checked:
    """Let uscan look; FAIL where it doesn't find the version packaged, WARN where a newer one is out.

    SKIP where the site can't be reached. Raises as :meth:`Subject.chroot`.
    """
    if not (subject.tree / "debian/watch").is_file():
        return Checked("watch", Verdict.FAIL, "there is no debian/watch")
    names = listed_files(subject.built.dsc)
    packed = next((name for name in names if ".debian.tar." in name), "")
    if not packed:
        return Checked("watch", Verdict.SKIP, "it is a native package")
    version = split_debian(subject.packages[0].version)[1]
    result = subject.store.run_in(
        subject.chroot(Flavour.CHECKS),
        ["sh", "-c", _SCRIPT.replace("@MARK@", _MARK), "sh", f"/in/{packed}"],
        inputs=[subject.built.dsc.parent / packed],
        network=True,
    )
    log = subject.log("watch")
    write_atomically(log, f"{result.stdout}\n{result.stderr}".encode())
    newest, _, ours = result.stdout.partition(_MARK)
    return judged(newest, ours, version, log)


def judged(newest: str, ours: str, version: str, log: Path | None = None) -> Checked:
    """The verdict on uscan's reports: of the newest release, and of the one that is packaged."""
    found, asked = report(newest), report(ours)
    status = found.get("status", "")
    details = {"newest": found, "packaged": asked}
    told = " ".join(f"{found.get('warnings', '')} {found.get('errors', '')}".split())
    if not status:
        if _UNREACHABLE.search(told):
            return Checked("watch", Verdict.SKIP, f"the site can't be reached: {told}", (), log,
                           details={**details, "unreachable": True})  # fmt: skip
        return Checked("watch", Verdict.FAIL, "uscan finds no release at all", (told,) if told else (), log,
                       details=details)  # fmt: skip
    upstream = found.get("upstream-version", "")
    if status == "up to date":
        return Checked("watch", Verdict.PASS, f"finds {upstream}", (), log, details=details)
    if not asked.get("upstream-url"):
        why = " ".join(f"{asked.get('warnings', '')} {asked.get('errors', '')}".split())
        return Checked("watch", Verdict.FAIL, f"finds {upstream}, but not {version}", (why,) if why else (), log,
                       details=details)  # fmt: skip
    return Checked("watch", Verdict.WARN, f"finds {version}, and the newer {upstream}", (), log, details=details)


def report(text: str) -> dict[str, str]:
    """The fields of uscan's report for machines (``--dehs``); empty where there is none."""
    start, end = text.find("<dehs>"), text.rfind("</dehs>")
    if start < 0 or end < 0:
        return {}
    try:
        root = ElementTree.fromstring(text[start : end + len("</dehs>")])  # noqa: S314 - entities: uscan writes none
    except ElementTree.ParseError:
        return {}
    fields: dict[str, str] = {}
    for item in root:
        if (item.text or "").strip():
            fields.setdefault(item.tag, (item.text or "").strip())
    return fields
