"""The suite's Sources index: read, kept for its Release, and fetched into a root of its own."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from debgen.archive import sources
from debgen.archive.aptroot import AptRoot
from debgen.archive.mirror import MirrorSettings
from debgen.archive.sources import SourceRecord, open_sources, read_sources
from debgen.errors import IntegrityError
from debgen.run import Completed

SETTINGS = MirrorSettings(
    uri="http://mirror.example/debian", ignore_valid_until=False, acquire=(), auth=(),
    keyring=Path("/keys/archive.gpg"), architecture="amd64",
)  # fmt: skip
RELEASE = "Suite: unstable\nCodename: sid\nDate: Fri, {} Oct 2026 08:08:01 UTC\nComponents: main\n"
THING = """\
Package: thing
Binary: python3-thing,
 python-thing-doc
Version: 1.2-3
Maintainer: Jörg Müller <j@example.org>
Uploaders: A <a@example.org>, B <b@example.org>
Build-Depends: debhelper-compat (= 13),
 dh-sequence-python3, python3-all
Build-Depends-Indep: python3-sphinx <!nodoc>, python3-all
Architecture: all
Standards-Version: 4.7.2
Format: 3.0 (quilt)
Files:
 30160f5e8827660a43aa417c9990ef6b 1945 Package: other
Checksums-Sha256:
 aa 10 thing_1.2-3.dsc
 bb 20 thing_1.2.orig.tar.gz
Vcs-Git: https://vcs.example/thing.git
Testsuite: autopkgtest-pkg-pybuild
Package-List:
 python-thing-doc deb doc optional arch=all
 python3-thing deb contrib/python optional arch=all
Directory: pool/main/t/thing
"""
OLDER = "Package: thing\nBinary: gone\nVersion: 1.2~rc1-1\n"
NEWER = "Package: thing\nBinary: python3-thing\nVersion: 1:0.1-1\n"
OTHER = "Package: other\nBinary: other\nVersion: 1\n"


class Apt:
    """Writes ``lists`` as apt-get would, and counts its calls."""

    def __init__(self, text: str, day: int = 30) -> None:
        self.data = lzma.compress(text.encode())
        self.day = day
        self.calls = 0

    def __call__(
        self, argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        stdin: str | None = None, log: Path | None = None, on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:  # fmt: skip
        self.calls += 1
        folder = Path(next(str(word) for word in argv if "Dir::State::lists=" in str(word)).partition("=")[2])
        for name, data in (
            ("InRelease", RELEASE.format(self.day).encode()),
            ("main_source_Sources.xz", self.data),
            ("main_binary-amd64_Packages", b""),
        ):
            path = folder / f"mirror.example_debian_dists_sid_{name}"
            path.unlink(missing_ok=True)
            path.write_bytes(data)
        return Completed(tuple(map(str, argv)), 0, "", "")


def joined(*paragraphs: str) -> str:
    return "\n".join(paragraphs)


def one(source: str, apt: Apt, **options: bool) -> SourceRecord | None:
    with open_sources("sid", SETTINGS, run=apt, **options) as found:
        return found.record(source)


def test_a_record_is_what_the_maintainers_wrote() -> None:
    record = one("thing", Apt(joined(OTHER, THING)))
    assert record is not None
    assert (record.name, record.version, record.component) == ("thing", "1.2-3", "main")
    assert record.binary_names == ("python3-thing", "python-thing-doc")
    assert record.build_depends == "debhelper-compat (= 13), dh-sequence-python3, python3-all"
    assert record.all_build_depends == (
        "debhelper-compat (= 13)", "dh-sequence-python3", "python3-all", "python3-sphinx <!nodoc>",
    )  # fmt: skip
    assert record.maintainer == "Jörg Müller <j@example.org>"
    assert record.tests == ("autopkgtest-pkg-pybuild",)
    assert record.testsuite_triggers == ""
    assert [record.section_of(name) for name in ("python3-thing", "python-thing-doc", "x")] == ["python", "doc", ""]
    assert record.directory == "pool/main/t/thing"
    assert record.checksums_sha256 == "aa 10 thing_1.2-3.dsc bb 20 thing_1.2.orig.tar.gz"


def test_unknown_sources_and_names() -> None:
    with open_sources("sid", SETTINGS, run=Apt(joined(THING, OTHER))) as found:
        assert found.record("python3-thing") is None
        assert found.names() == ("other", "thing")
        assert found.codename == "sid"
        assert found.date.isoformat() == "2026-10-30T08:08:01+00:00"


@pytest.mark.parametrize("order", [(OLDER, THING, NEWER), (NEWER, THING, OLDER), (THING, NEWER, OLDER)])
def test_the_highest_version_counts(order: tuple[str, ...]) -> None:
    record = one("thing", Apt(joined(*order)))
    assert record is not None
    assert record.version == "1:0.1-1"
    released = one(
        "thing", Apt(joined(*(paragraph for paragraph in order if paragraph != NEWER)), day=31), refresh=True
    )
    assert released is not None
    assert released.version == "1.2-3"


def test_it_is_read_once_for_each_release(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = Apt(THING)
    read: list[Path] = []
    original = sources.read_sources

    def counted(path: Path, component: str) -> Iterator[SourceRecord]:
        read.append(path)
        return original(path, component)

    monkeypatch.setattr(sources, "read_sources", counted)
    assert one("thing", apt) == one("thing", apt)
    assert len(read) == apt.calls == 1
    apt.data, apt.day = lzma.compress(NEWER.encode()), 31
    record = one("thing", apt, refresh=True)
    assert record is not None
    assert record.version == "1:0.1-1"
    assert len(read) == 2


def test_a_file_that_is_none_is_written_anew() -> None:
    apt = Apt(THING)
    assert one("thing", apt)
    path = AptRoot("sid", SETTINGS, run=apt, sources_only=True).directory / "sources.sqlite"
    path.write_bytes(b"nonsense" * 999)
    assert one("thing", apt)


def test_broken_lists_are_fetched_anew() -> None:
    apt = Apt(THING)
    sound, apt.data = apt.data, apt.data[:-30]
    with pytest.raises(IntegrityError, match="broken"):
        one("thing", apt)
    apt.data = sound
    assert one("thing", apt)


def test_no_sources_at_all() -> None:
    with pytest.raises(IntegrityError, match="no source packages"):
        one("thing", Apt("\n"))


@pytest.mark.parametrize("chunk", [1, 7, 300, 1 << 20])
@pytest.mark.parametrize("end", [".xz", ".gz", ""])
def test_paragraphs_that_chunks_cut(chunk: int, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_CHUNK", chunk)
    data = joined(THING, OTHER, NEWER).encode()
    path = tmp_path / f"Sources{end}"
    path.write_bytes(lzma.compress(data) if end == ".xz" else gzip.compress(data) if end == ".gz" else data)
    assert [record.version for record in read_sources(path, "main")] == ["1.2-3", "1", "1:0.1-1"]


def test_the_root_of_sources_is_one_of_its_own() -> None:
    apt = Apt(THING)
    root, plain = AptRoot("sid", SETTINGS, run=apt, sources_only=True), AptRoot("sid", SETTINGS, run=apt)
    root.update()
    plain.update()
    assert root.directory != plain.directory
    listed = [(r.directory / "sources" / "debgen.sources").read_text().splitlines()[0] for r in (root, plain)]
    assert listed == ["Types: deb-src", "Types: deb"]
    assert "Contents-deb" not in root.conf.read_text()
    assert "Sources" not in plain.conf.read_text()
    assert [part for part, _ in root.source_lists()] == ["main"]
