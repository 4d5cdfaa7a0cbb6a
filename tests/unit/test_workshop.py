"""When a package counts as built: each thing that decides it is changed in turn."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from borrow_cases import packages
from test_building_record import finished

from debgen import buildinputs
from debgen.archive.borrow import BuildPackages
from debgen.building.lent import Lent
from debgen.building.record import Built
from debgen.building.repository import Repository
from debgen.buildinputs import quick_inputs
from debgen.debianize.model import Team
from debgen.errors import WorkspaceError
from debgen.identity import Identity
from debgen.pipeline import Settings
from debgen.planning.chain import Link
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.workshop import SCHEMA, Made, Workshop, match_of

LINK = Link("tiny", "1.0", frozenset({"other"}), "because", asked=True)
SETTINGS = Settings(Identity("Jane", "jane@example.org"))


def release(version: str = "1.0", sha256: str = "abc") -> ReleaseFile:
    return ReleaseFile(f"tiny-{version}.tar.gz", "https://example.org/x", version, FileKind.SDIST, sha256)


def bench(recipes: Path, files: tuple[ReleaseFile, ...] = (release(),), **index: Any) -> Any:
    facts = {"codename": "sid", "architecture": "amd64", "date": datetime(2026, 11, 1, tzinfo=UTC), **index}
    return SimpleNamespace(
        index=SimpleNamespace(**facts),
        client=SimpleNamespace(files=lambda name: files),
        apt_root=SimpleNamespace(settings=SimpleNamespace(uri="https://example.org/debian")),
        layer=lambda name, variant: SimpleNamespace(vendor=()),
        recipe_roots=(recipes,),
        lenders=(),
        packages=BuildPackages(cast(Any, None)),
    )


def inputs(recipes: Path, settings: Settings = SETTINGS, needs: dict[str, str] | None = None, **more: Any) -> str:
    return quick_inputs("tiny", "1.0", bench(recipes, **more), settings, {"other": "1"} if needs is None else needs)


def test_what_decides_a_package_is_in_its_hash_and_the_rest_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "tiny/recipe.toml"
    recipe.parent.mkdir()
    recipe.write_text("")
    first = inputs(tmp_path)
    assert inputs(tmp_path) == first
    assert inputs(tmp_path, files=(release(), release("2.0"))) == first  # another release
    (tmp_path / "another").mkdir()
    (tmp_path / "another/recipe.toml").write_text("# of another distribution")
    assert inputs(tmp_path) == first
    others = {
        inputs(tmp_path, files=(release(sha256="abd"),)),
        inputs(tmp_path, date=datetime(2026, 11, 2, tzinfo=UTC)),
        inputs(tmp_path, codename="trixie"),
        inputs(tmp_path, needs={"other": "2"}),
        inputs(tmp_path, needs={}),
        inputs(tmp_path, replace(SETTINGS, itp=1)),
        inputs(tmp_path, replace(SETTINGS, team=Team("Team <t@example.org>"))),
        inputs(tmp_path, replace(SETTINGS, identity=Identity("Joe", "jane@example.org"))),
        inputs(tmp_path, replace(SETTINGS, variant="cuda")),
    }
    assert len(others | {first}) == 10
    template = tmp_path / "templates/rules.j2"
    template.parent.mkdir()
    template.write_text("one")
    one = inputs(tmp_path, replace(SETTINGS, templates=(template.parent,)))
    template.write_text("two")
    assert len({first, one, inputs(tmp_path, replace(SETTINGS, templates=(template.parent,)))}) == 3
    recipe.write_text("# changed")
    changed = inputs(tmp_path)
    monkeypatch.setattr(buildinputs, "code", lambda: "another debgen")
    assert len({first, changed, inputs(tmp_path)}) == 3


def test_the_hash_of_a_folder_is_of_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    first = buildinputs.folder_hash([tmp_path])
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "a.pyc").write_text("made by Python")
    assert buildinputs.folder_hash([tmp_path]) == first
    (tmp_path / "a").rename(tmp_path / "b")
    assert buildinputs.folder_hash([tmp_path]) != first


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A workshop in which the package stands as it was built."""
    made = Workshop(bench(tmp_path / "recipes"), SETTINGS, cast(Any, None), tmp_path)
    folder = made.folder(LINK)
    (folder / "result").mkdir(parents=True)
    (folder / "source/tiny-1.0/debian").mkdir(parents=True)
    (folder / "source/tiny-1.0/debian/control").write_text("Source: tiny\n")
    _, result = finished(folder / "result")
    log = folder / "result/lintian.log"
    log.touch()
    summary = {
        "schema": SCHEMA, "good": True, "inputs": made.inputs(LINK, needs("1")),
        "debian": buildinputs.debian_hash(folder / "source"), "changes": str(result.changes),
        "checks": [{"name": "lintian", "log": str(log)}, {"name": "area", "log": None}],
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    monkeypatch.setattr(Repository, "has", lambda self, changes: True)
    return made


def needs(changes: str) -> tuple[Built, ...]:
    return (
        Built(
            name="other", release="3", source="other", version="3-1", package="python3-other",
            packages=("python3-other",), dsc="d", changes=changes, needs={}, how="h", seconds=1.0, file="f",
        ),
    )  # fmt: skip


def rewritten(folder: Path, **changes: Any) -> None:
    path = folder / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_package_that_has_not_changed_is_kept(shop: Workshop) -> None:
    kept = shop.kept(LINK, needs("1"), ("lintian",))
    assert kept is not None
    assert kept[0].source == "tiny"
    assert shop.record(LINK) == kept[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda shop, folder: setattr(shop, "fresh", True),
        lambda shop, folder: rewritten(folder, good=False),
        lambda shop, folder: rewritten(folder, schema=1),
        lambda shop, folder: rewritten(folder, inputs="other"),
        lambda shop, folder: rewritten(folder, checks=[]),
        lambda shop, folder: (folder / "summary.json").unlink(),
        lambda shop, folder: (folder / "result/lintian.log").unlink(),
        lambda shop, folder: (folder / "result/built.json").unlink(),
        lambda shop, folder: (folder / "source/tiny-1.0/debian/control").write_text("Source: edited\n"),
        lambda shop, folder: setattr(shop, "settings", replace(SETTINGS, itp=7)),
    ],
)
def test_a_package_of_which_something_has_changed_is_not_kept(
    shop: Workshop, change: Callable[[Workshop, Path], object]
) -> None:
    change(shop, shop.folder(LINK))
    assert shop.kept(LINK, needs("1"), ("lintian",)) is None


def test_what_was_built_before_decides_too(shop: Workshop) -> None:
    assert shop.kept(LINK, needs("2"), ("lintian",)) is None


def test_what_the_repository_has_not_is_not_kept(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repository, "has", lambda self, changes: False)
    assert shop.kept(LINK, needs("1"), ("lintian",)) is None
    assert shop.record(LINK) is None


def test_the_number_of_an_itp_is_that_of_what_was_asked_for(shop: Workshop) -> None:
    shop.settings = replace(SETTINGS, itp=7)
    assert shop.settings_for(LINK).itp == 7
    assert shop.settings_for(replace(LINK, asked=False)).itp is None


def test_a_package_built_before_counts_as_the_suites() -> None:
    match = match_of(needs("1")[0])
    assert (match.package, match.debian_version, match.upstream_version) == ("python3-other", "3-1", "3")
    assert match.distribution == "other"


def test_what_another_run_built_anew_is_not_checked_as_if_it_were_the_same(shop: Workshop) -> None:
    found = shop.record(LINK)
    assert found is not None
    made = Made(LINK, found, cast(Any, None), cast(Any, None), Path(), ())
    with shop.holding(made):
        pass
    with pytest.raises(WorkspaceError, match="built anew"), shop.holding(replace(made, built=replace(found, dsc="x"))):
        pass


def test_a_record_does_not_stand_beside_the_log_of_a_later_build(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("debgen.workshop.build", killed)
    monkeypatch.setattr(Workshop, "chroot", lambda self, flavour: None)
    shop.fresh = True
    written = cast(Any, SimpleNamespace(dsc=Path("tiny.dsc"), package=SimpleNamespace(distribution="")))
    with pytest.raises(KeyboardInterrupt):
        shop.build(LINK, (), written, shop.folder(LINK) / "result")
    assert shop.record(LINK) is None


def test_builds_are_not_made_with_what_another_run_put_there(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def only(self: Repository, sources: object) -> Iterator[Repository]:
        yield self

    @contextmanager
    def served(view: Repository) -> Iterator[None]:
        yield None

    monkeypatch.setattr(Repository, "only", only)
    monkeypatch.setattr("debgen.workshop.served", served)
    found = shop.record(LINK)
    assert found is not None
    with shop.seeing([found]):
        pass
    with pytest.raises(WorkspaceError, match="another run"), shop.seeing([replace(found, changes="other")]):
        pass
    monkeypatch.setattr(Repository, "has", lambda self, changes: False)
    with pytest.raises(WorkspaceError, match="another run"), shop.seeing([found]):
        pass


def lending(shop: Workshop, folder: Path, fields: str, crates: tuple[str, ...] = ()) -> None:
    """Have the workshop borrow, for a package with these Build-Depends and crates."""
    folder.mkdir(exist_ok=True)
    seen, bench = packages(folder), cast(Any, shop.bench)
    bench.packages, bench.lenders = seen, seen.lenders
    bench.client.sdist_of = lambda name, version: release(version)
    bench.reader = SimpleNamespace(read=lambda file: SimpleNamespace(crates=crates))
    shop.store = cast(Any, SimpleNamespace(mirror=SimpleNamespace(uri="https://example.org/debian")))
    (shop.folder(LINK) / "source/tiny_1.0-1.dsc").write_text(f"Source: tiny\nBuild-Depends: {fields}\n")


def test_what_is_borrowed_decides_only_who_asks_for_it(shop: Workshop, tmp_path: Path) -> None:
    alone = shop.inputs(LINK, needs("1"))
    lending(shop, tmp_path / "suites", "debhelper")
    assert shop.inputs(LINK, needs("1")) == alone
    assert shop.borrowed(shop.folder(LINK) / "source/tiny_1.0-1.dsc") is None
    lending(shop, tmp_path / "suites", "debhelper, librust-zip-dev")
    lent = shop.inputs(LINK, needs("1"))
    assert lent != alone
    assert shop.borrowed(shop.folder(LINK) / "source/tiny_1.0-1.dsc") is not None
    lending(shop, tmp_path / "suites", "debhelper", crates=("pyo3",))  # all of them may have been left out
    assert shop.inputs(LINK, needs("1")) == lent
    (shop.folder(LINK) / "source/tiny_1.0-1.dsc").unlink()
    assert shop.inputs(LINK, needs("1")) == lent


def test_a_build_stands_while_what_it_borrowed_is_there_in_the_same_version(shop: Workshop, tmp_path: Path) -> None:
    lending(shop, tmp_path / "suites", "librust-zip-dev")
    own = {"gcc": "16"}
    cast(Any, shop.bench.index).version_of = lambda package: own.get(package, "9.0.5-1")
    dsc = shop.folder(LINK) / "source/tiny_1.0-1.dsc"
    written = cast(Any, SimpleNamespace(dsc=dsc, package=SimpleNamespace(source="t", version="1", binary="b")))
    buildinfo = tmp_path / "buildinfo"
    buildinfo.write_text("Installed-Build-Depends:\n gcc (= 16),\n librust-zip-dev:amd64 (= 5.1.1-1)\n")
    result = cast(Any, SimpleNamespace(buildinfo=buildinfo, debs=(), changes=dsc, seconds=1.0))
    asked: list[list[str]] = []

    def together(clauses: list[str]) -> Any:
        asked.append(clauses)
        return SimpleNamespace(text="a depends on b")

    cast(Any, shop.bench).solver = SimpleNamespace(together=together)
    built = shop._recorded(LINK, (), written, result)
    assert built.borrowed == (Lent("librust-zip-dev", "5.1.1-1", "forky", "9.0.5-1"),)
    assert built.alone == "a depends on b"
    assert asked == [["librust-zip-dev"]]
    assert shop._holds(built, result, written, ())
    cast(Any, shop.bench).lenders, cast(Any, shop.bench).packages = (), BuildPackages(shop.bench.index)
    assert not shop._holds(built, result, written, ())
    lending(shop, tmp_path / "suites", "librust-zip-dev")
    buildinfo.write_text("Installed-Build-Depends:\n gcc (= 16),\n librust-zip-dev:amd64 (= 9.0.5-1)\n")
    assert not shop._holds(built, result, written, ())


def test_relations_on_what_was_built_here_are_not_asked_of_the_suite(shop: Workshop, tmp_path: Path) -> None:
    lending(shop, tmp_path / "suites", "librust-zip-dev, python3-other (>= 3), gcc [arm64]")
    asked: list[list[str]] = []
    cast(Any, shop.bench).solver = SimpleNamespace(together=asked.append)
    dsc = shop.folder(LINK) / "source/tiny_1.0-1.dsc"
    assert shop._alone(dsc, ["python3-other"]) == ""
    assert asked == [["librust-zip-dev"]]
