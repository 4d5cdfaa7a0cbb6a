"""Reading from a log which tests failed, and what each of them said: pytest's reports, and unittest's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """A failed test. ``test`` is ``file``, or ``file::test`` as pytest names it; ``file`` alone where none could run.

    ``said`` are the lines with exceptions, each with its number in the log, the last exception last.
    """

    test: str
    said: tuple[tuple[int, str], ...]

    @property
    def path(self) -> str:
        """The test's file."""
        return self.test.partition("::")[0]


_RULER = re.compile(r"={3,} .* ={3,}|={70,}")
#: A long name leaves one line on each side; "_ _ _" is pytest's line between the parts of a traceback.
_HEAD = re.compile(r"_+ (?!_ )(?:ERROR (?:collecting|at setup of|at teardown of) )?(?P<name>.+?) _+")
_SUMMARY = re.compile(r"(?:FAILED|ERROR|SUBFAIL(?:ED)?)(?:\([^)]*\)|\[[^\]]*\])? (?P<rest>\S.*)")
_CAPTURED = re.compile(r"-{3,} Captured .* -{3,}")
#: An exception as a traceback's last line names it, or as pytest prints it behind its mark; what pytest tells of the
#: values in an assertion is indented further, and may quote anything.
_NAME = r"(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*|\w*error|timeout)"
_EXCEPTION = re.compile(
    rf"E {{3}}(?: {{4}})*(?P<marked>{_NAME}(?:: .*)?|assert .*|Failed: .*|fixture '\w+' not found)"
    r"|(?P<plain>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Timeout|Refused|NotFound|Failed)(?:: .*)?)"
)
_LINE_STYLE = re.compile(r"\S+\.py:\d+: (?P<text>\S.*)")
_UNITTEST = re.compile(r"(?P<kind>FAIL|ERROR): (?P<test>\S+)(?: \((?P<dotted>[\w.]+)\))?(?: .*)?")


def failures(lines: Sequence[str]) -> tuple[Failure, ...]:
    """The tests that failed, each once however many Pythons it failed with, in the log's order."""
    found: dict[str, Failure] = {}
    for failure in (*_pytest(lines), *_unittest(lines)):
        before = found.get(failure.test)
        if before is None or (failure.said and not before.said):
            found[failure.test] = failure
    return tuple(found.values())


def ran(lines: Sequence[str]) -> bool:
    """Whether the log shows that tests were run at all."""
    return any(re.search(r"^=+ test session starts =+$|^Ran \d+ tests? in ", line) for line in lines)


def _pytest(lines: Sequence[str]) -> Iterator[Failure]:
    start = 0
    while (begin := _find(lines, r"=+ test session starts =+", start)) is not None:
        next_one = _find(lines, r"=+ test session starts =+", begin + 1)
        end = len(lines) if next_one is None else next_one
        sections = list(_sections(lines, begin, end))
        summary = _find(lines, r"=+ short test summary info =+", begin, end)
        stop = _find(lines, r"=+ .*\b(?:failed|error|errors|passed)\b.* =+|!+ .* !+", summary, end) if summary else None
        told = [
            found["rest"]
            for line in lines[summary or end : stop or end]
            if (found := _SUMMARY.fullmatch(line.rstrip()))
        ]
        for rest in told:
            test, message = _split(rest, [section.name for section in sections])
            said = next((section.said for section in sections if section.name in (_short(test), test)), ())
            if not said and message:
                number = next(i for i in range(summary or 0, end) if rest in lines[i])
                said = ((number + 1, message),)
            yield Failure(test, said)
        for section in sections if not told else ():  # upstream's options can keep failures out of the summary
            yield Failure(section.test, section.said)
        start = end


def _find(lines: Sequence[str], pattern: str, start: int | None, end: int | None = None) -> int | None:
    expression = re.compile(pattern)
    return next((i for i in range(start or 0, end or len(lines)) if expression.fullmatch(lines[i].rstrip())), None)


@dataclass
class _Section:
    """The report of one test: its name in the heading, the lines with exceptions, and the file where it failed."""

    name: str
    said: tuple[tuple[int, str], ...] = ()
    file: str = ""

    @property
    def test(self) -> str:
        """The test as the summary would name it; without a file where the report doesn't name that."""
        if self.name.endswith(".py"):
            return self.name
        head, bracket, parameters = self.name.partition("[")
        return f"{self.file}::{head.replace('.', '::')}{bracket}{parameters}" if self.file else self.name


def _sections(lines: Sequence[str], begin: int, end: int) -> Iterator[_Section]:
    """The reports of single tests, without what was captured."""
    section, captured = _Section(""), True
    for number in range(begin, end):
        line = lines[number].rstrip()
        head = _HEAD.fullmatch(line)
        if head or _RULER.fullmatch(line):
            if section.name:
                yield section
            section, captured = _Section(head["name"] if head else ""), not head
        elif _CAPTURED.fullmatch(line):
            captured = True
        elif not captured:
            if text := _exception(line):
                section.said += ((number + 1, text),)
            place = re.match(r"(\S+\.py):\d+:(?: |$)", line)
            if place and not section.file and re.search(r"test", place[1].rpartition("/")[2], re.I):
                section.file = place[1]


def _exception(line: str) -> str:
    if told := _EXCEPTION.fullmatch(line):
        return str(told["marked"] or told["plain"]).strip()
    found = _LINE_STYLE.fullmatch(line)  # as --tb=line writes it; in other styles the exception stands above it
    return found["text"] if found and "Error: " in found["text"] else ""


def _split(rest: str, names: Sequence[str]) -> tuple[str, str]:
    """The test's name and the message behind it; the name may itself have the hyphen that parts them."""
    parts = rest.split(" - ")
    for end in range(len(parts), 0, -1):
        test = " - ".join(parts[:end])
        if any(_short(test) == name for name in names):
            return test, " - ".join(parts[end:])
    return parts[0], " - ".join(parts[1:])


def _short(test: str) -> str:
    """A test's name as headings have it: without its file, the classes joined by dots."""
    path, _, inside = test.partition("::")
    head, bracket, parameters = inside.partition("[")
    return head.replace("::", ".") + bracket + parameters if inside else path


def _unittest(lines: Sequence[str]) -> Iterator[Failure]:
    """Reports of unittest: a ruler, the test, and its traceback up to the next ruler."""
    for number, line in enumerate(lines[1:], 1):
        told = _UNITTEST.fullmatch(line.rstrip())
        if not told or not re.fullmatch(r"={70}", lines[number - 1].rstrip()):
            continue
        end = next(
            (i for i in range(number + 2, len(lines)) if re.fullmatch(r"[=-]{70}", lines[i].rstrip())), len(lines)
        )
        said = tuple((i + 1, text) for i in range(number + 2, end) if (text := _exception(lines[i].rstrip())))
        dotted = told["dotted"] or ""
        if "_FailedTest" in dotted:  # the module itself could not be imported
            yield Failure(told["test"].replace(".", "/") + ".py", said)
            continue
        parts = (dotted if dotted.endswith(f".{told['test']}") else f"{dotted}.{told['test']}").split(".")
        classes = [part for part in parts if part[:1].isupper()]
        at = parts.index(classes[0]) if classes else len(parts) - 1
        yield Failure("::".join(["/".join(parts[:at]) + ".py", *parts[at:]]), said)
