"""Which package ships a distribution: the order of trust, on a small archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from debgen.archive.index import SuiteIndex
from debgen.archive.indexbuild import build_index
from debgen.archive.model import ListFile, ListKind, Match, Origin, Release
from debgen.archive.names import Alias, aliases, find, relations_for

# package, version, section, component, provides
PACKAGES = [
    ("python3", "3.14.2-1", "python", "main", "python3-profiler"),
    ("libc6", "2.43-2", "libs", "main", ""),
    ("python3-yaml", "6.0.3-1+b2", "python", "main", ""),
    ("python3-multipart", "0.0.5-3", "python", "main", ""),
    ("python3-torch", "2.14.1+dfsg-1", "python", "main", ""),
    ("python3-torch-cuda", "2.6.0+dfsg-1", "python", "contrib", ""),
    ("python3-click", "8.3.3-1", "python", "main", ""),
    ("python3-click-package", "0.5.2-1", "python", "main", ""),
    ("python3-click-doc", "8.3.3-1", "doc", "main", ""),
    ("hf-app", "9-1", "utils", "main", ""),
    ("python3-hub", "1.2-1", "python", "main", ""),
    ("python3-xxhash", "3.2.0-1+b8", "python", "main", ""),
    ("python3-shapely", "2.2.0-1+b1", "python", "main", ""),
    ("python3-furo", "2025.1+dfsg-1", "python", "main", ""),
    ("python3-regex", "0.1.20250918-1+b3", "python", "main", ""),
    ("python3-numpy", "1:2.4.6+ds-5+b1", "python", "main", "python3-f2py"),
    ("python3-sbml5", "5.20.4-1", "python", "main", "python3-sbml (= 5.20.4-1)"),
    ("python3-z3", "4.13.3-1.1", "python", "main", ""),
    ("python3-opencv", "4.10.0+dfsg-9+b1", "python", "main", ""),
    ("ninja-build", "1.13.2-1", "devel", "main", ""),
    ("python3-pmix", "7.0.0-1", "python", "main", ""),
    ("python3-form-parser", "0.0.20-1", "python", "main", "python3-formparser (= 0.0.20-1)"),
    ("python3-gymnasium", "1.2-1", "python", "main", "python3-farama-notifications (= 0.0.6)"),
    ("guest-agent", "20260101-1", "admin", "main", "python3-google-engine"),
    ("python3-new-torch-cuda", "1.0-1", "python", "main", ""),
    ("python3-pyglfw", "2.10.2+dfsg-1", "python", "main", ""),
    ("python3-bs4", "4.13-1", "python", "main", ""),
    ("nala", "0.16-1", "admin", "main", ""),
    ("python3-mako", "1.3.10-3", "python", "main", ""),
    ("python3-kazoo", "2.11.0~b1-1", "python", "main", ""),
    ("python3-check", "0.51+git20260724-1", "python", "main", ""),
    ("python3-really", "1:4.0+really3.2.1-1", "python", "main", ""),
    ("python3-tenacity", "8.4.2+really8.4.1-2", "python", "main", ""),
    ("libcusparse12", "12.3.1.170~12.4.1-2", "libs", "non-free", ""),
    ("libcurand10", "11.1.1+~10.3.5.147~12.4.1-8", "libs", "non-free", ""),
    ("libcufft11", "12.0.0.61~13.0.1-1", "libs", "non-free", ""),
    ("libnccl2", "2.22.3-1-1", "libs", "contrib", ""),
    ("amd-smi", "6.1.2+ds-2", "utils", "main", ""),
]
LIB = "usr/lib/python3/dist-packages"
CONTENTS = [
    (f"{LIB}/PyYAML-6.0.3.dist-info/METADATA", "python/python3-yaml"),
    (f"{LIB}/python_multipart-0.0.5.egg-info", "python/python3-multipart"),
    (f"{LIB}/torch-2.6.0+debian.egg-info", "contrib/python/python3-torch-cuda"),
    (f"{LIB}/torch-2.14.1+debian.dist-info/RECORD", "python/python3-torch"),
    (f"{LIB}/click-0.5.2.egg-info", "python/python3-click-package"),
    (f"{LIB}/click-8.3.3.dist-info/RECORD", "python/python3-click,doc/python3-click-doc"),
    (f"{LIB}/hub-1.2.dist-info/RECORD", "utils/hf-app,python/python3-hub"),
    (f"{LIB}/xxhash-0.0.0.egg-info", "python/python3-xxhash"),
    (f"{LIB}/shapely-0+unknown.dist-info/RECORD", "python/python3-shapely"),
    (f"{LIB}/furo.egg-info/PKG-INFO", "python/python3-furo"),
    (f"{LIB}/regex-2025.9.18.dist-info/RECORD", "python/python3-regex"),
    (f"{LIB}/numpy-2.4.6.dist-info/RECORD", "python/python3-numpy"),
    (f"{LIB}/opencv-4.10.0.egg-info", "python/python3-opencv"),
    ("usr/lib/python3.14/dist-packages/pypmix-7.0.0-py3.14.egg-info", "python/python3-pmix"),
    ("usr/lib/python3.15/dist-packages/pypmix-8.0.0-py3.15.egg-info", "python/python3-pmix"),
    (f"{LIB}/vanished-1.0.dist-info/RECORD", "python/python3-vanished"),
    (f"{LIB}/form_parser-0.0.20.dist-info/RECORD", "python/python3-form-parser"),
    (f"{LIB}/gymnasium-1.2.dist-info/RECORD", "python/python3-gymnasium"),
    ("usr/lib/python3.12/dist-packages/shtab-1.7.1.dist-info/RECORD", "python/python3-yaml"),
    ("usr/lib/nala/vendored-1.0.dist-info/RECORD", "admin/nala"),
    ("usr/share/nala/lib/python3/dist-packages/vendored-1.0.dist-info/RECORD", "admin/nala"),
    (f"{LIB}/beautifulsoup4-4.13.dist-info/RECORD", "python/python3-bs4"),
    (f"{LIB}/new_torch-1.0.dist-info/RECORD", "python/python3-new-torch-cuda"),
    (f"{LIB}/mako-1.3.10.dev0.egg-info", "python/python3-mako"),
    (f"{LIB}/kazoo-2.11.0.dev0.egg-info", "python/python3-kazoo"),
    (f"{LIB}/check-0.52.dev0.egg-info", "python/python3-check"),
    (f"{LIB}/tenacity-8.4.2+really8.4.1.dist-info/RECORD", "python/python3-tenacity"),
    (f"{LIB}/really-3.2.1.dist-info/RECORD", "python/python3-really"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteIndex]:
    folder = tmp_path_factory.mktemp("names")
    lists = []
    for component in ("main", "contrib", "non-free"):
        path = folder / component
        path.write_text(
            "\n\n".join(
                f"Package: {name}\nVersion: {version}\nArchitecture: all\nSection: {section}"
                + (f"\nProvides: {provides}" if provides else "")
                for name, version, section, of, provides in PACKAGES
                if of == component
            )
        )
        lists.append(ListFile(ListKind.PACKAGES, component, path))
    contents = folder / "Contents"
    contents.write_text("".join(f"{path}   {packages}\n" for path, packages in CONTENTS))
    lists.append(ListFile(ListKind.CONTENTS, "main", contents))
    release = Release("unstable", "sid", datetime(2026, 1, 1, tzinfo=UTC), ("main",))
    build_index(folder / "index", key="k", release=release, architecture="amd64", lists=lists)
    with SuiteIndex(folder / "index") as opened:
        yield opened


def best(index: SuiteIndex, name: str) -> tuple[str, str, Origin] | None:
    found = find(index, name)
    return (found[0].package, found[0].upstream_version, found[0].origin) if found else None


@pytest.mark.parametrize(
    ("name", "package", "version", "origin"),
    [
        ("PyYAML", "python3-yaml", "6.0.3", Origin.CONTENTS),
        ("python.multipart", "python3-multipart", "0.0.5", Origin.CONTENTS),
        ("torch", "python3-torch", "2.14.1", Origin.CONTENTS),
        ("click", "python3-click", "8.3.3", Origin.CONTENTS),
        ("hub", "python3-hub", "1.2", Origin.CONTENTS),
        ("furo", "python3-furo", "2025.1", Origin.CONTENTS),
        ("regex", "python3-regex", "2025.9.18", Origin.CONTENTS),
        ("pypmix", "python3-pmix", "7.0.0", Origin.CONTENTS),
        ("sbml", "python3-sbml5", "5.20.4", Origin.PROVIDES),
        ("z3-solver", "python3-z3", "4.13.3", Origin.ALIAS),
        ("ninja", "ninja-build", "1.13.2", Origin.ALIAS),
        ("opencv-python-headless", "python3-opencv", "4.10.0", Origin.ALIAS),
        ("z3", "python3-z3", "4.13.3", Origin.NAME),
        ("farama-notifications", "python3-gymnasium", "0.0.6", Origin.PROVIDES),
        ("beautifulsoup4", "python3-bs4", "4.13", Origin.CONTENTS),
        ("shtab", "python3-yaml", "1.7.1", Origin.CONTENTS),
        ("mako", "python3-mako", "1.3.10", Origin.CONTENTS),  # the metadata says 1.3.10.dev0
        ("kazoo", "python3-kazoo", "2.11.0.dev0", Origin.CONTENTS),
        ("check", "python3-check", "0.52.dev0", Origin.CONTENTS),
        ("tenacity", "python3-tenacity", "8.4.1", Origin.CONTENTS),
        ("nvidia-cusparse-cu12", "libcusparse12", "12.3.1.170", Origin.ALIAS),
        ("nvidia-curand-cu12", "libcurand10", "10.3.5.147", Origin.ALIAS),
    ],
)
def test_find(index: SuiteIndex, name: str, package: str, version: str, origin: Origin) -> None:
    assert best(index, name) == (package, version, origin)


def test_the_whole_match(index: SuiteIndex) -> None:
    assert find(index, "torch") == (
        Match(
            distribution="torch",
            package="python3-torch",
            source="python3-torch",
            debian_version="2.14.1+dfsg-1",
            upstream_version="2.14.1",
            component="main",
            origin=Origin.CONTENTS,
            evidence=f"python3-torch has {LIB}/torch-2.14.1+debian.dist-info",
        ),
        Match(
            distribution="torch",
            package="python3-torch-cuda",
            source="python3-torch-cuda",
            debian_version="2.6.0+dfsg-1",
            upstream_version="2.6.0",
            component="contrib",
            origin=Origin.CONTENTS,
            evidence=f"python3-torch-cuda has {LIB}/torch-2.6.0+debian.egg-info; it is python3-torch built for cuda",
        ),
    )


@pytest.mark.parametrize("name", ["xxhash", "shapely"])
def test_a_placeholder_version_is_not_believed(index: SuiteIndex, name: str) -> None:
    match = find(index, name)[0]
    assert (match.origin, match.upstream_version) == (
        Origin.CONTENTS,
        {"xxhash": "3.2.0", "shapely": "2.2.0"}[name],
    )


@pytest.mark.parametrize(
    "name",
    [
        "multipart",  # the package of that name ships another distribution
        "f2py",  # provided by a package that ships another distribution
        "profiler",  # a name that python3 itself provides
        "vanished",  # in Contents, but no longer in Packages
        "huggingface-hub",
        "formparser",  # only another name for the package of python-multipart
        "google-engine",  # provided by a program
        "vendored",  # in a private folder
        "bs4",  # a module's name; the distribution is beautifulsoup4
        "yaml",
        "nvidia-cufft-cu12",  # the suite's toolkit is of another generation
        "nvidia-nccl-cu12",  # the suite has no toolkit of that generation
        "amdsmi",  # too old to have the module where it can be imported
    ],
)
def test_no_match(index: SuiteIndex, name: str) -> None:
    assert find(index, name) == ()


def test_an_alias_says_why_and_keeps_the_name_asked_for(index: SuiteIndex) -> None:
    match = find(index, "OpenCV_Python")[0]
    assert match.distribution == "opencv-python"
    assert match.evidence.startswith("the same module, cv2 (python3-opencv has ")
    assert find(index, "foo", table={"foo": Alias(reason="because", package="python3-z3")})[0].evidence == "because"
    assert find(index, "foo", table={"foo": Alias(reason="because", package="gone")}) == ()


def test_the_alias_table_is_sound() -> None:
    for name, alias in aliases().items():
        assert bool(alias.distribution) != bool(alias.package), name
        assert alias.reason, name
        assert alias.distribution not in aliases(), f"{name} points at another alias"
        assert not alias.version or re.compile(alias.version).groups == 1, name
        assert not (alias.distribution and (alias.version or alias.since)), name


def test_relations_follow_debians_numbers_where_they_differ(index: SuiteIndex) -> None:
    regex = find(index, "regex")[0]
    assert relations_for(regex, ">=2024.1") == ("python3-regex (>= 0.1.20250918~)",)
    assert relations_for(regex, "") == ("python3-regex",)
    numpy = find(index, "numpy")[0]
    assert relations_for(numpy, ">=2.1,<3") == ("python3-numpy (>= 1:2.1~)", "python3-numpy (<< 1:3~)")
    really = find(index, "really")[0]
    assert relations_for(really, ">=3,<4") == ("python3-really (>= 1:4.0+really3.2.1~)",)


PYDIST = {
    "glfw": "python3-pyglfw",
    "pil": "python3-yaml",
    "nala": "nala",
    "jwt": "python3-jwt",
    "pyyaml": "python3-torch",
    "argparse": "python3",
    "z3-solver": "python3-pyglfw",
    "sbml": "python3-z3",
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("glfw", [("python3-pyglfw", "2.10.2", Origin.PYDIST)]),
        ("argparse", [("python3", "3.14.2", Origin.PYDIST)]),
        ("pil", []),  # the package that the table names ships another distribution
        ("jwt", []),  # the suite has no such package
        ("nala", []),  # an application: its modules are private
        ("pyyaml", [("python3-yaml", "6.0.3", Origin.CONTENTS)]),  # Contents knows better, and so does Provides
        ("sbml", [("python3-sbml5", "5.20.4", Origin.PROVIDES), ("python3-z3", "4.13.3", Origin.PYDIST)]),
        ("z3-solver", [("python3-pyglfw", "2.10.2", Origin.PYDIST), ("python3-z3", "4.13.3", Origin.ALIAS)]),
    ],
)
def test_dh_pythons_table(index: SuiteIndex, name: str, found: list[tuple[str, str, Origin]]) -> None:
    matches = find(index, name, pydist=PYDIST)
    assert [(match.package, match.upstream_version, match.origin) for match in matches] == found


@pytest.mark.parametrize(
    ("name", "variant", "packages"),
    [
        ("torch", "cpu", ["python3-torch", "python3-torch-cuda"]),
        ("torch", "cuda", ["python3-torch-cuda", "python3-torch"]),
        ("torch", "rocm", ["python3-torch", "python3-torch-cuda"]),
        ("new-torch", "cpu", ["python3-new-torch-cuda"]),  # the only one there is
        ("click", "cuda", ["python3-click", "python3-click-package", "python3-click-doc"]),
        ("opencv-python", "cuda", ["python3-opencv"]),
    ],
)
def test_variants(index: SuiteIndex, name: str, variant: str, packages: list[str]) -> None:
    assert [match.package for match in find(index, name, variant=variant)] == packages


def test_the_evidence_of_metadata_for_another_python_says_so(index: SuiteIndex) -> None:
    assert find(index, "shtab")[0].evidence.endswith(", which Python 3.14 doesn't look at")


def test_a_toolkit_of_the_right_generation_brings_nccl(index: SuiteIndex) -> None:
    nccl = aliases()["nvidia-nccl-cu12"]
    table = {"nccl": replace(nccl, beside="libcusparse12")}
    assert [(m.package, m.upstream_version) for m in find(index, "nccl", table=table)] == [("libnccl2", "2.22.3")]
