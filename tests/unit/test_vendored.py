"""Crates from the sdists of other distributions: what is taken of them, and what the source package says of it."""

from __future__ import annotations

import io
import lzma
import os
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from debgen.debianize.copyright_groups import grouped
from debgen.debianize.vendor_notes import notes_on, readme_text, watch_comment
from debgen.errors import DebgenError, NoSdistError, RecipeError, UnknownDistributionError, UnsupportedSourceError
from debgen.patched import with_cargo_texts
from debgen.recipes import Layer, Unbuilt, Vendor, Without
from debgen.upstream.buildmodel import BuildFacts, CargoSource
from debgen.upstream.cargopublish import published_files, published_manifest
from debgen.upstream.index import IndexClient
from debgen.upstream.licences import FileLicence, LicenceScan
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.vendored import VendoredCrate, read_crate, refuse_stale
from debgen.vendoring import add_vendored

REASON = "no package of the suite has it"
PLAIN = '# upstream\'s own\n[package]\nname = "core"\nversion = "1.2.3"\nlicense = "MIT OR Apache-2.0"\n'


def entry(path: str = "crates/core", crate: str = "core", source: str = "Foo==1.0") -> Vendor:
    return Vendor(crate=crate, source=source, path=path, reason=REASON)


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def read(files: Mapping[str, str]) -> Any:
    return files.get


# --- the manifest by itself


def test_a_manifest_that_stands_alone_is_taken_as_it_is() -> None:
    text, data = published_manifest("core/Cargo.toml", read({"core/Cargo.toml": PLAIN}))
    assert text == PLAIN
    assert data["package"]["version"] == "1.2.3"


def test_what_is_inherited_is_written_out() -> None:
    files = {
        "Cargo.toml": """
            [workspace]
            members = ["core"]
            package = { version = "3.1.0", license-file = "LICENSE", edition = "2021" }
            lints.rust.unsafe_code = "forbid"
            [workspace.dependencies]
            serde = { version = "1.0.2", default-features = false, features = ["derive"] }
            log = "0.4"
            util = { path = "util" }
            rand = { version = "0.9", features = ["std"] }
            """,
        "core/Cargo.toml": """
            [package]
            name = "core"
            version.workspace = true
            edition = { workspace = true }
            license-file.workspace = true
            [lints]
            workspace = true
            [dependencies]
            serde = { workspace = true, features = ["rc", "derive"], default-features = true }
            log.workspace = true
            rand = { workspace = true, optional = true, default-features = false }
            util.workspace = true
            near = { path = "../near", version = "2", features = ["x"] }
            [target.'cfg(unix)'.build-dependencies]
            from_git = { git = "https://example.org/x", rev = "abc", version = "0.3" }
            [dev-dependencies]
            gone = { path = "../gone" }
            util = { workspace = true }
            other.workspace = true
            """,
        "util/Cargo.toml": '[package]\nname = "util"\nversion.workspace = true\n',
    }
    text, data = published_manifest("core/Cargo.toml", read(files))
    assert data["package"] == {
        "name": "core", "version": "3.1.0", "edition": "2021", "license-file": "../LICENSE",
    }  # fmt: skip
    assert data["lints"] == {"rust": {"unsafe_code": "forbid"}}
    assert data["dependencies"] == {
        "serde": {"version": "1.0.2", "default-features": True, "features": ["derive", "rc"]},
        "log": {"version": "0.4"},
        "rand": {"version": "0.9", "features": ["std"], "optional": True},
        "util": {"version": "3.1.0"},
        "near": {"version": "2", "features": ["x"]},
    }
    assert data["target"]["cfg(unix)"]["build-dependencies"] == {"from_git": {"version": "0.3"}}
    assert data["dev-dependencies"] == {"util": {"version": "3.1.0"}}
    again, same = published_manifest("Cargo.toml", read({"Cargo.toml": text}))  # it reads back, and needs nothing more
    assert (again, same) == (text, data)
    assert text.startswith("# ")


def test_a_workspace_that_is_named() -> None:
    files = {
        "root/Cargo.toml": '[workspace]\n[workspace.package]\nversion = "4.0.0"\n',
        "core/Cargo.toml": '[package]\nname = "core"\nworkspace = "../root"\nversion.workspace = true\n',
    }
    assert published_manifest("core/Cargo.toml", read(files))[1]["package"] == {"name": "core", "version": "4.0.0"}


@pytest.mark.parametrize(
    "text",
    [
        "[workspace]\n",
        "[package\n",
        '[package]\nname = "core"\nversion.workspace = true\n',
        '[package]\nname = "core"\n[dependencies]\nx.workspace = true\n',
        '[package]\nname = "core"\n[dependencies]\nx = { path = "../x" }\n',
        '[package]\nname = "core"\n[dependencies]\nx = { git = "https://example.org/x" }\n',
        '[package]\nname = "core"\nworkspace = "../elsewhere"\nedition.workspace = true\n',
    ],
)
def test_a_manifest_that_cant_stand_alone(text: str) -> None:
    with pytest.raises(UnsupportedSourceError) as caught:
        published_manifest("core/Cargo.toml", read({"core/Cargo.toml": text}))
    assert caught.value.hint


# --- the files


def test_files_as_cargo_publishes_them(tmp_path: Path) -> None:
    names = (
        "Cargo.toml", "Cargo.lock", "src/lib.rs", "src/data/big.json", "benches/a.rs", "benches/a.json", "data/x/y.txt",
        "target/debug/x", "src/target/mod.rs", ".git/HEAD", "sub/Cargo.toml", "sub/src/lib.rs", "docs/a/b.md",
    )  # fmt: skip
    root = tree(tmp_path, dict.fromkeys(names, ""))
    found = list(published_files(root, {"exclude": ["benches/*.json", "data/*", "/docs/**", "!docs/a/b.md"]}))
    assert found == [
        "Cargo.toml",
        "benches/a.rs",
        "docs/a/b.md",
        "src/data/big.json",
        "src/lib.rs",
        "src/target/mod.rs",
    ]
    found = list(published_files(root, {"include": ["/src", "*.md", "!big.json"], "exclude": ["src/lib.rs"]}))
    assert found == ["Cargo.toml", "docs/a/b.md", "src/lib.rs", "src/target/mod.rs"]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("data", "a/data/x", True), ("/data", "a/data/x", False), ("data/", "data", False), ("data/", "data/x", True),
        ("*.rs", "a/b.rs", True), ("a/*.rs", "a/b/c.rs", False), ("a/**/c.rs", "a/c.rs", True),
        ("a/**/c.rs", "a/b/b/c.rs", True), ("**/c.rs", "c.rs", True), ("a/**", "a/b/c", True), ("a?c", "abc", True),
        ("a?c", "a/c", False), ("[ab].rs", "b.rs", True), ("[!ab].rs", "b.rs", False), ("a.rs", "axrs", False),
    ],
)  # fmt: skip
def test_patterns_are_those_of_gitignore(tmp_path: Path, pattern: str, path: str, matches: bool) -> None:
    root = tree(tmp_path, {"Cargo.toml": "", path: ""})
    assert (path in published_files(root, {"include": [pattern]})) is matches
    assert (path in published_files(root, {"exclude": [pattern]})) is not matches


def test_links(tmp_path: Path) -> None:
    root = tree(tmp_path, {"core/Cargo.toml": PLAIN, "README.md": "text", "other/x.rs": ""})
    (root / "core/README.md").symlink_to("../README.md")
    taken = read_crate(root, entry("core"))
    assert taken.files["README.md"].read_text() == "text"
    (root / "core/other").symlink_to("../other")
    with pytest.raises(UnsupportedSourceError, match="other is a link to a folder"):
        read_crate(root, entry("core"))


def test_a_crate_and_its_licence(tmp_path: Path) -> None:
    root = tree(tmp_path, {"crates/core/Cargo.toml": PLAIN, "crates/core/src/lib.rs": "", "LICENSE-MIT": "MIT",
                           "NOTICE": "by X", "setup.py": ""})  # fmt: skip
    (root / "crates/core/src/lib.a").write_bytes(b"!<arch>\n" + bytes(100))
    taken = read_crate(root, entry())
    assert (taken.version, taken.licence, taken.changed) == ("1.2.3", "MIT OR Apache-2.0", False)
    assert list(taken.files) == ["LICENSE-MIT", "NOTICE", "src/lib.rs"]  # nothing that is compiled
    (root / "crates/core/COPYING").write_text("its own")
    assert list(read_crate(root, entry()).files) == ["COPYING", "src/lib.rs"]
    tree(root, {"crates/core/Cargo.toml": '[package]\nname = "core"\nlicense-file = "../../legal/TEXT"\n',
                "legal/TEXT": "..."})  # fmt: skip
    (root / "crates/core/COPYING").unlink()
    assert list(read_crate(root, entry()).files) == ["TEXT", "src/lib.rs"]


def test_what_a_recipe_can_have_wrong(tmp_path: Path) -> None:
    root = tree(tmp_path / "t", {"core/Cargo.toml": PLAIN, "bare/Cargo.toml": '[package]\nname = "bare"\n'})
    tree(tmp_path, {"out/Cargo.toml": PLAIN})
    for wrong, said in (
        (entry("nowhere"), "has no nowhere/Cargo.toml"),
        (entry("../out"), "has no ../out/Cargo.toml"),
        (entry("core", "other"), "is of the crate core, not of other"),
        (entry("bare", "bare"), "has no licence"),
    ):
        with pytest.raises(RecipeError, match=said) as caught:
            read_crate(root, wrong)
        assert caught.value.hint


# --- the component


class Client:
    """An index with one sdist in a folder."""

    def __init__(self, archive: Path, later: str = "") -> None:
        self.archive = archive
        self.later = later

    def sdist_of(self, name: str, version: str) -> ReleaseFile:
        if name == "later" and self.later:
            return ReleaseFile("Foo-1.0.tar.gz", "", "1.0", FileKind.SDIST, uploaded=self.later)
        if name != "foo":
            raise UnknownDistributionError(f"there is no {name}", hint="Look again.")
        if version != "1.0":
            raise NoSdistError("wheels only")
        return ReleaseFile("Foo-1.0.tar.gz", "", "1.0", FileKind.SDIST, uploaded="2026-02-03T04:05:06Z")

    def download(self, file: ReleaseFile, target: Path) -> Path:
        return self.archive


def client(folder: Path, files: Mapping[str, str]) -> IndexClient:
    archive = folder / "Foo-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"Foo-1.0/{name}")
            info.size, info.mode = len(text), 0o755 if name.endswith(".sh") else 0o600
            tar.addfile(info, io.BytesIO(text.encode()))
    return cast(IndexClient, Client(archive))


SDIST = {"crates/core/Cargo.toml": PLAIN, "crates/core/src/lib.rs": "", "crates/core/make.sh": "", "LICENSE": "MIT"}


def test_the_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    index = client(tmp_path, SDIST)
    packed = []
    for number in (1, 2):
        root = tree(tmp_path / f"tree{number}", {"Cargo.toml": ""})
        old = os.umask(0o77 if number == 1 else 0o22)
        try:
            component = add_vendored([entry()], index, root, tmp_path / f"scratch{number}", beside=Path("x.tar.xz"))
        finally:
            os.umask(old)
        assert component.archive is not None
        packed.append(component.archive.read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed[0]))) as tar:
        members = {m.name: m for m in tar}
    assert list(members) == [
        "vendor", "vendor/core", "vendor/core/Cargo.toml", "vendor/core/LICENSE", "vendor/core/make.sh",
        "vendor/core/src", "vendor/core/src/lib.rs",
    ]  # fmt: skip
    assert {(m.mtime, m.uid, m.uname) for m in members.values()} == {(1770091506, 0, "root")}
    assert members["vendor/core/make.sh"].mode == 0o755
    assert members["vendor/core/LICENSE"].mode == 0o644
    assert (root / "vendor/core/Cargo.toml").read_text() == PLAIN
    (crate,) = component.crates
    assert (crate.crate, crate.version, crate.source, crate.folder) == ("core", "1.2.3", "Foo 1.0", "vendor/core")
    assert component.key("abc") != "abc"


@pytest.mark.parametrize(
    ("beside", "name"),
    [
        ("a.tar.gz", "orig-vendor.tar.gz"), ("a.tgz", "orig-vendor.tar.gz"), ("a.tar.bz2", "orig-vendor.tar.bz2"),
        ("a.tar.xz", "orig-vendor.tar.xz"), ("a.tar.lzma", "orig-vendor.tar.xz"),
    ],
)  # fmt: skip
def test_it_is_compressed_as_the_orig_tarball_is(tmp_path: Path, beside: str, name: str) -> None:
    packed = []
    for number in (1, 2):
        root, scratch = tree(tmp_path / f"tree{number}", {"Cargo.toml": ""}), tmp_path / f"scratch{number}"
        archive = add_vendored([entry()], client(tmp_path, SDIST), root, scratch, beside=Path(beside)).archive
        assert archive is not None
        assert archive.name == name
        packed.append(archive.read_bytes())
    assert packed[0] == packed[1]
    assert packed[0].startswith({"gz": b"\x1f\x8b", "z2": b"BZh", "xz": b"\xfd7z"}[name[-2:]])
    with tarfile.open(archive) as tar:
        assert "vendor/core/src/lib.rs" in tar.getnames()


def test_the_newest_of_its_sources_dates_the_tarball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    files = SDIST | {"other/Cargo.toml": PLAIN.replace('"core"', '"other"')}
    client(tmp_path, files)
    for name, later, expected in (
        ("newer", "2026-02-04T04:05:06Z", 1770177906),
        ("older", "2026-02-02T04:05:06Z", 1770091506),
    ):
        index = cast(IndexClient, Client(tmp_path / "Foo-1.0.tar.gz", later))
        entries = [entry(), entry("other", "other", "later==1.0")]
        made = add_vendored(
            entries, index, tree(tmp_path / name, {"a": ""}), tmp_path / f"{name}-out", beside=Path("a.gz")
        )
        assert made.archive is not None
        with tarfile.open(made.archive) as tar:
            assert {member.mtime for member in tar} == {expected}


def test_nothing_to_vendor(tmp_path: Path) -> None:
    component = add_vendored((), cast(IndexClient, None), tmp_path, tmp_path / "scratch", beside=Path("x.tar.gz"))
    assert (component.archive, component.crates, component.key("abc")) == (None, (), "abc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("source", "error"), [("bar==1.0", UnknownDistributionError), ("foo==2.0", NoSdistError)])
def test_a_source_that_the_index_lacks(tmp_path: Path, source: str, error: type[DebgenError]) -> None:
    with pytest.raises(error, match=f"vendors the crate core from {source}") as caught:
        add_vendored(
            [entry(source=source)],
            client(tmp_path, SDIST),
            tmp_path / "tree",
            tmp_path / "scratch",
            beside=Path("x.tar.gz"),
        )
    assert caught.value.hint


def test_upstream_s_own_vendor_folder(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"vendor/x": ""})
    with pytest.raises(UnsupportedSourceError, match="vendor/ of its own"):
        add_vendored([entry()], client(tmp_path, SDIST), root, tmp_path / "scratch", beside=Path("x.tar.gz"))


# --- a recipe that is out of date


def test_a_stale_recipe() -> None:
    texts = {
        "Cargo.toml": '[workspace.dependencies]\nshared = "1"\n',
        "core/Cargo.toml": '[target.\'cfg(windows)\'.dependencies]\nalias = { package = "real", version = "1" }\n'
        '[dev_dependencies]\ntried = "1"\n',
        "core/Cargo.lock": 'name = "locked"',
    }
    for crate in ("shared", "real", "tried"):
        refuse_stale(Layer(without=(Without(crate=crate, reason=REASON),)), texts, "foo 1.0")
        refuse_stale(Layer(vendor=(entry(crate=crate),)), texts, "foo 1.0")
    refuse_stale(Layer(unbuilt=(Unbuilt(manifest="co*", reason=REASON),)), texts, "foo 1.0")
    for layer in (
        Layer(without=(Without(crate="alias", reason=REASON),)),
        Layer(vendor=(entry(crate="locked"),)),
        Layer(unbuilt=(Unbuilt(manifest="core/Cargo.lock", reason=REASON),)),
    ):
        with pytest.raises(RecipeError, match=r"matches no .* of foo 1\.0") as caught:
            refuse_stale(layer, texts, "foo 1.0")
        assert caught.value.hint


# --- what is said of it

CRATE = VendoredCrate("core_x", "1.2.3", "MIT", "foo 1.0", "foo-1.0.tar.gz", "ab" * 32, "crates/core", REASON, ("A",))


def test_what_the_source_package_says() -> None:
    text = readme_text([CRATE])
    for words in ("not meant for the Debian archive", "librust-core-x-dev", "vendor/core_x", "1.2.3", "crates/core",
                  "foo-1.0.tar.gz", "ab" * 32, f"{REASON}.", "orig-vendor"):  # fmt: skip
        assert words in " ".join(text.split())
    assert "written out" not in text
    assert "written out" in readme_text([replace(CRATE, changed=True)])
    assert max(map(len, text.splitlines())) <= 80
    assert all(line.startswith("# ") for line in watch_comment([CRATE]).splitlines())
    assert "foo 1.0" in watch_comment([CRATE])
    (note,) = notes_on([CRATE])
    assert note.startswith("not for the archive")
    assert (readme_text([]), watch_comment([]), notes_on([])) == ("", "", ())


def test_a_vendored_crate_has_a_paragraph_of_its_own() -> None:
    files = (
        FileLicence("LICENSE", "Expat", ("2020 A",)),
        FileLicence("a.py", "", ()),
        FileLicence("vendor/core/LICENSE", "Expat", ("2021 B",)),
        FileLicence("vendor/core/src/lib.rs", "", ("2022 C",)),
        FileLicence("vendor/core/src/x.rs", "ISC", ("2023 D",)),
    )
    for declared, licence in (("Expat", "Expat"), ("Expat or Apache-2.0", "Expat or Apache-2.0"), ("", "Expat")):
        groups = grouped(LicenceScan(files, ()), "Expat", ("LICENSE",), {"vendor/core": declared})
        assert [(g.patterns, g.licence, g.holders) for g in groups] == [
            (("*",), "Expat", ("2020 A",)),
            (("vendor/core/*",), licence, ("2021 B", "2022 C")),
            (("vendor/core/src/x.rs",), "ISC", ("2023 D",)),
        ]


def test_manifests_of_vendored_crates_count_in_the_build() -> None:
    build = BuildFacts(cargo=CargoSource((), {"Cargo.toml": "old", "Cargo.lock": "lock"}))
    texts = {"Cargo.toml": "new", "Cargo.lock": "", "vendor/core/Cargo.toml": "its", "x/Cargo.toml": "no", "a.py": ""}
    assert with_cargo_texts(build, texts).cargo.texts == {
        "Cargo.toml": "new", "Cargo.lock": "lock", "vendor/core/Cargo.toml": "its",
    }  # fmt: skip
