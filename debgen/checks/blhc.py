"""Whether compilers and linkers got the flags that harden what they make."""

from __future__ import annotations

from debgen.building.checked import Checked, Verdict
from debgen.building.chroots import Flavour
from debgen.checks.subject import Subject
from debgen.errors import CheckError

# Exit codes of blhc(1), which add up.
_NO_COMMANDS, _NOT_VERBOSE, _LACKING, _WRAPPER, _OLD_CMAKE = 1, 4, 8, 16, 32
_MEANINGS = {
    _NOT_VERBOSE: "the log hides commands of the compiler",
    _LACKING: "flags are missing",
    _WRAPPER: "hardening-wrapper was used",
    _OLD_CMAKE: "an old CMake ignores CPPFLAGS",
}


def check(subject: Subject) -> Checked:
    """Let blhc read the log of the build; WARN with its lines where flags are missing, SKIP for pure packages.

    Raises CheckError where blhc can't read the log, and as :meth:`Subject.chroot`.
    """
    if not subject.compiled:
        return Checked("blhc", Verdict.SKIP, "nothing is compiled")
    rules = (subject.tree / "debian/rules").read_text(encoding="utf-8", errors="replace")
    # PIE is gcc's default in Debian; immediate binding is asked for by packages that want all of it.
    options = ["--debian", *(["--bindnow"] if "hardening=+all" in rules or "+bindnow" in rules else [])]
    log = subject.log("blhc")
    result = subject.store.run_in(
        subject.chroot(Flavour.CHECKS),
        ["blhc", f"--arch={subject.index.architecture}", *options, f"/in/{subject.built.log.name}"],
        inputs=[subject.built.log],
        log=log,
    )
    text = log.read_text(encoding="utf-8", errors="replace")
    known = _NO_COMMANDS | sum(_MEANINGS)
    if result.returncode & ~known:
        raise CheckError(f"blhc can't read {subject.built.log.name}:\n{text[-2000:]}", hint=f"Its output is in {log}")
    verdict, summary = judged(result.returncode)
    return Checked(
        "blhc", verdict, summary, tuple(dict.fromkeys(text.splitlines())) if verdict is Verdict.WARN else (), log,
        details={"code": result.returncode, "options": options},
    )  # fmt: skip


def judged(code: int) -> tuple[Verdict, str]:
    """What blhc's exit code means."""
    told = [meaning for bit, meaning in _MEANINGS.items() if code & bit]
    if told:
        return Verdict.WARN, "; ".join(told)
    if code & _NO_COMMANDS:
        return Verdict.SKIP, "the log has no commands of a C or C++ compiler"
    return Verdict.PASS, "every command has its hardening flags"
