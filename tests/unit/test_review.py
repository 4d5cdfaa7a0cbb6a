"""The dossier: what it reads, what it says, and that its page and its text say the same and nothing else."""

from __future__ import annotations

import argparse
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from review_cases import CONTROL, COPYRIGHT, FILES, HOSTILE, LOG, TOLD, UPSTREAM, check, make, make_hostile, packed
from test_report_html import Page

from debgen.cli import review
from debgen.debianize.provenance import Why, from_json
from debgen.errors import NetworkError, UsageError
from debgen.overlays import read_provenance
from debgen.review.buildlog import read_log
from debgen.review.document import Document, Facts, Listing, Log, Mark, Section, Table, Who, visible
from debgen.review.dossier import dossier
from debgen.review.lines import MOST, listing
from debgen.review.origin import Told, sha256
from debgen.review.page import page
from debgen.review.results import Results, find_results, read_results
from debgen.review.text import text
from debgen.upstream.model import FileKind, ReleaseFile


def read(folder: Path) -> Results:
    return read_results(folder, "sid", "foo", "1.0")


def told_of(folder: Path, copy: Path | None = None) -> Told:
    """What an index says that has just this orig tarball."""
    return Told("foo-1.0.tar.gz", sha256(folder / "source/foo_1.0.orig.tar.gz"), "2026-10-29", copy)


def made(folder: Path) -> Document:
    return dossier(read(folder), told_of(folder))


def part(document: Document, key: str) -> Section:
    return next(section for section in document.sections if section.key == key)


def shown(section: Section, title: str) -> Listing:
    return next(block for block in section.blocks if isinstance(block, Listing) and block.title == title)


def edit(folder: Path, path: str, old: str, new: str) -> None:
    file = folder / "source/foo-1.0/debian" / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_a_good_package(tmp_path: Path) -> None:
    log = LOG.replace("dpkg-shlibdeps: warning", "x").replace("[-Wmaybe-uninitialized]", "")
    told = replace(TOLD, skipped=(), notes=(), human=())
    document = made(make(tmp_path, told=told, log=log))
    assert (document.verdict, document.left) == (Mark.GOOD, ())
    assert made(make(tmp_path / "notes", told=replace(told, notes=("a note",)), log=log)).verdict is Mark.LOOK
    assert document.title == "foo 1.0-1"
    assert [section.key for section in document.sections] == [
        "source", "licences", "control", "rules", "patches", "tests", "build", "checks", "install", "archive", "plan",
    ]  # fmt: skip
    assert part(document, "source").told == "the orig tarball is upstream’s archive, byte for byte"


def test_a_new_package_goes_with_its_binaries(tmp_path: Path) -> None:
    path = make(tmp_path) / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "source_changes": "/elsewhere/foo_source.changes"}))
    rows = dict(next(block for block in part(made(path.parent), "source").blocks if isinstance(block, Facts)).rows)
    assert rows["to upload, if it is new there"].endswith("/foo.changes")
    assert rows["to upload, if the archive has the package"].endswith("/foo_source.changes")


def test_files_beside_the_summary_count_before_those_that_it_was_copied_from(tmp_path: Path) -> None:
    folder, other = make(tmp_path / "copy"), tmp_path / "original/foo.changes"
    for path in (other, folder / "result/foo.changes"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    summary = folder / "summary.json"
    summary.write_text(json.dumps({**json.loads(summary.read_text()), "changes": str(other)}))
    found = read(folder).summary
    assert found is not None
    assert found.changes == folder / "result/foo.changes"


def test_what_was_not_done_is_said_with_the_command_that_does_it(tmp_path: Path) -> None:
    folder = make(tmp_path, built=False)
    document = made(folder)
    assert (document.verdict, document.told) == (Mark.NONE, "generated, and not built: nothing was checked")
    for key in ("build", "checks", "install", "archive", "plan"):
        assert part(document, key).mark is Mark.NONE
        assert f"debgen build foo==1.0 --dist sid -o {tmp_path}" in str(part(document, key).blocks)


@pytest.mark.parametrize("checks", [(), (check("lintian", "skip", "not wanted"),)])
def test_without_a_check_nothing_is_called_good(tmp_path: Path, checks: tuple[dict[str, object], ...]) -> None:
    document = made(make(tmp_path, checks=checks))
    assert (document.verdict, document.told) == (Mark.NONE, "built, and no check was made")


def test_a_failed_check_decides(tmp_path: Path) -> None:
    checks = (check("lintian", "fail", "1 error", findings=["E: foo: bad-thing"]), check("blhc", "skip", "pure Python"))
    document = made(make(tmp_path, checks=checks))
    assert (document.verdict, document.told) == (Mark.BAD, "not ready: lintian failed")
    assert document.left[:2] == ((Mark.BAD, "lintian: 1 error"), (Mark.BAD, "lintian: E: foo: bad-thing"))
    assert document.left[-1] == (Mark.NONE, "blhc: not made: pure Python")
    marks = [mark for mark, _ in document.left]
    assert marks == sorted(marks, key=[Mark.BAD, Mark.LOOK, Mark.NONE].index)


def test_lines_have_their_origin_and_reasons(tmp_path: Path) -> None:
    lines = shown(part(made(make(tmp_path)), "control"), "debian/control").lines
    who = {line.text.strip(): line.who for line in lines}
    assert who["Source: foo"] is Who.RULE
    assert who["git <!nocheck>,"] is Who.RECIPE
    assert who["python3-bar <!nocheck>,"] is Who.FACT
    assert who["It is a foo."] is Who.FACT
    assert who["Architecture: all"] is Who.COMMON
    description = next(line for line in lines if line.text.startswith("Description"))
    assert [(r.text, r.until) for r in description.reasons] == [("made by rules from upstream's summary", 11)]


def test_edits_of_a_human_are_seen_and_keep_other_reasons_in_their_places(tmp_path: Path) -> None:
    folder = make(tmp_path)
    edit(folder, "control", "Section: python\n", "Section: science\nX-More: yes\n")
    edit(folder, "control", " debhelper-compat (= 14),\n", "")
    document = made(folder)
    lines = shown(part(document, "control"), "debian/control").lines
    assert [(line.number, line.text) for line in lines if line.who is Who.HUMAN] == [
        (None, "Section: python"), (2, "Section: science"), (3, "X-More: yes"), (None, " debhelper-compat (= 14),"),
    ]  # fmt: skip
    now = (folder / "source/foo-1.0/debian/control").read_text().splitlines()
    assert [line.text for line in lines if line.number] == now
    assert [line.number for line in lines if line.number] == list(range(1, len(now) + 1))
    git = next(line for line in lines if "git" in line.text)
    assert git.reasons[0].text == "the tests of credentials call git"
    assert next(line for line in lines if "Description" in line.text).reasons[0].until == 11
    assert (Mark.LOOK, "debian/control was edited by a human: see there") in document.left
    assert "debian/ has been edited since foo_1.0-1.dsc was made" in part(document, "source").told
    assert document.told == "the checks are of an older source package than the one that stands here"


def test_without_a_state_nothing_is_claimed(tmp_path: Path) -> None:
    folder = make(tmp_path)
    for file in (*(folder / "source/.generated").rglob("*"), folder / "source/foo_1.0-1.debian.tar.xz"):
        if file.is_file():
            file.unlink()
    for path in sorted((folder / "source/.generated").rglob("*"), reverse=True):
        path.rmdir()
    (folder / "source/.generated").rmdir()
    control = shown(part(made(folder), "control"), "debian/control")
    assert {line.who for line in control.lines} == {Who.UNKNOWN}
    assert "nothing tells which lines a human wrote" in control.note


def test_without_reasons_nothing_is_called_good(tmp_path: Path) -> None:
    document = made(make(tmp_path, told=None))
    assert document.verdict is Mark.LOOK
    assert "nothing tells why" in document.left[0][1]
    assert {line.who for line in shown(part(document, "rules"), "debian/rules").lines} == {Who.UNKNOWN}


def test_a_smoke_test_alone_is_no_good_test(tmp_path: Path) -> None:
    smoke = "I: pybuild base:1: cd x; python3.13 /x/debian/tests/smoke\nimported a\n   dh_auto_install\n"
    told = replace(TOLD, skipped=())
    assert part(made(make(tmp_path, told=told, log=smoke)), "tests").mark is Mark.LOOK
    assert part(made(make(tmp_path / "2", told=told, log=f"{smoke}{LOG}")), "tests").mark is Mark.GOOD


def test_another_build_than_the_source(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "result/foo_1.0-1.dsc").write_text("Source: foo\nChecksums-Sha256:\n 00 1 foo_1.0.orig.tar.gz\n")
    assert "what was built is not this source package" in part(made(folder), "source").told


def test_the_orig_tarball_is_compared_with_the_index(tmp_path: Path) -> None:
    folder = make(tmp_path)
    results, copy = read(folder), tmp_path / "sdist.tar"
    copy.write_bytes(packed({**UPSTREAM, "src/foo.py": "A = 666\n"}, "foo-1.0/"))
    other = Told("foo-1.0.tar.gz", "0" * 64, "", copy)
    section = part(dossier(results, other), "source")
    assert (section.mark, section.told) == (
        Mark.BAD,
        "1 file with other content than in upstream’s archive: src/foo.py",
    )
    assert dossier(results, other).told == "not ready: see The source and upstream"
    copy.write_bytes(packed({**UPSTREAM, "vendor/min.js": "x"}, "foo-1.0/"))
    section = part(dossier(results, other), "source")
    assert (section.mark, section.told) == (Mark.LOOK, "1 file of upstream’s archive left out: vendor/min.js")
    assert "the 3 files that stay are upstream’s, byte for byte" in str(section.blocks)
    copy.write_bytes(packed({"LICENSE": UPSTREAM["LICENSE"]}, "foo-1.0/"))
    assert "2 files that upstream’s archive does not have" in part(dossier(results, other), "source").told
    assert part(dossier(results, Told(problem="no network")), "source").mark is Mark.NONE
    assert part(dossier(results, replace(other, copy=None)), "source").mark is Mark.LOOK


def test_a_vendored_crate_keeps_the_package_out_of_the_archive(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "source/foo_1.0.orig-vendor.tar.gz").write_bytes(b"crates")
    section = part(made(folder), "source")
    assert section.mark is Mark.BAD
    assert section.told.startswith("not for the archive: foo_1.0.orig-vendor.tar.gz")


def test_a_tarball_that_the_dsc_does_not_know(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "source/foo_1.0.orig.tar.gz").write_bytes(b"other")
    document = made(folder)
    assert (document.verdict, document.told) == (Mark.BAD, "the source package is not whole")


def test_licences_are_counted_and_what_is_not_covered_is_named(tmp_path: Path) -> None:
    section = part(made(make(tmp_path)), "licences")
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert [(row[0], row[1], row[2], row[4]) for row in table.rows] == [
        ("*", "2", "Expat", "LICENSE is Expat"),
        ("src/vendored.py", "1", "ISC", "licensecheck finds ISC in src/vendored.py"),
        ("debian/*", str(len(FILES)), "Expat", ""),
    ]
    files = {**FILES, "copyright": COPYRIGHT.replace("Files: *\n", "Files: LICENSE\n")}
    section = part(made(make(tmp_path / "other", files=files)), "licences")
    assert (section.mark, section.told) == (Mark.BAD, "1 file under no paragraph")
    assert "src/foo.py" in str(section.blocks)
    broken = part(made(make(tmp_path / "broken", files={**FILES, "copyright": "This is free.\n"})), "licences")
    assert broken.mark is Mark.LOOK


def test_logs_say_what_ran_and_which_warnings_matter(tmp_path: Path) -> None:
    document = made(make(tmp_path))
    facts = read_log(tmp_path / "sid/foo-1.0/result/foo_1.0-1_amd64.build.log")
    assert [(run.python, run.counts) for run in facts.tests] == [
        ("3.15.2", "7 passed, 2 skipped, 1 deselected"), ("3.14.1", "6 passed, 3 skipped"),
    ]  # fmt: skip
    assert facts.stages[0] == ("installing the build dependencies", 37)
    assert facts.warnings == (
        "dpkg-shlibdeps: warning: diversions involved - output may be incorrect",
        "the compiler warned 1 time of -Wmaybe-uninitialized",
    )
    assert part(document, "tests").mark is Mark.LOOK  # a test is left out
    assert "asks the network" in text(document)
    failed = LOG.replace("7 passed", "1 failed, 6 passed").replace("Status: successful", "Status: attempted")
    document = made(make(tmp_path / "failed", log=failed))
    assert (part(document, "tests").mark, part(document, "build").mark) == (Mark.BAD, Mark.BAD)


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        ("I: pybuild base:1: python3.13 -m x\nRan 12 tests in 0.1s\n\nOK (skipped=3)\n", "12 run, OK (skipped=3)"),
        ("I: pybuild base:1: cd x; python3.13 /x/debian/tests/smoke\nimported a\nran b --help\n   dh_auto_install\n",
         "the smoke test said 2 times that something works"),
    ],
)  # fmt: skip
def test_other_runners(tmp_path: Path, lines: str, counts: str) -> None:
    (tmp_path / "log").write_text(lines)
    assert [run.counts for run in read_log(tmp_path / "log").tests] == [counts]


def test_files_in_packages_and_what_is_unusual_about_them(tmp_path: Path) -> None:
    section = part(made(make(tmp_path)), "install")
    (files,) = (block for block in section.blocks if isinstance(block, Log))
    assert files.lines == ("rw-r--r--          1 /usr/lib/python3/dist-packages/foo.py",)
    (tmp_path / "sid/foo-1.0/result/python3-foo_1.0-1_all.deb").write_bytes(b"no package")
    section = part(made(tmp_path / "sid/foo-1.0"), "install")
    assert section.mark is Mark.BAD


def test_placeholders_and_patches_are_left_for_a_human(tmp_path: Path) -> None:
    patch = FILES["patches/relax-bar.patch"].replace("Forwarded: not-needed", "Forwarded: no")
    files = {**FILES, "patches/relax-bar.patch": patch, "rules": FILES["rules"] + "# FIXME\n"}
    document = made(make(tmp_path, files=files))
    assert (Mark.BAD, "debian/rules:9: # FIXME") in document.left
    assert (document.verdict, document.told) == (Mark.BAD, "not ready: see what is left for a human")
    assert "relax-bar.patch: it has not been forwarded to upstream" in text(document)
    header, diff = part(document, "patches").blocks[1:3]
    assert isinstance(header, Listing)
    assert [line.text for line in header.lines][-1] == "Forwarded: no"
    assert isinstance(diff, Log)
    assert diff.lines[0] == "--- a/pyproject.toml"


def test_what_is_long_is_cut_with_the_place_of_the_whole(tmp_path: Path) -> None:
    folder = make(tmp_path, files={**FILES, "NEWS": "x\n" * 5000 + "y" * 9000 + "\n"}, log=LOG * 2000)
    cut = listing(read(folder), "NEWS")
    assert len(cut.lines) == MOST
    assert cut.cut == f"{5001 - MOST} more lines are in {folder}/source/foo-1.0/debian/NEWS"
    document = made(folder)
    (end,) = (block for block in part(document, "build").blocks if isinstance(block, Log))
    assert str(folder / "result/foo_1.0-1_amd64.build.log") in end.cut
    assert len(page(document)) < 300_000
    assert max(map(len, (line.text for line in listing(read(folder), "NEWS", most=9999).lines))) < 1100


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "can't be read"), ('{"schema": 1}', "has the schema 1, of another release"), ('{"schema": 2}', "damaged"),
     ('["x"]', "damaged"), ('{"schema": 2, "source": 1, "version": 1, "good": 1, "log": 1, "debs": 4}', "damaged")],
)  # fmt: skip
def test_a_summary_that_cannot_be_read_is_named(tmp_path: Path, content: str, told: str) -> None:
    folder = make(tmp_path)
    (folder / "summary.json").write_text(content)
    (folder / "plan.json").write_text('{"schema": 2, "distributions": 5}')
    document = made(folder)
    assert told in document.left[0][1]
    assert document.verdict is Mark.NONE
    assert part(document, "plan").told == "the plan can’t be read"


def test_the_part_of_the_plan(tmp_path: Path) -> None:
    folder = make(tmp_path)
    plan = json.loads((Path(__file__).parents[1] / "data/plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps(plan))
    results = replace(read(folder), name="huggingface-hub")
    section = part(dossier(results, Told()), "plan")
    assert section.told.startswith("update: ")
    needs = next(block for block in section.blocks if isinstance(block, Table) and block.caption == "What it needs")
    names = {n["name"] for n in plan["distributions"] for r in n["required_by"] if r["name"] == "huggingface-hub"}
    assert {str(row[0]).split()[0] for row in needs.rows} == names
    assert names
    assert part(made(folder), "plan").told == "the plan of vllm==0.27.1 does not have it"


def test_finding_results(tmp_path: Path) -> None:
    make(tmp_path)
    for name in ("foo-0.9", "foo-bar-2.0"):
        (tmp_path / "sid" / name / "source").mkdir(parents=True)
    assert find_results(tmp_path, "sid", "foo", SpecifierSet())[1] == "1.0"
    assert find_results(tmp_path, "sid", "foo", SpecifierSet("==0.9"))[1] == "0.9"
    with pytest.raises(UsageError, match=r"no results of foo==3; there is 0\.9, 1\.0") as error:
        find_results(tmp_path, "sid", "foo", SpecifierSet("==3"))
    assert "debgen build foo==3 --dist sid" in error.value.hint
    with pytest.raises(UsageError, match="has no results of bar"):
        find_results(tmp_path, "trixie", "bar", SpecifierSet())
    with pytest.raises(UsageError, match="has no source package"):
        read_results(tmp_path / "sid/foo-0.9", "sid", "foo", "0.9")


def test_reasons_are_kept_and_read_back(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert read_provenance(folder / "source") == TOLD
    assert from_json(json.loads(json.dumps(TOLD.as_json()))) == TOLD
    odd = replace(
        TOLD, reasons=(replace(TOLD.reasons[0], cause="caf\udce9"), Why("x", 1, 1, "y" * 9, TOLD.reasons[0].origin))
    )
    assert read_provenance(make(tmp_path / "odd", told=odd) / "source") == odd
    (folder / "source/.generated/reasons.json").write_text('{"schema": 99}')
    assert read_provenance(folder / "source") is None


# --- the page and the text


def test_the_page_is_one_file_without_script(tmp_path: Path) -> None:
    document = made(make(tmp_path))
    found = Page(page(document))
    policy = next(str(a["content"]) for t, a in found.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy
    assert not found.raw["script"]
    assert not [t for t, _ in found.elements if t in ("script", "iframe", "img", "object", "form", "base")]
    assert not found.having("src")
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    links = [link for link in found.values("href") if link != "data:,"]
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert [t for t, _ in found.elements if t in ("main", "nav", "header")] == ["header", "nav", "main"]
    assert [a for t, a in found.elements if t == "h1"] == [{}]


def test_page_and_text_say_the_same(tmp_path: Path) -> None:
    document = made(make(tmp_path))
    html, twin = Page(page(document)).text, re.sub(r"\s+", " ", text(document))
    for said in (
        *(told for _, told in document.left), *(why.cause for why in TOLD.reasons if why.file != "copyright"),
        *(section.title for section in document.sections), *(section.told for section in document.sections),
        document.told, "7 passed, 2 skipped, 1 deselected", "--deselect=tests/test_a.py::test_net",
    ):  # fmt: skip
        assert " ".join(said.replace("`", "").split()) in html
        assert " ".join(said.split()) in twin
    for sign in ("M", "P", "R"):
        assert f"{sign} | " in twin


def test_nothing_can_add_markup_or_hide(tmp_path: Path) -> None:
    document = made(make_hostile(tmp_path))
    source = page(document)
    found = Page(source)
    tame = Page(page(made(make(tmp_path / "tame"))))
    assert {t for t, _ in found.elements} <= {t for t, _ in tame.elements} | {"h3", "ul", "li", "del"}
    assert {a for _, attributes in found.elements for a in attributes} <= {
        a for _, attributes in tame.elements for a in attributes
    }
    for hostile in HOSTILE[:4]:
        assert hostile.replace("`", "") in found.text.replace("`", "")
    assert "49" not in re.findall(r"\{\{ 7 \* 7 \}\}|\b49\b", found.text)
    for written in (source, text(document)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2028\ud800-\udfff]", written)
        assert "⟨U+202E⟩" in written
        assert "⟨byte E9⟩" in written
        written.encode("utf-8")


def test_what_cannot_be_seen_has_a_name() -> None:
    assert visible("a\tb\n") == "a\tb\n"
    assert visible("\u2067x\u00ad\ufeff") == "⟨U+2067⟩x⟨U+00AD⟩⟨U+FEFF⟩"
    assert visible("Ördeg 漢字 👍") == "Ördeg 漢字 👍"


# --- the verb


def arguments(out: Path, **more: object) -> argparse.Namespace:
    given = {
        "name": "foo",
        "dist": "sid",
        "output": out,
        "refresh": False,
        "index_url": None,
        "text": False,
        "json": False,
    }
    return argparse.Namespace(**(given | more))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Index:
        def sdist_of(self, name: str, version: str) -> ReleaseFile:
            digest = sha256(tmp_path / "sid/foo-1.0/source/foo_1.0.orig.tar.gz")
            return ReleaseFile(f"{name}-{version}.tar.gz", "x", version, FileKind.SDIST, digest)

    monkeypatch.setattr(review, "index_client", lambda args: Index())


@pytest.mark.usefixtures("index")
def test_the_verb_writes_both_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path)
    assert review.run_verb(arguments(tmp_path)) == 0
    assert capsys.readouterr().out == f"{folder}/review.html\n{folder}/review.txt\n"
    assert review.run_verb(arguments(tmp_path, text=True)) == 0
    assert capsys.readouterr().out == (folder / "review.txt").read_text(encoding="utf-8")
    assert "byte for byte" in (folder / "review.html").read_text(encoding="utf-8")
    assert review.run_verb(arguments(tmp_path, name="foo==1.0", json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["html"], told["verdict"]) == (1, f"{folder}/review.html", "look")
    assert next(section["key"] for section in told["sections"]) == "source"
    assert sorted(os.listdir(folder)) == ["result", "review.html", "review.txt", "source", "summary.json"]


def test_the_verb_without_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Index:
        def sdist_of(self, name: str, version: str) -> ReleaseFile:
            raise NetworkError("the index\ndoes not answer")

    monkeypatch.setattr(review, "index_client", lambda args: Index())
    make(tmp_path)
    assert review.run_verb(arguments(tmp_path, text=True)) == 0
    assert "the index was not asked: the index does not answer" in capsys.readouterr().out
    with pytest.raises(UsageError, match="is no suite"):
        review.run_verb(arguments(tmp_path, dist="../sid"))


def test_control_has_no_reason_twice() -> None:
    assert len({(w.file, w.first, w.cause) for w in TOLD.reasons}) == len(TOLD.reasons)
    assert CONTROL.count("\n") == 11


def test_what_was_borrowed_to_build_with_is_said_plainly(tmp_path: Path) -> None:
    path = make(tmp_path) / "summary.json"
    assert not any(section.key == "borrowed" for section in made(path.parent).sections)
    lent = [
        {"package": "librust-zip-dev", "version": "5.1.1-1", "suite": "forky", "own": "9.0.5-1"},
        {"package": "librust-new-dev", "version": "2-1", "suite": "forky", "own": None},
    ]
    data = {**json.loads(path.read_text()), "borrowed": lent, "alone": "librust-zip-dev depends on x"}
    path.write_text(json.dumps(data))
    document = made(path.parent)
    section = part(document, "borrowed")
    assert (section.mark, section.told) == (Mark.LOOK, "2 packages of forky")
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.rows == (
        ("librust-zip-dev", "5.1.1-1", "forky", "9.0.5-1"),
        ("librust-new-dev", "2-1", "forky", "none"),
    )
    assert document.verdict is Mark.LOOK
    (line,) = (text for mark, text in document.left if text.startswith("Built with 2 packages borrowed from forky: "))
    assert line.endswith("a build with sid's packages alone can't begin, as librust-zip-dev depends on x")
    path.write_text(json.dumps({**data, "borrowed": [{"package": "x"}]}))
    assert any("is damaged" in text for _, text in made(path.parent).left)
