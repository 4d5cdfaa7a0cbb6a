"""The archive's own packages beside upstream's wheels, and the suite's Sources index as its mirror has it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from clock import cpu_seconds

from debgen.archive.aptroot import AptRoot
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.archive.sources import open_sources
from debgen.archive.versions import upstream_version
from debgen.building.contents import compare
from debgen.building.contentsreport import ContentsReport, Kind
from debgen.building.debfiles import read_debs
from debgen.run import run
from debgen.upstream.index import IndexClient
from debgen.upstream.model import Target
from debgen.upstream.wheel import best_wheel

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def settings() -> MirrorSettings:
    return mirror_settings(ignore_valid_until=True)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that apt's own user can enter."""
    with tempfile.TemporaryDirectory(prefix="debgen-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def fetched(package: str, settings: MirrorSettings, folder: Path) -> Path:
    root = AptRoot("trixie", settings)
    root.update()
    run(["apt-get", "download", "--quiet", package], cwd=folder, env=root.apt_env())
    return next(folder.glob(f"{package}_*.deb"))


def report(deb: Path, distribution: str, folder: Path) -> ContentsReport:
    client = IndexClient()
    version = upstream_version(read_debs([deb]).debs[0].version)
    wheel = best_wheel(client.files(distribution), version, Target("3.13", "amd64"))
    assert wheel is not None
    return compare([deb], wheel, client, folder)


def test_sources_are_read_in_seconds_and_opened_in_a_blink(
    settings: MirrorSettings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBGEN_CACHE", str(folder / "cache"))
    root = AptRoot("sid", settings, sources_only=True)
    root.update()
    began = cpu_seconds()
    with open_sources("sid", settings) as sources:
        built = cpu_seconds() - began
        record = sources.record("python-cloudpickle") or sources.record("cloudpickle")
        assert record is not None
        assert "python3-cloudpickle" in record.binary_names
        assert "python3-all" in record.build_depends
        assert record.section_of("python3-cloudpickle") == "python"
        assert len(sources.names()) > 30_000
    began = cpu_seconds()
    with open_sources("sid", settings) as sources:
        assert sources.record("glibc")
    assert built < 30
    assert cpu_seconds() - began < 1


def test_a_package_of_the_archive_is_complete(settings: MirrorSettings, folder: Path) -> None:
    found = report(fetched("python3-httpcore", settings, folder), "httpcore", folder / "none")
    assert found.good, found.as_text()
    assert found.compared[Kind.MODULE] > 20


def test_a_package_without_its_extension_module_is_hollow(settings: MirrorSettings, folder: Path) -> None:
    deb = fetched("python3-markupsafe", settings, folder)
    whole = report(deb, "markupsafe", folder / "none")
    assert Kind.EXTENSION not in [lack.kind for lack in whole.lacks]
    assert whole.compared[Kind.EXTENSION] == 1
    run(["dpkg-deb", "--raw-extract", deb, folder / "tree"])
    for module in (folder / "tree").rglob("*.so"):
        module.unlink()
    hollow = folder / "hollow_1_amd64.deb"
    run(["dpkg-deb", "--root-owner-group", "--build", folder / "tree", hollow])
    found = compare(
        [hollow], best_wheel(IndexClient().files("markupsafe"), whole.against.split("-")[1], Target("3.13", "amd64")),
        IndexClient(), folder / "none",
    )  # fmt: skip
    (lack,) = set(found.lacks) - set(whole.lacks)
    assert lack.kind is Kind.EXTENSION
    assert "_speedups" in lack.path
