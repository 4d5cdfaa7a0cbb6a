"""Progress and error excerpts, from lines that releases 0.85 and 0.89 of sbuild have printed."""

from __future__ import annotations

import pytest

from debgen.building.buildlog import Progress, error_excerpt, stage_of

RULE = "+" + "-" * 78 + "+"


def header(title: str, time: str = "") -> str:
    return f"| {title:<44} {time:<31} |"


@pytest.mark.parametrize("time", ["", "Sat, 21 Nov 2026 02:47:06 +0000"])
def test_headers_of_old_and_new_releases_open_stages(time: str) -> None:
    assert stage_of(header("Install package build dependencies", time)) == "installing build dependencies"
    assert stage_of(header("Update chroot", time)) == "updating the chroot"
    assert stage_of(header("Build", time)) == "starting the build"
    assert stage_of(header("Build environment", time)) == ""


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("Unpacking /c/sid-amd64.tar to /dev/shm/debgen-0.x/tmp.sbuild.QsYW5U3faj...", "unpacking the chroot"),
        ("I: Unpacking /c/sid-amd64.tar to /tmp/tmp.sbuild.QsYW5U3faj...", "unpacking the chroot"),
        ("Unpacking libexpat1:amd64 (2.9.0-1) ...", ""),
        ("   dh_auto_test -O--buildsystem=pybuild", "running upstream's tests"),
        ("dh_auto_test: error: pybuild returned exit code 13", ""),
        ("   dh_auto_testing", ""),
        ("", ""),
    ],
)
def test_lines_that_open_stages(line: str, stage: str) -> None:
    assert stage_of(line) == stage


def test_progress_speaks_at_changes_and_now_and_then() -> None:
    clock = [0.0]
    said: list[str] = []
    progress = Progress("x_1", said.append, lambda: clock[0])
    progress.feed("nothing has begun")
    for now, line in (
        (1.0, header("Build")),
        (2.0, "noise"),
        (3.0, "   dh_auto_test"),
        (4.0, "   dh_auto_test"),
        (12.0, "a test"),
        (13.0, "a test"),
        (25.0, "a test"),
    ):
        clock[0] = now
        progress.feed(line)
    assert said == [
        "x_1:    1 s  starting the build",
        "x_1:    3 s  running upstream's tests",
        "x_1:   13 s  running upstream's tests",
        "x_1:   25 s  running upstream's tests",
    ]


TAIL = [
    "-" * 80,
    "Build finished at 2026-11-21T02:47:21Z",
    "Finished",
    RULE,
    header("Cleanup"),
    RULE,
    "Purging /<<BUILDDIR>>",
    "E: Build failure (dpkg-buildpackage died)",
    "Status: attempted",
]


def test_a_failed_test_is_told_by_its_own_words() -> None:
    log = [
        *(f"noise {n}" for n in range(300)),
        "___________ Hello.test_greeting ___________",
        "",
        '>       self.assertEqual(greeting("Debian"), "Hello, Fedora!")',
        "E       AssertionError: 'Hello, Debian!' != 'Hello, Fedora!'",
        "=========================== short test summary info ============================",
        "FAILED tests/test_hello.py::Hello::test_greeting - AssertionError",
        "============================== 1 failed in 0.01s ===============================",
        "E: pybuild pybuild:485: test: plugin pyproject failed with: exit code=1: python3.14 -m pytest tests",
        "dh_auto_test: error: pybuild --test returned exit code 13",
        "make: *** [debian/rules:4: binary] Error 25",
        "dpkg-buildpackage: error: debian/rules binary subprocess failed with exit status 2",
        *TAIL,
    ]
    excerpt = error_excerpt(log)
    assert "E       AssertionError: 'Hello, Debian!' != 'Hello, Fedora!'" in excerpt
    assert "FAILED tests/test_hello.py::Hello::test_greeting - AssertionError" in excerpt
    assert excerpt[0].strip("_ ") == "Hello.test_greeting"
    assert len(excerpt) <= 15
    assert not any("Purging" in line or "Status" in line for line in excerpt)


def test_the_first_of_many_failed_tests_is_told_in_detail() -> None:
    log = [
        "___________ test_first ___________",
        *(f"    source line {n}" for n in range(50)),
        "E   urllib.error.URLError: <urlopen error [Errno 101] Network is unreachable>",
        "/usr/lib/python3.14/urllib/request.py:1336: URLError",
        *(f"___________ test_{n} ___________" for n in range(50)),
        "=========================== short test summary info ============================",
        *(f"FAILED tests/test_x.py::test_{n}" for n in range(50)),
        "======================== 51 failed, 7 passed in 0.01s =========================",
        *TAIL,
    ]
    excerpt = error_excerpt(log)
    assert excerpt[0].strip("_ ") == "test_first"
    assert "Network is unreachable" in excerpt[1]
    assert excerpt[-1].strip("= ") == "51 failed, 7 passed in 0.01s"
    assert len(excerpt) == 15


def test_unittest_has_its_own_last_words() -> None:
    log = [
        *(f"noise {n}" for n in range(300)),
        "AssertionError: 1 != 2",
        "Ran 1 test in 0.001s",
        "FAILED (failures=1)",
        "E: pybuild x: test: plugin pyproject failed",
        *TAIL,
    ]
    assert "AssertionError: 1 != 2" in error_excerpt(log)


def test_unmet_dependencies_are_told_from_the_first_line_on() -> None:
    log = [
        *(f"noise {n}" for n in range(300)),
        "The following packages have unmet dependencies:",
        " sbuild-build-depends-main-dummy : Depends: python3-nope (>= 3) but it is not installable",
        "E: Unable to correct problems, you have held broken packages.",
        "apt-get failed.",
        *(f"apt explains {n}" for n in range(300)),
        *TAIL,
    ]
    excerpt = error_excerpt(log)
    assert excerpt[0] == "The following packages have unmet dependencies:"
    assert "python3-nope" in excerpt[1]
    assert len(excerpt) == 15


def test_any_other_failure_is_told_by_what_comes_before_makes_last_words() -> None:
    log = [
        *(f"noise {n}" for n in range(300)),
        "src/x.c:1:10: fatal error: nope.h: No such file or directory",
        "compilation terminated.",
        "error: command '/usr/bin/gcc' failed with exit code 1",
        "make: *** [debian/rules:4: binary] Error 25",
        *TAIL,
    ]
    excerpt = error_excerpt(log)
    assert "src/x.c:1:10: fatal error: nope.h: No such file or directory" in excerpt
    assert excerpt[-1].startswith("make: ***")


def test_a_log_without_a_known_error_is_told_by_its_end() -> None:
    assert error_excerpt([f"line {n}" for n in range(40)]) == tuple(f"line {n}" for n in range(25, 40))
    assert error_excerpt([]) == ()
