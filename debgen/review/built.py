"""What a build showed: tests, the log, the checks, the installed files, and differences from the archive's package."""

from __future__ import annotations

import re
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

from debian.arfile import ArError
from debian.debfile import DebFile

from debgen.building.checked import Checked, Verdict
from debgen.debianize.provenance import Origin, Skipped
from debgen.review.buildlog import LogFacts, TestRun, read_log
from debgen.review.document import Block, Facts, Items, Log, Mark, Para, Section, Table, counted
from debgen.review.files import in_tests
from debgen.review.lines import cut_of, listing
from debgen.review.origin import missing
from debgen.review.results import Results

MARKS = {Verdict.PASS: Mark.GOOD, Verdict.WARN: Mark.LOOK, Verdict.FAIL: Mark.BAD, Verdict.SKIP: Mark.NONE}
_MOST_FILES = 400
#: A binary package with more bytes takes too long to read.
_LARGE = 200 << 20
_MOST_FINDINGS = 100
#: So many results of tests stand in the sentence above the table.
_FEW = 6
_WHOSE = {Origin.RECIPE: "recipe: a human", Origin.FACT: "fact: a rule", Origin.RULE: "policy: a rule"}


def log_of(path: Path | None) -> LogFacts | None:
    """What a log says; None where it isn't there or can't be read."""
    try:
        return read_log(path) if path else None
    except OSError:
        return None


def tests(results: Results, log: LogFacts | None) -> Section:
    """The section on tests: how they run, what is left out and why, how many passed by which Python."""
    told, blocks = results.provenance, list[Block]()
    mark, words = Mark.PLAIN, ""
    if told:
        blocks.append(Facts((("How they run", told.tests),)))
        if told.skipped:
            rows = tuple(_skipped_row(skip) for skip in told.skipped)
            blocks.append(Table("What is left out", ("what pytest is told", "why", "who decided"), rows))
            words = f"{counted(len(rows), 'thing')} left out"
            mark = Mark.LOOK
    else:
        blocks.append(Para("How they run and what is left out was not kept: generate again.", Mark.NONE))
    check = results.summary.check("autopkgtest") if results.summary else None
    installed = log_of(check.log) if check else None
    runs = [("when built", run) for run in log.tests] if log else []
    runs += [("as installed", run) for run in installed.tests] if installed else []
    if runs:
        rows_ = tuple((when, run.python or "?", run.counts) for when, run in runs[:_MOST_FINDINGS])
        blocks.append(Table("What ran, as the logs say", ("when", "Python", "result"), rows_))
        distinct = list(dict.fromkeys(_short(run) for _, run in runs))
        passed = "; ".join(distinct[:_FEW]) + (f"; and {len(distinct) - _FEW} more" if len(distinct) > _FEW else "")
        words = f"{passed}; {words}".strip("; ")
        if any(_failed(run) for _, run in runs):
            mark = Mark.BAD
        elif mark is not Mark.LOOK:
            mark = Mark.LOOK if all(run.smoke for _, run in runs) else Mark.GOOD
    elif results.summary:
        blocks.append(Para("The logs name no counts of tests.", Mark.LOOK))
    if results.summary is None:
        blocks.append(missing("Running the tests", results))
    if check:
        blocks.append(Facts((("autopkgtest", f"{check.verdict.value}: {check.summary}"),)))
    blocks += [listing(results, path, open_=False) for path in results.debian if in_tests(path)]
    return Section("tests", "Tests", mark, words or (told.tests if told else "not known"), tuple(blocks))


def _skipped_row(skip: Skipped) -> tuple[str, str, str]:
    return skip.select, skip.reason, _WHOSE[skip.origin]


def _short(run: TestRun) -> str:
    return f"{run.counts} (Python {run.python})" if run.python else run.counts


def _failed(run: TestRun) -> bool:
    return re.search(r"\b\d+ (?:failed|errors?)\b|FAILED", run.counts) is not None


def build(results: Results, log: LogFacts | None) -> Section:
    """The section on the build log."""
    title = "Build log"
    if results.summary is None or log is None:
        return Section("build", title, Mark.NONE, "not done", (missing("A build", results),))
    path = results.summary.log
    rows = tuple((what, f"{seconds} s") for what, seconds in log.stages)
    blocks: list[Block] = [Facts((("The whole log", f"{path} ({log.lines:,} lines)"), *rows))]
    shown = log.warnings[:_MOST_FINDINGS]
    if shown:
        more = f" (the first {len(shown)} of {len(log.warnings)})" if len(log.warnings) > len(shown) else ""
        blocks.append(Items(f"Warnings that matter{more}", tuple((Mark.LOOK, line) for line in shown)))
    blocks.append(Log("Its end", log.tail, cut_of(log.lines, len(log.tail), path)))
    good = log.status in ("successful", "")
    told = f"{log.status or 'ended'}, with {counted(len(log.warnings), 'warning')} to look at"
    mark = Mark.BAD if not good else Mark.LOOK if log.warnings else Mark.GOOD
    return Section("build", title, mark, told, tuple(blocks))


def checks(results: Results) -> Section:
    """The section on all checks: one table, then what each found."""
    title = "Checks"
    if results.summary is None or not results.summary.checks:
        return Section("checks", title, Mark.NONE, "not done", (missing("The checks", results),))
    made = results.summary.checks
    rows = tuple((c.name, MARKS[c.verdict], c.summary, f"{c.seconds:.0f} s") for c in made)
    blocks: list[Block] = [Table("All checks", ("check", "verdict", "result", "time"), rows)]
    blocks += [found for check in made if (found := findings(check))]
    logs = tuple((c.name, str(c.log)) for c in made if c.log)
    blocks.append(Facts(logs))
    worst = _worst(made)
    counts = [(verdict.value, sum(c.verdict is verdict for c in made)) for verdict in Verdict]
    told = ", ".join(f"{count} {word}" for word, count in counts if count)
    return Section("checks", title, worst, told, tuple(blocks))


def _worst(made: tuple[Checked, ...]) -> Mark:
    marks = {MARKS[check.verdict] for check in made}
    return next((mark for mark in (Mark.BAD, Mark.LOOK) if mark in marks), Mark.GOOD)


def findings(check: Checked) -> Items | None:
    """What a check found, and lintian's hints besides; None where that is nothing."""
    mark = MARKS[check.verdict] if check.verdict is not Verdict.PASS else Mark.PLAIN
    found = [(mark, line) for line in check.findings]
    tags = check.details.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict) and tag.get("severity") not in ("classification", "masked", None):
            text = f"{tag['severity']}: {tag.get('package', '')}: {tag.get('tag', '')} {tag.get('detail', '')}".rstrip()
            if not any(str(tag.get("tag")) in line for line in check.findings):
                found.append((Mark.PLAIN, text))
    if not found:
        return None
    if len(found) > _MOST_FINDINGS:
        where = f", in {check.log}" if check.log else ""
        found = [*found[:_MOST_FINDINGS], (Mark.PLAIN, f"and {len(found) - _MOST_FINDINGS} more{where}")]
    return Items(check.name, tuple(found))


def install(results: Results) -> Section:
    """The section on the binary packages: installing and purging them, and the files in them."""
    title = "Install, purge, and the files in the packages"
    if results.summary is None or not results.summary.debs:
        return Section("install", title, Mark.NONE, "not done", (missing("Installing the packages", results),))
    blocks: list[Block] = []
    check = results.summary.check("install") or results.summary.check("piuparts")
    mark, told = Mark.NONE, "whether it installs was not tried"
    if check:
        mark, told = MARKS[check.verdict], check.summary
        blocks.append(Facts(((check.name, f"{check.verdict.value}: {check.summary}"),)))
    odd: list[tuple[Mark, str]] = []
    for deb in results.summary.debs:
        try:
            if deb.stat().st_size > _LARGE:
                blocks.append(Para(f"{deb.name} is large: `dpkg-deb --contents {deb}` lists its files", Mark.LOOK))
            else:
                blocks += _deb(deb, odd)
        except (OSError, ArError, tarfile.TarError, EOFError, KeyError) as error:
            odd.append((Mark.BAD, f"{deb.name} can’t be read: {error}"))
    if odd:
        blocks.insert(0, Items("", tuple(odd)))
        mark = Mark.BAD if any(m is Mark.BAD for m, _ in odd) else Mark.LOOK if mark is Mark.GOOD else mark
    return Section("install", title, mark, told, tuple(blocks))


def _deb(path: Path, odd: list[tuple[Mark, str]]) -> Iterator[Block]:
    """The control fields and the list of files of one .deb; what is unusual goes into ``odd``."""
    with DebFile(str(path)) as deb:
        control = {str(key): str(value) for key, value in deb.debcontrol().items()}
        scripts = [name for name in ("preinst", "postinst", "prerm", "postrm", "config") if deb.control.has_file(name)]
        lines, size, files = [], 0, 0
        for member in deb.data.tgz():
            name = str(member.name).removeprefix(".")
            if member.isdir():
                continue
            files += 1
            size += member.size
            link = f" -> {member.linkname}" if member.issym() or member.islnk() else ""
            lines.append(f"{stat.filemode(member.mode)[1:]} {member.size:>10,} {name}{link}")
            if member.mode & 0o6000:
                odd.append((Mark.LOOK, f"{path.name}: {name} is setuid or setgid"))
            if member.mode & 0o002 and not member.issym():
                odd.append((Mark.LOOK, f"{path.name}: everybody may write {name}"))
    fields = ("Depends", "Recommends", "Suggests", "Breaks", "Conflicts", "Replaces", "Provides", "Built-Using")
    rows = [("Size", f"{path.stat().st_size:,} bytes packed, {size:,} unpacked, {counted(files, 'file')}")]
    rows += [(name, control[name]) for name in fields if control.get(name)]
    if scripts:
        rows.append(("Maintainer scripts", ", ".join(scripts)))
    yield Para(path.name)
    yield Facts(tuple(rows))
    yield Log(f"The files in {path.name}", tuple(lines[:_MOST_FILES]), cut_of(len(lines), _MOST_FILES, path))


def archive(results: Results) -> Section:
    """The section on what differs from the archive's package of the same name."""
    title = "Differences from the archive’s package"
    if results.summary is None:
        return Section("archive", title, Mark.NONE, "not done", (missing("The comparison", results),))
    check = results.summary.check("debdiff")
    notes = results.provenance.notes if results.provenance else ()
    about = tuple((Mark.LOOK, note) for note in notes if "the archive" in note)
    blocks: list[Block] = [Items("What the generator says of the archive’s package", about)] if about else []
    if check is None:
        return Section("archive", title, Mark.NONE, "not compared", (missing("The comparison", results), *blocks))
    if check.findings:
        blocks.append(Items("debdiff", tuple((MARKS[check.verdict], line) for line in check.findings[:_MOST_FINDINGS])))
    facts = [("debdiff", f"{check.verdict.value}: {check.summary}")]
    facts += [("The whole", str(check.log))] if check.log else []
    return Section("archive", title, MARKS[check.verdict], check.summary, (Facts(tuple(facts)), *blocks))
