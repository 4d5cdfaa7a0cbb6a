"""A built package beside upstream's wheel: what is lacking, what is left out by rule, what should not be there."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from debgen.archive.model import Match, Origin
from debgen.building import contents
from debgen.building.contents import Need, compare, compare_contents
from debgen.building.contentsreport import ContentsReport, Kind
from debgen.building.debfiles import Installed, read_debs
from debgen.errors import BuildError, HostileArchiveError
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import parse_metadata
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.wheel import EntryPoints, WheelContents

MODULES = "usr/lib/python3/dist-packages"
INFO = f"{MODULES}/thing-1.0.dist-info"
SCRIPTS = "[console_scripts]\nrun = thing.cli:main\n"
POINTS = f"{SCRIPTS}[thing.plugins]\na = thing:a\n"
SO = "cpython-314-x86_64-linux-gnu.so"


def metadata(*requires: str, name: str = "Thing", version: str = "1.0") -> str:
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    return "\n".join([*lines, *(f"Requires-Dist: {line}" for line in requires), ""])


def tar(files: Mapping[str, str]) -> bytes:
    """Files by path; a content that begins with -> is a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(f"./{path}")
            if content.startswith("->"):
                info.type, info.linkname = tarfile.SYMTYPE, content.removeprefix("->")
            else:
                info.size = len(content.encode())
            archive.addfile(info, io.BytesIO(content.encode()) if info.isreg() else None)
    return buffer.getvalue()


def deb(folder: Path, files: Mapping[str, str], name: str = "python3-thing", **control: str) -> Path:
    fields = {"Package": name, "Version": "1.0-1", "Architecture": "all", **control}
    text = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items())
    members = {"debian-binary": b"2.0\n", "control.tar.gz": tar({"control": text}), "data.tar.gz": tar(files)}
    data = b"!<arch>\n"
    for member, content in members.items():
        data += f"{member:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        data += content + b"\n" * (len(content) % 2)
    path = folder / f"{name}_1.0-1_all.deb"
    path.write_bytes(data)
    return path


def installed(folder: Path, files: Sequence[str] | Mapping[str, str] = (), **options: str) -> Installed:
    """A sound package of the distribution with ``files`` (below the modules' folder if they are names only)."""
    more = files if isinstance(files, Mapping) else {f"{MODULES}/{name}": "" for name in files}
    base = {f"{INFO}/METADATA": metadata(), f"{INFO}/entry_points.txt": "", f"{MODULES}/thing/__init__.py": ""}
    return read_debs([deb(folder, {**base, **more}, **options)])


def wheel(*files: str, requires: Sequence[str] = (), points: EntryPoints | None = None) -> WheelContents:
    listed = ("thing/__init__.py", "thing-1.0.dist-info/METADATA", "thing-1.0.dist-info/RECORD", *files)
    return WheelContents(
        "thing-1.0-py3-none-any.whl", listed, parse_metadata(metadata(*requires).encode()), points or {}
    )


def found(report: ContentsReport) -> set[tuple[str, str]]:
    return {(lack.kind.value, lack.path) for lack in report.lacks}


def test_a_complete_package(tmp_path: Path) -> None:
    report = compare_contents(installed(tmp_path), wheel())
    assert report.good
    assert report.verdict == "complete: 1 module, 1 metadata of thing-1.0-py3-none-any.whl"
    assert report.as_json()["good"] is True


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("thing/sub/mod.py", Kind.MODULE),
        ("thing/mod.pyi", Kind.MODULE),
        ("thing/py.typed", Kind.DATA),
        ("thing/data/words.txt", Kind.DATA),
        ("thing/tests/test_a.py", Kind.MODULE),
        (f"thing/_fast.{SO}", Kind.EXTENSION),
        ("thing/_fast.abi3.so", Kind.EXTENSION),
        ("_thing.so", Kind.EXTENSION),
        ("thing.pth", Kind.DATA),
        ("thing/license.py", Kind.MODULE),
        ("other.py", Kind.MODULE),
        ("thing/kernel.c", Kind.DATA),
        ("thing-1.0.data/purelib/thing/more.py", Kind.MODULE),
        ("thing-1.0.data/data/share/thing/x.json", Kind.DATA),
        ("thing-1.0.data/data/etc/thing/x.json", Kind.DATA),
        ("thing-1.0.data/data/share/man/man1/run.1", Kind.DATA),
        ("thing-1.0.data/headers/thing.h", Kind.DATA),
        ("thing-1.0.data/scripts/thing-run", Kind.SCRIPT),
    ],
)
def test_what_the_wheel_has_and_the_package_lacks(path: str, kind: Kind, tmp_path: Path) -> None:
    report = compare_contents(installed(tmp_path), wheel(path))
    assert found(report) == {(kind.value, path)}
    assert not report.good
    assert path in report.as_text()


@pytest.mark.parametrize(
    ("path", "built"),
    [
        (f"thing/_fast.{SO}", f"{MODULES}/thing/_fast.abi3.so"),
        ("thing/_fast.abi3.so", f"{MODULES}/thing/_fast.{SO}"),
        ("thing/_fast.cpython-312-aarch64-linux-gnu.so", f"usr/lib/python3.14/dist-packages/thing/_fast.{SO}"),
        ("thing/_rust.abi3.so", f"{MODULES}/thing/_rust.abi3-x86_64-linux-gnu.so"),
        ("thing/_fast.cpython-314-darwin.so", f"{MODULES}/thing/_fast.{SO}"),
        (f"0123456789abcdef0123__mypyc.{SO}", f"{MODULES}/fedcba98765432100123__mypyc.{SO}"),
        ("thing-1.0.data/platlib/thing/more.py", f"{MODULES}/thing/more.py"),
        ("thing-1.0.data/data/share/thing/x.json", "usr/share/thing/x.json"),
        ("thing-1.0.data/data/etc/thing/x.json", "etc/thing/x.json"),
        ("thing-1.0.data/data/share/man/man1/run.1", "usr/share/man/man1/run.1.gz"),
        ("thing-1.0.data/data/share/doc/thing/guide.txt", "usr/share/doc/python3-thing/guide.txt.gz"),
        ("thing-1.0.data/headers/thing.h", "usr/include/python3.14/thing/thing.h"),
        ("thing-1.0.data/scripts/thing-run.py", "usr/bin/thing-run"),
        ("thing-1.0.data/scripts/thing-run", "usr/sbin/thing-run"),
    ],
)
def test_where_the_package_has_it(path: str, built: str, tmp_path: Path) -> None:
    report = compare_contents(installed(tmp_path, {built: ""}), wheel(path))
    assert report.good, report.as_text()
    assert not report.excused


def test_two_modules_of_one_name_are_not_one(tmp_path: Path) -> None:
    report = compare_contents(installed(tmp_path, [f"thing/_b.{SO}"]), wheel(f"thing/_a.{SO}", f"_b.{SO}"))
    assert len(report.lacks) == 2


@pytest.mark.parametrize(
    "path",
    [
        "thing.libs/libz-12ab.so.1", "thing/.dylibs/libz.dylib", "thing/lib/x.dll", "thing/__pycache__/a.pyc",
        "thing/LICENSE", "thing/_vendor/LICENSE.MIT.txt", "thing/COPYING", "thing/run.bat", "LICENSE.md", "README.md",
        "CHANGELOG.rst", "pyproject.toml", "tests/__init__.py", "tests/data/x.txt", "examples/a.py", "conftest.py",
        "thing/README.rst", "thing-1.0-py3-nspkg.pth", "thing/data/.gitignore",
        "thing/static/a.js.map", "thing/_vendor/b-1.dist-info/RECORD",
        "thing-1.0.data/data/LICENSE", "thing-1.0.data/data/requirements.txt", "thing-1.0.data/scripts/run.exe",
    ],
)  # fmt: skip
def test_what_debian_leaves_out_by_rule(path: str, tmp_path: Path) -> None:
    report = compare_contents(installed(tmp_path), wheel(path))
    assert report.good, report.as_text()
    assert [left for left, reason in report.excused if reason] == [path]


def test_sources_that_were_compiled_are_not_needed(tmp_path: Path) -> None:
    built = installed(tmp_path, [f"thing/_fast.{SO}"])
    files = ("thing/_fast.c", "thing/_fast.pyx", "thing/old.cpp", "thing/old.pyx", "thing/x.c")
    report = compare_contents(built, wheel(f"thing/_fast.{SO}", *files))
    assert found(report) == {("data file", "thing/x.c")}


def test_libraries_and_certificates_of_a_dependency(tmp_path: Path) -> None:
    files = ("thing/_data/libsndfile_x86_64.so", "thing/libzmq.so.5", "thing/cacert.pem")
    with_them = installed(tmp_path, Depends="libsndfile1 (>= 1), libzmq5, ca-certificates")
    assert compare_contents(with_them, wheel(*files)).good
    without = installed(tmp_path, Depends="libsnd1, libzmqpp5")
    assert len(compare_contents(without, wheel(*files)).lacks) == 3


def test_headers_of_bundled_libraries(tmp_path: Path) -> None:
    source = {"src/thing/own.h", "src/thing/__init__.py"}
    bundled = ("thing/include/zlib.h", "thing/include/sub/a.hpp", "thing/include/__init__.py")
    report = compare_contents(installed(tmp_path), wheel(*bundled, "thing/own.h"), source)
    assert found(report) == {("data file", "thing/own.h")}
    assert "src/thing/own.h" in report.lacks[0].why
    code = ("thing/new/__init__.py", "thing/new/a.h", "thing/new/b.txt")
    assert ("module", code[0]) in found(compare_contents(installed(tmp_path), wheel(*code), source))
    unknown = compare_contents(installed(tmp_path), wheel("thing/own.h"))
    assert found(unknown) == {("data file", "thing/own.h")}


def test_a_generic_name_that_is_the_only_one_counts(tmp_path: Path) -> None:
    upstream = WheelContents("w", ("tests/a.py",), parse_metadata(metadata().encode()), {})
    assert ("module", "tests/a.py") in found(compare_contents(installed(tmp_path), upstream))
    own = WheelContents("w", ("build/a.py", "x.py"), parse_metadata(metadata(name="build").encode()), {})
    assert ("module", "build/a.py") in found(compare_contents(installed(tmp_path), own))


def test_links_to_folders(tmp_path: Path) -> None:
    inside = {f"{MODULES}/thing/static": "->../../../../share/thing/static", "usr/share/thing/static/a.css": ""}
    report = compare_contents(installed(tmp_path, inside), wheel("thing/static/a.css", "thing/static/b.css"))
    assert found(report) == {("data file", "thing/static/b.css")}
    outside = {f"{MODULES}/thing/fonts": "->/usr/share/fonts/truetype/x"}
    assert compare_contents(installed(tmp_path, outside), wheel("thing/fonts/a.ttf")).good
    loop = {f"{MODULES}/thing/a": "->b", f"{MODULES}/thing/b": "->a", f"{MODULES}/thing/b/c": ""}
    assert not compare_contents(installed(tmp_path, loop), wheel("thing/a/x.txt")).good


@pytest.mark.parametrize(
    ("points", "files", "expected"),
    [
        (POINTS, ["usr/bin/run"], set()),
        (POINTS, [], {("script", "entry_points/console_scripts/run")}),
        (
            "[console_scripts]\nrun = thing.cli:main\n",
            ["usr/bin/run"],
            {("entry point", "entry_points/thing.plugins/a")},
        ),
        (POINTS.replace("thing:a", "thing:b"), ["usr/bin/run"], {("entry point", "entry_points/thing.plugins/a")}),
    ],
)
def test_entry_points(points: str, files: list[str], expected: set[tuple[str, str]], tmp_path: Path) -> None:
    wanted = {"console_scripts": {"run": "thing.cli:main"}, "thing.plugins": {"a": "thing:a"}}
    built = installed(tmp_path, {**dict.fromkeys(files, ""), f"{INFO}/entry_points.txt": points})
    assert found(compare_contents(built, wheel(points=wanted))) == expected


def test_metadata_of_another_version_or_none(tmp_path: Path) -> None:
    placeholder = installed(tmp_path, {f"{INFO}/METADATA": metadata(version="0.0.0")})
    report = compare_contents(placeholder, wheel())
    assert [lack.why for lack in report.lacks] == ["it says version 0.0.0, the wheel 1.0"]
    other = installed(tmp_path, {f"{INFO}/METADATA": metadata(name="UNKNOWN")})
    assert "UNKNOWN 1.0" in compare_contents(other, wheel()).lacks[0].why
    same = installed(tmp_path, {f"{INFO}/METADATA": metadata(version="1")})
    assert compare_contents(same, wheel()).good


def test_egg_info(tmp_path: Path) -> None:
    files = {f"{MODULES}/thing/__init__.py": "", f"{MODULES}/Thing-1.0.egg-info/PKG-INFO": metadata()}
    report = compare_contents(read_debs([deb(tmp_path, files)]), wheel())
    assert [lack.why for lack in report.lacks] == ["egg-info instead of dist-info"]


NAMES = {"numpy": "python3-numpy", "cffi": "python3-cffi", "old": "python3", "virtual": "python3-real"}


def need(**dropped: str) -> Need:
    def lookup(name: str) -> Match | None:
        package = NAMES.get(name)
        return Match(name, package, "s", "1-1", "1", "main", Origin.CONTENTS, "") if package else None

    return Need(
        Target("3.14", "amd64").marker_environment(),
        lookup,
        lambda name: name in dropped,
        {"cffi": "python3-cffi-backend"},
    )


@pytest.mark.parametrize(
    ("requires", "own", "depends", "expected"),
    [
        (["numpy>=2"], ["numpy"], "python3-numpy (>= 1)", []),
        (["numpy"], ["numpy"], "python3-supported-min (>= 3.15) | python3-numpy", []),
        (["NumPy"], [], "python3-numpy", ["doesn't ask for it"]),
        (["numpy"], ["numpy"], "python3-numpydoc", ["python3-numpy isn't in Depends"]),
        (["absent"], ["absent"], "", ["the suite has no package"]),
        (["numpy; extra == 'x'", "absent; python_version < '3'", "absent; sys_platform == 'win32'"], [], "", []),
        (["old", "not a requirement, at all"], ["old"], "", []),
        (["gone"], [], "", []),
        (["cffi"], ["cffi"], "python3-cffi-backend", []),
        (["cffi"], ["cffi"], "python3-cffi-backend-api-min (<= 9729)", []),
        (["cffi"], ["cffi"], "python3-cffi-doc, python3-cffi-backend-tests", ["python3-cffi isn't in Depends"]),
        (["numpy"], ["numpy"], "python3-numpydoc, python3-abi", ["python3-numpy isn't in Depends"]),
        (["numpy"], ["numpy"], "python3-numpy2-abi0", []),
    ],
)
def test_requirements(requires: list[str], own: list[str], depends: str, expected: list[str], tmp_path: Path) -> None:
    built = installed(tmp_path, {f"{INFO}/METADATA": metadata(*own)}, Depends=depends)
    whys = [lack.why for lack in compare_contents(built, wheel(requires=requires), need=need(gone="x")).lacks]
    assert len(whys) == len(expected)
    assert all(part in why for part, why in zip(expected, whys, strict=True))
    assert compare_contents(built, wheel(requires=requires)).good, "nobody asked for requirements"


@dataclass
class Line:
    path: str
    reason: str


def test_the_recipe_says_why_and_is_held_to_it(tmp_path: Path) -> None:
    lines = [Line("thing/static/*", "built with\n  tools that Debian lacks"), Line("thing/gone.py", "a stale line")]
    report = compare_contents(installed(tmp_path), wheel("thing/static/a.js", "thing/b.py"), lacks=lines)
    assert found(report) == {("module", "thing/b.py"), ("recipe", "thing/gone.py")}
    assert report.excused == (("thing/static/a.js", "built with tools that Debian lacks"),)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{MODULES}/tests/__init__.py", ("top-level name", "tests")),
        (f"{MODULES}/docs/conf.py", ("top-level name", "docs")),
        ("opt/thing/x", ("place", "opt/thing/x")),
        ("usr/README.md", ("place", "usr/README.md")),
        ("usr/local/bin/x", ("place", "usr/local/bin/x")),
        ("etc/thing.conf", None),
        (f"{MODULES}/testsuite_of_thing/__init__.py", None),
    ],
)
def test_what_should_not_be_there(path: str, expected: tuple[str, str] | None, tmp_path: Path) -> None:
    report = compare_contents(installed(tmp_path, {path: ""}), wheel(), lacks=[])
    assert found(report) == ({expected} if expected else set())


def test_what_the_package_has_beyond_the_wheel(tmp_path: Path) -> None:
    built = installed(tmp_path, ["thing/new.py", "more/__init__.py", f"thing/_x.{SO}", "thing/_y.abi3.so"])
    report = compare_contents(built, wheel("thing/_y.abi3.so"))
    assert report.extra == ("more", f"thing/_x.{SO}", "thing/new.py")
    assert report.good
    assert json.loads(json.dumps(report.as_json()))["extra"][0] == "more"


def test_several_binaries_are_one_and_debugging_symbols_none(tmp_path: Path) -> None:
    first = deb(tmp_path, {f"{MODULES}/thing/__init__.py": "", f"{INFO}/METADATA": metadata()}, Depends="thing-data")
    second = deb(tmp_path, {"usr/share/thing/x": "", "usr/bin/run": ""}, name="thing-data")
    debug = deb(tmp_path, {"opt/x": ""}, name="python3-thing-dbgsym")
    upstream = wheel("thing-1.0.data/data/share/thing/x", "thing-1.0.data/scripts/run")
    assert compare_contents(read_debs([second, first, debug]), upstream).good


def test_a_package_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a_1_all.deb"
    for data in (b"", b"!<arch>\n", deb(tmp_path, {}).read_bytes()[:150]):
        path.write_bytes(data)
        with pytest.raises(BuildError, match=r"a_1_all\.deb can't be read"):
            read_debs([path])


def test_without_a_wheel_the_sdist_counts(tmp_path: Path) -> None:
    for name in ("tree/thing/__init__.py", "tree/thing/more.py", "tree/debian/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "tree/PKG-INFO").write_text(metadata())
    (tmp_path / "tree/pyproject.toml").write_text("[project]\nname = 'thing'\nversion = '1.0'\n")
    path = deb(tmp_path, {f"{MODULES}/thing/__init__.py": "", f"{INFO}/METADATA": metadata()})
    report = compare([path], None, cast(IndexClient, SimpleNamespace()), tmp_path / "tree")
    assert found(report) == {("module", "thing/more.py")}
    assert "the sdist does (thing/more.py)" in report.lacks[0].why


def test_a_wheel_that_cant_be_read_leaves_the_sdist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object) -> WheelContents:
        raise HostileArchiveError("thing.whl is malformed")

    monkeypatch.setattr(contents, "read_wheel", broken)
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing/__init__.py").write_text("")
    (tmp_path / "PKG-INFO").write_text(metadata())
    path = deb(tmp_path, {f"{MODULES}/thing/__init__.py": "", f"{INFO}/METADATA": metadata()})
    file = ReleaseFile("thing.whl", "https://index.invalid/thing.whl", "1.0", FileKind.WHEEL)
    report = compare([path], file, cast(IndexClient, SimpleNamespace()), tmp_path)
    assert report.against == "the sdist"
    assert "thing.whl is malformed" in capsys.readouterr().err
