from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.errors import HostileArchiveError
from debgen.upstream import remote
from debgen.upstream.metadata import (
    CoreMetadata,
    metadata_source,
    parse_metadata,
    read_sdist,
    with_requires_txt,
)
from debgen.upstream.model import ReleaseFile, Target
from debgen.upstream.pages import file_version


def sdist(*members: tuple[str, bytes], mode: str = "gz") -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def pkg_info(version: str, *lines: str) -> bytes:
    return "\n".join([f"Metadata-Version: {version}", "Name: foo", "Version: 1.0", *lines, "", "text"]).encode()


def test_header_fields() -> None:
    data = (
        b"\xef\xbb\xbfMetadata-Version: 2.4\r\nNAME: Foo.Bar\r\nversion: 1.0\r\nAuthor: J\xfcrgen\r\n"
        b"License: MIT\r\n        \r\n        Requires-Dist: not-this\r\n        \r\n"
        b"Requires-Python: >=3.9\r\nProvides-Extra: x\r\nRequires-Dist: a>=1,\r\n  <2\r\n"
        b"no field at all\r\n continuation of nothing\r\n"
        b"Requires-Dist: b ; extra == 'x'\r\nDynamic: Requires-Dist\r\n\r\nRequires-Dist: not-that\r\n"
    )
    found = parse_metadata(data)
    assert found == CoreMetadata("Foo.Bar", "1.0", ">=3.9", ("x",), ("a>=1, <2", "b ; extra == 'x'"))


@pytest.mark.parametrize("data", [b"", b"Name: foo\n", b"Version: 1\n", b"\n\nName: a\nVersion: 1\n", b"\0" * 99])
def test_metadata_that_is_none(data: bytes) -> None:
    with pytest.raises(HostileArchiveError):
        parse_metadata(data)


@pytest.mark.parametrize(
    ("data", "static"),
    [
        (pkg_info("2.1"), False),
        (pkg_info("1.2", "Requires-Dist: a"), False),
        (pkg_info("2.2"), True),
        (pkg_info("2.4", "Requires-Dist: a"), True),
        (pkg_info("2.4", "Dynamic: Requires-Dist", "Requires-Dist: a"), False),
        (pkg_info("2.4", "Dynamic: description"), True),
        (pkg_info("x.y"), False),
    ],
)
def test_an_sdist_says_whether_its_dependencies_are_final(data: bytes, static: bool) -> None:
    assert parse_metadata(data, sdist=True).static is static
    assert parse_metadata(data).static


@given(
    st.builds(
        CoreMetadata,
        st.just("foo"),
        st.just("1.0"),
        st.sampled_from(["", ">=3.9"]),
        st.lists(st.from_regex(r"\A[a-z]{1,5}\Z"), max_size=3).map(tuple),
        st.lists(st.from_regex(r"\A[a-z]{1,5}>=[0-9]\Z"), max_size=3).map(tuple),
        st.booleans(),
    )
)
def test_what_is_kept_reads_back_the_same(metadata: CoreMetadata) -> None:
    assert parse_metadata(metadata.render().encode(), sdist=True) == metadata


@pytest.mark.parametrize("mode", ["gz", "bz2", "xz"])
def test_only_the_pkg_info_at_the_top_counts(mode: str) -> None:
    stream = sdist(
        ("foo-1.0/vendored/PKG-INFO", b"Name: other\nVersion: 9\n"),
        ("foo-1.0/src/foo.egg-info/PKG-INFO", b"Name: other\nVersion: 9\n"),
        ("./foo-1.0/PKG-INFO", pkg_info("2.2", "Requires-Dist: a")),
        mode=mode,
    )
    found = read_sdist(stream, f"foo-1.0.tar.{mode}")
    assert (found.name, found.requires_dist) == ("foo", ("a",))


@pytest.mark.parametrize("first", ["PKG-INFO", "egg-info"])
def test_requires_txt_fills_in_for_an_old_pkg_info(first: str) -> None:
    members = [
        ("foo-1.0/PKG-INFO", pkg_info("1.1")),
        ("foo-1.0/foo.egg-info/requires.txt", b"a>=1\n\n[:python_version<'3']\nb\n\n[x]\nc\n"),
    ]
    stream = sdist(*(members if first == "PKG-INFO" else reversed(members)), ("foo-1.0/setup.py", b"raise"))
    found = read_sdist(stream, "foo-1.0.tar.gz")
    assert found.requires_dist == ("a>=1", "b ; (python_version<'3')", 'c ; extra == "x"')
    assert found.provides_extra == ("x",)
    assert found.static


def test_dependencies_in_pkg_info_win_over_requires_txt() -> None:
    stream = sdist(
        ("foo-1.0/foo.egg-info/requires.txt", b"other\n"), ("foo-1.0/PKG-INFO", pkg_info("2.1", "Requires-Dist: a"))
    )
    assert read_sdist(stream, "foo-1.0.tar.gz").requires_dist == ("a",)


def test_requires_txt_with_comments_and_bytes_that_are_no_text() -> None:
    found = with_requires_txt(CoreMetadata("foo", "1"), b"# note\na\n\xff\n[e: ]\n")
    assert found.requires_dist[0] == "a"
    assert found.provides_extra == ("e",)


def test_broken_and_hostile_sdists(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sdist(("foo-1.0/setup.py", b"x" * 100_000), ("foo-1.0/PKG-INFO", pkg_info("2.2"))).getvalue()
    for name, data in (
        ("foo-1.0.tar.gz", b"no archive"),
        ("foo-1.0.tar.gz", whole[: len(whole) // 2]),
        ("foo-1.0.tar.xz", whole),
        ("foo-1.0.tar.bz2", whole),
        ("foo-1.0.tar.gz", sdist(("foo-1.0/README", b"")).getvalue()),
        ("foo-1.0.tar.gz", b""),
    ):
        with pytest.raises(HostileArchiveError):
            read_sdist(io.BytesIO(data), name)
    monkeypatch.setattr(remote, "TAR_LIMIT", 50_000)
    with pytest.raises(HostileArchiveError, match="unpacks to more"):
        read_sdist(io.BytesIO(whole), "foo-1.0.tar.gz")


def release(*filenames: str) -> list[ReleaseFile]:
    files = []
    for filename in filenames:
        known = file_version("foo", filename)
        assert known
        files.append(ReleaseFile(filename, "https://x.example/" + filename, known[1], known[0]))
    return files


@pytest.mark.parametrize(
    ("filenames", "chosen"),
    [
        (("foo-1.tar.gz", "foo-1-py3-none-any.whl"), 1),
        (("foo-1.tar.gz",), 0),
        (("foo-1-cp314-cp314-win_amd64.whl", "foo-1.tar.gz"), 0),
        (("foo-1-cp313-cp313-macosx_11_0_arm64.whl", "foo-1-cp313-cp313-manylinux_2_28_aarch64.whl"), 1),
        (("foo-1-cp313-cp313-manylinux_2_28_aarch64.whl", "foo-1-cp314-cp314-manylinux_2_28_aarch64.whl"), 1),
        (("foo-1-cp313-cp313-musllinux_1_2_aarch64.whl", "foo-1-cp38-abi3-manylinux_2_28_x86_64.whl"), 0),
    ],
)
def test_the_file_that_stands_for_a_release(filenames: tuple[str, ...], chosen: int) -> None:
    files = release(*filenames)
    target = Target("3.14", "arm64")
    assert metadata_source(files, target) == files[chosen]
    assert metadata_source(files[::-1], target) == files[chosen]
