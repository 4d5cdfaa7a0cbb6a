"""What failed builds are told to lack, from what real tools have printed; the logs are cut to the step that failed."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from debgen.archive.model import FileKind
from debgen.building.logreading import Stage
from debgen.building.mend import Diagnosis, Look, mends
from debgen.building.mendrules import plugin_of

LOGS = Path(__file__).parent / "data" / "buildlogs"

MODULES = {
    "respx": "python3-respx", "hatchling": "python3-hatchling", "hatchling.build": "python3-hatchling",
    "Cython": "cython3", "sphinx": "python3-sphinx", "myst_parser": "python3-myst-parser",
}  # fmt: skip
DISTRIBUTIONS = {
    name: f"python3-{name}"
    for name in ("pytest-cov", "pytest-xdist", "pytest-asyncio", "pytest-mock", "pytest-benchmark", "rich")
}
FILES = {
    (FileKind.HEADER, "lz4frame.h"): "liblz4-dev",
    (FileKind.LINK, "lz4"): "liblz4-dev",
    (FileKind.PKG_CONFIG, "liblz4"): "liblz4-dev",
    (FileKind.CMAKE, "fmt"): "libfmt-dev",
    (FileKind.PROGRAM, "git"): "git",
    (FileKind.PROGRAM, "cmake"): "cmake",
    (FileKind.PROGRAM, "xsltproc"): "xsltproc",
    (FileKind.PROGRAM, "swig"): "swig",
    (FileKind.PROGRAM, "pkg-config"): "pkgconf",
    (FileKind.PROGRAM, "make"): "",
}
VERSIONS = {
    "librust-serde-json-dev": ("1.0",), "dh-sequence-sphinxdoc": ("",), "python3-click": ("8.3.3-3",),
    "debhelper-compat": ("13",), "fakeroot": ("1.37",), "python3-all": ("3.14.8-1",), "python3-pytest": ("9.1.1-1",),
    "python3-setuptools": ("80.1-1",), "pybuild-plugin-pyproject": ("7.0",), "dh-sequence-python3": ("",),
    "python3-respx": ("0.22-1",),
}  # fmt: skip
LOOK = Look(
    suite="sid",
    module=lambda name: MODULES.get(name, ""),
    distribution=lambda name: DISTRIBUTIONS.get(name, ""),
    file=lambda kind, name: FILES.get((kind, name)),
    provided=lambda name: VERSIONS.get(name, ()),
)


def diagnosis(name: str, look: Look = LOOK) -> Diagnosis:
    return mends((LOGS / f"{name}.txt").read_text().splitlines(), look)


@pytest.mark.parametrize(
    ("log", "stage", "packages"),
    [
        ("module", Stage.TESTS, ["python3-respx"]),
        ("header", Stage.BUILD, ["liblz4-dev"]),
        ("pythonh", Stage.BUILD, ["python3-all-dev"]),
        ("link", Stage.BUILD, ["liblz4-dev"]),
        ("git", Stage.TESTS, ["git"]),
        ("makecmd", Stage.CONFIGURE, ["cmake"]),
        ("shcmd", Stage.CONFIGURE, ["xsltproc"]),
        ("nopc", Stage.BUILD, ["pkgconf"]),
        ("setuppc", Stage.BUILD, ["liblz4-dev"]),
        ("backend", Stage.BUILD, ["python3-hatchling"]),
        ("nocython", Stage.BUILD, ["cython3"]),
        ("cov", Stage.TESTS, ["python3-pytest-cov", "python3-pytest-xdist"]),
        ("strictmark", Stage.TESTS, ["python3-pytest-asyncio"]),
        ("fixture", Stage.TESTS, ["python3-pytest-mock", "python3-pytest-benchmark"]),
        ("metadata", Stage.TESTS, ["python3-rich"]),
        ("mesondep", Stage.BUILD, ["liblz4-dev"]),
        ("mesonprog", Stage.BUILD, ["swig"]),
        ("mesoncc", Stage.BUILD, ["liblz4-dev"]),
        ("cmakeby", Stage.BUILD, ["libfmt-dev"]),
        ("cmakepc", Stage.BUILD, ["liblz4-dev"]),
        ("cargo", Stage.BUILD, ["librust-serde-json-dev"]),
        ("dhseq", Stage.CLEAN, ["dh-sequence-sphinxdoc"]),
        ("docs", Stage.INSTALL, ["python3-sphinx"]),
        ("sphinxtheme", Stage.INSTALL, ["python3-myst-parser"]),
    ],
)
def test_what_is_missing_is_named_by_its_package(log: str, stage: Stage, packages: list[str]) -> None:
    found = diagnosis(log)
    assert found.stage is stage
    assert [mend.package for mend in found.mends] == packages
    for mend in found.mends:
        assert mend.text.startswith(f"Build-Depends lacks {mend.package}")
        assert ("<!nocheck>" in mend.text) is (stage is Stage.TESTS)
        (key, entries), *rest = tomllib.loads(mend.text.split("\n", 1)[1]).items()
        assert not rest
        assert key == ("test_depends" if stage is Stage.TESTS else "build_depends")
        assert entries[0]["relation"] == mend.package
        assert len(entries[0]["reason"]) >= 10
        # CMake breaks its messages between words.
        assert " ".join(mend.evidence.split()) in " ".join((LOGS / f"{log}.txt").read_text().split())
    assert len(found.excerpt) <= 15


@pytest.mark.parametrize(
    ("log", "stage", "words"),
    [
        ("module-sub", Stage.TESTS, "no package that is known to have the module google"),
        ("compile", Stage.BUILD, "hello_tiny/x.c:2:22 can't be compiled"),
        ("cmakefetch", Stage.BUILD, "wants the network"),
        ("oom", Stage.BUILD, "memory wasn't enough"),
        ("full", Stage.BUILD, "disk is full"),
        ("notests", Stage.TESTS, "No test was found"),
        ("fails", Stage.TESTS, "--triage"),
        ("dhinstall", Stage.INSTALL, ".install names usr/bin/nothing"),
        ("dhmissing", Stage.INSTALL, "usr/share/x/left"),
        ("dist-info", Stage.INSTALL, "debian/rules uses nothing"),
        ("unmet", Stage.BUILD_DEPENDS, "sid has no package python3-nope"),
        ("unmetver", Stage.BUILD_DEPENDS, "asks for python3-click (>= 999), and sid has python3-click 8.3.3-3"),
    ],
)
def test_other_failures_say_what_to_do(log: str, stage: Stage, words: str) -> None:
    found = diagnosis(log)
    assert found.stage is stage
    assert len({mend.text for mend in found.mends}) == len(found.mends) >= 1
    assert words in found.mends[0].text
    assert words in found.text


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("header", "hello_tiny/x.c:2:10: fatal error: lz4frame.h: No such file or directory"),
        ("mesondep", '../../../meson.build:3:0: ERROR: Dependency "liblz4" not found (tried pkg-config)'),
        ("cmakeby", "CMake Error at CMakeLists.txt:3 (find_package):"),
        ("backend", "ModuleNotFoundError: No module named 'hatchling'"),
        ("cov", "python -m pytest: error: unrecognized arguments: --cov=hello_tiny --cov-report=xml -n"),
        ("dhinstall", "dh_install: warning: python3-hello-tiny missing files: usr/bin/nothing"),
        ("cargo", "error: no matching package named `serde_json` found"),
        ("shcmd", "/bin/sh: 1: xsltproc: not found"),
        ("full", "dd: error writing '/dev/full': No space left on device"),
        ("oom", "cc1plus: out of memory allocating 61053 bytes after a total of 819200 bytes"),
        ("compile", "hello_tiny/x.c:2:25: error: expected expression before ‘}’ token"),
    ],
)
def test_the_lines_that_matter_are_quoted(log: str, line: str) -> None:
    excerpt = diagnosis(log).excerpt
    assert line in excerpt
    assert len(excerpt) <= 15


def test_the_next_version_of_python_is_not_quoted_too() -> None:
    said = ["x.c:1:10: error: no {0}", "E: pybuild pybuild:485: build: plugin pyproject failed with: exit code=1: {0}"]
    lines = ["   dh_auto_build", *(line.format(version) for version in ("3.15", "3.14") for line in said)]
    excerpt = mends([*lines, "make: *** [debian/rules:4: binary] Error 2"], LOOK).excerpt
    assert excerpt == ("x.c:1:10: error: no 3.15", "make: *** [debian/rules:4: binary] Error 2")


def test_what_is_there_already_is_not_called_missing() -> None:
    lines = ["Setting up python3-respx (0.22-1) ...", *(LOGS / "module.txt").read_text().splitlines()]
    (mend,) = mends(lines, LOOK).mends
    assert mend.package == "python3-respx"
    assert mend.text.startswith("python3-respx is installed, but doesn't have the module respx")


def test_the_packages_own_module_is_no_build_dependency() -> None:
    (mend,) = diagnosis("module", replace(LOOK, own=["respx"])).mends
    assert mend.package == ""
    assert "own module respx" in mend.text


def test_what_every_build_has_is_no_mend() -> None:
    lines = [
        "   dh_auto_build",
        "make[1]: make: No such file or directory",
        "make: *** [debian/rules:4: binary] Error 2",
    ]
    assert mends(lines, LOOK).mends == ()


def test_what_a_build_looks_for_and_does_without_is_no_mend() -> None:
    lines = [
        "   dh_auto_build",
        "Run-time dependency liblz4 found: NO (tried pkgconfig)",
        "Program swig found: NO",
        "-- Could NOT find fmt (missing: FMT_DIR)",
        "src/x.c:3:3: error: expected expression",
        "make: *** [debian/rules:4: binary] Error 2",
    ]
    (mend,) = mends(lines, LOOK).mends
    assert "src/x.c:3:3" in mend.text


def test_a_header_may_be_in_a_folder_of_its_name() -> None:
    lines = ["   dh_auto_build", "x.cc:1:10: fatal error: simd.h: No such file or directory"]
    look = replace(LOOK, file=lambda kind, name: "libsimd-dev" if name == "simd/simd.h" else None)
    assert [mend.package for mend in mends(lines, look).mends] == ["libsimd-dev"]


@pytest.mark.parametrize(
    "line",
    [
        "  error: could not find git for clone of abseil-cpp-populate",
        "E   subprocess.CalledProcessError: Command ['x/python', '-m', 'pip', 'install', 'a'] returned 1",
        "fatal: unable to access 'https://example.org/x/': Could not resolve host: example.org",
    ],
)
def test_what_fetches_is_told(line: str) -> None:
    (mend,) = mends(["   dh_auto_build", line, "make: *** [debian/rules:4: binary] Error 2"], LOOK).mends
    assert mend.text.startswith("It wants the network")
    assert mends(["   dh_auto_build", "    if isinstance(e.reason, _ProxyError):"], LOOK).mends == ()


def test_requirements_that_the_build_front_end_lists() -> None:
    lines = [
        "   dh_auto_build",
        "ERROR Missing dependencies:",
        "\trich>=99",
        "\tnothing-like-it",
        "make: *** [debian/rules:4: binary] Error 2",
    ]
    look = replace(LOOK, provided=lambda name: ("15.0-1",) if name == "python3-rich" else ())
    first, second = mends(lines, look).mends
    assert first.package == "python3-rich"
    assert "sid has python3-rich 15.0-1, and the distribution rich >=99 is asked for" in first.text
    assert "no package that is known to have the distribution nothing-like-it" in second.text


def test_a_dependency_that_the_suite_itself_broke_is_told_apart() -> None:
    lines = [
        "The following packages have unmet dependencies:",
        " python3-a : Depends: python3-b (>= 2) but 1.0-1 is to be installed",
        "E: Unable to correct problems, you have held broken packages.",
        "Fail-Stage: install-deps",
    ]
    (mend,) = mends(lines, replace(LOOK, provided=lambda name: ("1.0-1",))).mends
    assert mend.text.startswith("python3-a asks for python3-b (>= 2), and sid has python3-b 1.0-1: the suite itself")
    assert "--borrow" not in mend.text
    (mend,) = mends([line.replace("python3-a", "librust-a-dev") for line in lines], LOOK).mends
    assert mend.text.endswith("or build with the crates of another suite: --borrow SUITE.")


def test_plugins_are_known_by_options_fixtures_settings_and_marks() -> None:
    assert plugin_of("--no-cov", "options") == "pytest-cov"
    assert plugin_of("--benchmark-disable", "options") == "pytest-benchmark"
    assert plugin_of("--nothing", "options") == ""
    assert plugin_of("asyncio", "marks") == "pytest-asyncio"
    assert plugin_of("asyncio", "fixtures") == ""


def test_an_empty_log_has_no_mends() -> None:
    found = mends([], LOOK)
    assert (found.excerpt, found.mends) == ((), ())
    assert found.stage is Stage.OTHER
