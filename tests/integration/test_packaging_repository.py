"""Packaging repositories, and moving a package to another release, with real git, patch, dpkg-source and gbp.

No network: the sdists are made here.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from debian.changelog import Changelog

from debgen.debianize.model import SourcePackage
from debgen.errors import PatchError, UsageError
from debgen.gitrepo import create, import_of
from debgen.identity import Identity
from debgen.overlays import read_debian, write_debian, write_state
from debgen.patched import patched_texts
from debgen.recipes import Layer, Recipe
from debgen.refresh import Fate, refresh
from debgen.run import run
from debgen.updating import Updated, find_place, generated_before, move_repository, open_repository, update
from debgen.upstream.repack import packed_folder
from debgen.upstream.sdist import unpack

pytestmark = pytest.mark.integration

JANE = Identity("Jane Doe", "jane@example.org")
OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
CODE = "".join(f"line {number}\n" for number in range(1, 31))
ENTRY = "foo ({version}-1) unstable; urgency=medium\n\n  * Initial release.\n\n -- {who}  {date}\n"


def upstream(version: str, code: str = CODE) -> dict[str, bytes]:
    """The files of a release; with much that git likes to change or leave out."""
    return {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: foo\nVersion: {version}\n".encode(),
        ".gitattributes": b"* text=auto eol=lf\nfoo.txt export-subst\ntests export-ignore\n",
        ".gitignore": b"*.txt\ntests\n",
        "foo.txt": b"$Format:%H$ $Id$\r\n",
        "tests/test_a.py": b"windows\r\n",
        "debian/rules": b"upstream's own\n",
        "foo.py": code.encode(),
        "caf\u00e9.py": b"",
    }


def sdist(path: Path, files: Mapping[str, bytes]) -> Path:
    """A tarball, compressed as no gzip program does."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"foo/{name}")
            info.size, info.mtime = len(data), 1_700_000_000
            tar.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(packed.getvalue(), 4, mtime=1_700_000_001))
    return path


def generated(version: str, **more: str) -> SourcePackage:
    date = f"{OLD if version == '1.0' else NEW:%a, %d %b %Y %H:%M:%S} +0000"
    files = {
        "changelog": ENTRY.format(version=version, who=JANE, date=date),
        "control": f"Source: foo\nMaintainer: {JANE}\nBuild-Depends:\n"
        f" debhelper-compat (= 13),\n python3-a (>= {version}~),\n"
        "Standards-Version: 4.7.0\n\nPackage: foo\nArchitecture: all\nDescription: a foo\n bar\n",
        "rules": "#!/usr/bin/make -f\n%:\n\tdh $@\n",
        "source/format": "3.0 (quilt)\n",
        "gbp.conf": "[DEFAULT]\ndebian-branch = debian/latest\nupstream-branch = upstream/latest\n"
        "pristine-tar = True\n",
        **more,
    }  # fmt: skip
    return SourcePackage("foo", f"{version}-1", "unstable", "foo", files, frozenset({"rules"}), (), (), ())


def written(out: Path, package: SourcePackage, files: Mapping[str, bytes], state: Mapping[str, str]) -> Path:
    """A source package in ``out``, as debgen lays it out; its .dsc."""
    out.mkdir(parents=True)
    version = package.upstream_version
    orig = sdist(out / f"foo_{version}.orig.tar.gz", files)
    tree = out / f"foo-{version}"
    unpack(orig, tree)
    subprocess.run(["rm", "-rf", tree / "debian"], check=True)
    write_debian(tree / "debian", package.files, package.executable)
    write_state(out, state)
    run(["dpkg-source", "--build", tree.name], cwd=out)
    return next(out.glob("*.dsc"))


def git(where: Path, *words: str) -> str:
    who = {f"GIT_{role}_{what}": "x@y.z" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *words], cwd=where, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository made by somebody whom git doesn't know, from within another repository's hook."""
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    package = generated("1.0")
    dsc = written(tmp_path / "one", package, upstream("1.0"), package.files)
    create(tmp_path / "repo", import_of(dsc, package.version), package.files, JANE, OLD)
    monkeypatch.delenv("GIT_DIR")
    return tmp_path / "repo"


def moved(tree: Path, out: Path, new: SourcePackage, code: str, *, without_failing: bool = False) -> Updated:
    place = find_place(tree, tree, "foo")
    repository = open_repository(place, JANE, NEW) if place.is_repository else None
    before = generated_before(place, repository)
    assert before is not None
    files = upstream("2.0", code)
    with tempfile.TemporaryDirectory() as folder:
        unpack(sdist(Path(folder) / "foo.tar.gz", files), Path(folder) / "tree")
        updated = update(place, new, before, Path(folder) / "tree", NEW, without_failing=without_failing)
    dsc = written(out, updated.package, files, new.files)
    if repository:
        move_repository(repository, import_of(dsc, updated.package.version), new.files, "Update")
    return updated


def test_a_backport_is_on_a_branch_of_its_own_and_moves_there(tmp_path: Path) -> None:
    settings = "[DEFAULT]\ndebian-branch = debian/trixie-backports\nupstream-branch = upstream/latest\n"
    package = generated("1.0", **{"gbp.conf": settings})
    dsc = written(tmp_path / "one", package, upstream("1.0"), package.files)
    create(tmp_path / "repo", import_of(dsc, package.version), package.files, JANE, OLD)
    branches = ("for-each-ref", "--format=%(refname:short)", "refs/heads/debian")
    assert git(tmp_path / "repo", *branches) == "debian/trixie-backports"
    new = generated("2.0", **{"gbp.conf": settings})
    moved(tmp_path / "repo", tmp_path / "two", new, "print(2)\n")
    assert git(tmp_path / "repo", *branches) == "debian/trixie-backports"
    assert "foo (2.0-1)" in git(tmp_path / "repo", "show", "debian/trixie-backports:debian/changelog")


def test_the_layout_is_that_of_dep_14(repository: Path) -> None:
    assert git(repository, "for-each-ref", "--format=%(refname)").split() == [
        "refs/debgen/generated", "refs/heads/debian/latest", "refs/heads/pristine-tar", "refs/heads/upstream/latest",
        "refs/tags/upstream/1.0",
    ]  # fmt: skip
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "--format=%an <%ae> %ad", "--date=unix", "-1") == f"{JANE} {int(OLD.timestamp())}"
    assert (repository / "foo.txt").read_bytes() == b"$Format:%H$ $Id$\r\n"
    assert git(repository, "show", "upstream/latest:debian/rules") == "upstream's own"
    assert "dh $@" in (repository / "debian/rules").read_text()
    assert os.access(repository / "debian/rules", os.X_OK)


def test_the_same_input_gives_the_same_commits(repository: Path, tmp_path: Path) -> None:
    package = generated("1.0")
    told = import_of(next((tmp_path / "one").glob("*.dsc")), package.version)
    create(tmp_path / "again", told, package.files, JANE, OLD)
    assert git(tmp_path / "again", "for-each-ref") == git(repository, "for-each-ref")


def test_gbp_makes_the_same_tarball_and_builds_from_it(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "exported").mkdir()
    run(["gbp", "export-orig", f"--tarball-dir={tmp_path / 'exported'}"], cwd=repository)
    name = "foo_1.0.orig.tar.gz"
    assert (tmp_path / "exported" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    run(
        ["gbp", "buildpackage", "--git-builder=dpkg-source -b .", f"--git-export-dir={tmp_path / 'build'}"],
        cwd=repository,
    )
    with tarfile.open(next((tmp_path / "build").glob("*.debian.tar.xz"))) as tar:
        assert "debian/control" in tar.getnames()


def test_what_exists_is_never_touched(repository: Path, tmp_path: Path) -> None:
    package = generated("1.0")
    told = import_of(next((tmp_path / "one").glob("*.dsc")), package.version)
    with pytest.raises(UsageError, match="is there already") as caught:
        create(repository, told, package.files, JANE, OLD)
    assert "debgen update" in caught.value.hint
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        create(tmp_path / "file", told, package.files, JANE, OLD)


def human(tree: Path) -> None:
    """What a human does to a package."""
    debian = tree / "debian"
    control = (debian / "control").read_text()
    (debian / "control").write_text(control.replace(" python3-a", " git,\n python3-a"))
    (debian / "README.source").write_text("Why.\n")
    (debian / "patches").mkdir()
    (debian / "patches/series").write_text("far.patch\nin-it.patch\n")
    header = (
        "Description: {0}\nAuthor: Jane\n---\n--- a/foo.py\n+++ b/foo.py\n@@ -{1},3 +{1},3 @@\n line {1}\n-line {2}\n"
    )
    (debian / "patches/far.patch").write_text(header.format("far", 20, 21) + "+LINE 21\n line 22\n")
    (debian / "patches/in-it.patch").write_text(header.format("in it", 2, 3) + "+LINE 3\n line 4\n")


def check_moved(tree: Path, updated: Updated) -> None:
    debian = read_debian(tree / "debian").files
    assert " git,\n python3-a (>= 2.0~),\n" in debian["control"]
    assert debian["README.source"] == "Why.\n"
    assert debian["patches/series"] == "far.patch\n"
    assert debian["patches/far.patch"].startswith("Description: far\nAuthor: Jane\n---\n--- a/foo.py\n")
    assert "@@ -21,7 +21,7 @@" in debian["patches/far.patch"]
    assert [str(block.version) for block in Changelog(debian["changelog"], strict=True)] == ["2.0-1", "1.0-1"]
    top = debian["changelog"].partition("\n -- ")[0]
    assert "New upstream release." in top
    assert "Drop in-it.patch" in top
    assert "Refresh far.patch" in top
    assert "python3-a (>= 2.0~)" in top
    assert {patch.name: patch.fate for patch in updated.patches} == {
        "far.patch": Fate.REFRESHED, "in-it.patch": Fate.UPSTREAM,
    }  # fmt: skip
    assert updated.conflicts == ()


#: Three lines more at the top, and one of the patches taken.
LATER = "new\nnew\nnew\n" + CODE.replace("line 3\n", "LINE 3\n")


def test_results_move_and_the_old_ones_stay(tmp_path: Path) -> None:
    package = generated("1.0")
    written(tmp_path / "foo-1.0/source", package, upstream("1.0"), package.files)
    old = tmp_path / "foo-1.0/source/foo-1.0"
    human(old)
    was = read_debian(old / "debian")
    assert find_place(tmp_path, tmp_path, "foo").tree == old
    updated = moved(old, tmp_path / "foo-2.0/source", generated("2.0"), LATER)
    check_moved(tmp_path / "foo-2.0/source/foo-2.0", updated)
    assert read_debian(old / "debian") == was
    assert find_place(tmp_path, tmp_path, "foo").version == "2.0-1"


def test_a_repository_moves(repository: Path, tmp_path: Path) -> None:
    human(repository)
    place = find_place(repository, tmp_path, "foo")
    with pytest.raises(UsageError, match="uncommitted"):
        open_repository(place, JANE, NEW)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "mine")
    updated = moved(repository, tmp_path / "two", generated("2.0"), LATER)
    check_moved(repository, updated)
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "--format=%s", "--first-parent").split("\n")[:3] == [
        "Update",
        "mine",
        "Package 1.0-1",
    ]
    run(["gbp", "export-orig", f"--tarball-dir={tmp_path}"], cwd=repository)
    assert (tmp_path / "foo_2.0.orig.tar.gz").read_bytes() == (tmp_path / "two/foo_2.0.orig.tar.gz").read_bytes()
    # And on, from what was remembered of that.
    assert generated_before(find_place(repository, tmp_path, "foo"), open_repository(place, JANE, NEW)) == dict(
        sorted(generated("2.0").files.items())
    )


def test_a_repository_that_can_t_move_stays_as_it_is(repository: Path, tmp_path: Path) -> None:
    refs = git(repository, "for-each-ref")
    (repository / "extra.py").write_text("mine, not committed\n")
    new = replace(generated("2.0"))
    place = find_place(repository, tmp_path, "foo")
    dsc = written(tmp_path / "two", new, {**upstream("2.0"), "extra.py": b"theirs"}, new.files)
    with pytest.raises(UsageError, match=r"extra\.py"):
        move_repository(open_repository(place, JANE, NEW), import_of(dsc, "2.0-1"), new.files, "Update")
    assert git(repository, "for-each-ref") == refs
    assert (repository / "extra.py").read_text() == "mine, not committed\n"


def test_changes_outside_of_debian_are_not_lost(repository: Path, tmp_path: Path) -> None:
    (repository / "foo.py").write_text("mine\n")
    git(repository, "commit", "-qam", "mine")
    with pytest.raises(UsageError, match=r"outside of debian/:\nfoo\.py"):
        open_repository(find_place(repository, tmp_path, "foo"), JANE, NEW)
    git(repository, "checkout", "-q", "-b", "other")
    with pytest.raises(UsageError, match="is on other"):
        open_repository(find_place(repository, tmp_path, "foo"), JANE, NEW)


def test_patches_that_fail_are_named_with_their_hunks(tmp_path: Path) -> None:
    package = generated("1.0")
    written(tmp_path / "foo-1.0/source", package, upstream("1.0"), package.files)
    old = tmp_path / "foo-1.0/source/foo-1.0"
    human(old)
    code = LATER.replace("line 21\n", "other\n").replace("line 20\n", "other\n")
    with pytest.raises(PatchError, match=r"1 of 2 patches fail on 2\.0:\n  far\.patch: fails\n    foo\.py: hunk 1"):
        moved(old, tmp_path / "foo-2.0/source", generated("2.0"), code)
    assert not (tmp_path / "foo-2.0/source").exists()
    updated = moved(old, tmp_path / "foo-2.0/source", generated("2.0"), code, without_failing=True)
    assert updated.package.files["patches/series"] == "# does not apply: far.patch\n"
    assert "patches/far.patch" in updated.package.files
    assert "Leave out far.patch" in updated.package.files["changelog"]


def test_conflicts_leave_the_human_s_lines(tmp_path: Path) -> None:
    package = generated("1.0")
    written(tmp_path / "foo-1.0/source", package, upstream("1.0"), package.files)
    old = tmp_path / "foo-1.0/source/foo-1.0"
    control = (old / "debian/control").read_text()
    (old / "debian/control").write_text(control.replace("4.7.0", "4.6.0"))
    new = generated("2.0")
    new = replace(new, files={**new.files, "control": new.files["control"].replace("4.7.0", "4.7.4")})
    updated = moved(old, tmp_path / "foo-2.0/source", new, CODE)
    assert [conflict.path for conflict in updated.conflicts] == ["control"]
    assert "4.6.0" in updated.package.files["control"]
    assert "python3-a (>= 2.0~)" in updated.package.files["control"]


def test_older_and_other_packages_are_refused(repository: Path, tmp_path: Path) -> None:
    place = find_place(repository, tmp_path, "foo")
    before = generated("1.0").files
    with pytest.raises(UsageError, match="newer than 0"):
        update(place, generated("0.9"), before, tmp_path, NEW)
    with pytest.raises(UsageError, match="but bar would be"):
        update(place, replace(generated("2.0"), source="bar"), before, tmp_path, NEW)
    with pytest.raises(UsageError, match="no package of nothing"):
        find_place(tmp_path, tmp_path, "nothing")


def test_patches_that_make_and_remove_files(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/gone.py").write_text("gone\n")
    new = "--- /dev/null\n+++ b/a/new.py\n@@ -0,0 +1 @@\n+new\n"
    gone = "--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
    files = {"patches/series": "both # why\n\n# none\n", "patches/both": f"Description: x\n\n{new}{gone}"}
    (found,) = refresh(files, tmp_path / "tree")
    assert (found.fate, found.text) == (Fate.CLEAN, files["patches/both"])
    assert (tmp_path / "tree/gone.py").exists()
    with pytest.raises(PatchError, match="series names other"):
        refresh({"patches/series": "other\n"}, tmp_path / "tree")


def with_component(out: Path, version: str, text: str) -> Path:
    """A source package with crates in a tarball of their own; its .dsc."""
    conf = generated("1.0").files["gbp.conf"] + "component = ['vendor']\n"
    # upstream's own folder of that name is not the one of the source package
    package, files = generated(version, **{"gbp.conf": conf}), {**upstream(version), "vendor/old.rs": b"old"}
    out.mkdir(parents=True)
    (out / "vendor/core/src").mkdir(parents=True)
    (out / "vendor/core/src/lib.rs").write_text(text)
    packed_folder(out / "vendor", out / f"foo_{version}.orig-vendor.tar.gz", date=OLD)
    orig = sdist(out / f"foo_{version}.orig.tar.gz", files)
    tree = out / f"foo-{version}"
    unpack(orig, tree)
    shutil.rmtree(tree / "debian")
    shutil.rmtree(tree / "vendor")
    (out / "vendor").rename(tree / "vendor")
    write_debian(tree / "debian", package.files, package.executable)
    write_state(out, package.files)
    run(["dpkg-source", "--build", tree.name], cwd=out)
    return next(out.glob("*.dsc"))


def test_a_component_is_imported_and_comes_back(tmp_path: Path) -> None:
    dsc = with_component(tmp_path / "one", "1.0", "one\n")
    told = import_of(dsc, "1.0-1")
    assert list(told.components) == ["vendor"]
    repo = tmp_path / "repo"
    create(repo, told, generated("1.0").files, JANE, OLD)
    assert git(repo, "ls-tree", "-r", "--name-only", "upstream/latest", "vendor") == "vendor/core/src/lib.rs"
    clone = tmp_path / "clone"  # which has only what a branch or tag leads to
    git(tmp_path, "clone", "--quiet", "--no-local", "--mirror", str(repo), str(clone / ".git"))
    git(clone, "config", "core.bare", "false")
    shutil.copyfile(repo / ".git/info/attributes", clone / ".git/info/attributes")
    git(clone, "reset", "--hard", "--quiet")
    for where, name in ((repo, "exported"), (clone, "cloned")):
        (tmp_path / name).mkdir()
        run(["gbp", "export-orig", f"--tarball-dir={tmp_path / name}"], cwd=where)
        for file in ("foo_1.0.orig.tar.gz", "foo_1.0.orig-vendor.tar.gz"):
            assert (tmp_path / name / file).read_bytes() == (tmp_path / "one" / file).read_bytes()
    place = find_place(repo, repo, "foo")
    new = import_of(with_component(tmp_path / "two", "2.0", "two\n"), "2.0-1")
    move_repository(open_repository(place, JANE, NEW), new, generated("2.0").files, "Update")
    assert git(repo, "show", "debian/latest:vendor/core/src/lib.rs") == "two"
    assert git(repo, "status", "--porcelain") == ""


def test_generated_patches_follow_those_of_a_recipe(tmp_path: Path) -> None:
    tree, folder = tmp_path / "tree", tmp_path / "recipe"
    (tree / "core").mkdir(parents=True)
    for name in ("Cargo.toml", "core/Cargo.toml", "other.py"):
        (tree / name).write_text("a\nb\nc\n")
    (folder / "patches").mkdir(parents=True)
    change = "--- a/{0}\n+++ b/{0}\n@@ -1,3 +1,3 @@\n a\n-{1}\n+{2}\n c\n"
    (folder / "patches/1.patch").write_text(change.format("core/Cargo.toml", "b", "B"))
    (folder / "patches/2.patch").write_text(change.format("core/Cargo.toml", "B", "BB"))
    (folder / "patches/3.patch").write_text(change.format("Cargo.toml", "not there", "x"))
    (folder / "patches/4.patch").write_text(change.format("other.py", "b", "B"))
    (folder / "patches/5.patch").write_text(change.format("../recipe/patches/1.patch", "b", "B"))
    recipe = Recipe("foo", "sid", Layer(), folder)
    texts = {"Cargo.toml": "a\nb\nc\n", "core/Cargo.toml": "a\nb\nc\n", "Cargo.lock": ""}
    assert patched_texts(recipe, tree, texts) == {**texts, "core/Cargo.toml": "a\nBB\nc\n"}
    assert (tree / "core/Cargo.toml").read_text() == "a\nb\nc\n"
