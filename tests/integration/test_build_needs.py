"""The crates and libraries of real sdists, judged against the real sid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from caches import own_cache

from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import mirror_settings
from debgen.archive.relation import parse_clause
from debgen.planning.build_needs import crate_candidates, judge_crates, relations_for_crate
from debgen.planning.model import BuildNeed, Supply
from debgen.planning.system_needs import judge_libraries
from debgen.upstream.buildfacts import BuildReader
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.index import IndexClient

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def sid() -> Iterator[SuiteIndex]:
    """The index, in a cache in which no sdist and nothing that was read from one is."""
    with own_cache("sid") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEBGEN_CACHE", str(folder))
        with open_suite("sid", mirror_settings(ignore_valid_until=True)) as index:
            yield index


def facts_of(name: str, version: str) -> BuildFacts:
    client = IndexClient()
    return BuildReader(client).read(client.sdist_of(name, version))


def judged(index: SuiteIndex, name: str, version: str) -> dict[str, BuildNeed]:
    """The crates' needs by name, each package taken for installable."""
    facts = facts_of(name, version)
    needs = judge_crates(index, facts.crates, index.architecture, lambda package: None)
    candidates = crate_candidates(index, facts.crates, index.architecture)
    for need in needs:
        assert need.reason
        assert (index.binary(need.package) is not None) is bool(need.package)
        assert need.package in ("", *candidates)
        for relation in relations_for_crate(index, need):
            (clause,) = parse_clause(relation)
            assert any(clause.allows(p.version) for p in index.provided(clause.name)), relation
    return {need.name: need for need in needs}


def unsatisfied(needs: dict[str, BuildNeed]) -> dict[str, str]:
    return {name: need.supply.value for name, need in needs.items() if need.supply is not Supply.SATISFIED}


def test_openai_harmony(sid: SuiteIndex) -> None:
    """A build in sid succeeds after these two bounds are loosened, and no other."""
    needs = judged(sid, "openai-harmony", "0.0.8")
    assert len(needs) >= 15
    assert unsatisfied(needs) == {"fancy-regex": "relaxable", "pyo3": "relaxable"}
    assert "has 0.28.2, above 0.25.0: loosen it to >=0.25, <0.29" in needs["pyo3"].reason
    assert "has 0.11.0, below 0.13.0: loosen it to >=0.11, <0.14" in needs["fancy-regex"].reason
    assert needs["reqwest"].package == "librust-reqwest-0.12-dev"
    assert needs["rustc-hash"].package == "librust-rustc-hash-1-dev"
    assert relations_for_crate(sid, needs["serde"]) == (
        "librust-serde-1+default-dev (>= 1.0.219~)",
        "librust-serde-1+derive-dev (>= 1.0.219~)",
    )


def test_outlines_core(sid: SuiteIndex) -> None:
    """It takes the crate tokenizers, which isn't in the archive."""
    needs = judged(sid, "outlines-core", "0.2.14")
    missing = {name for name, supply in unsatisfied(needs).items() if supply == "missing"}
    assert missing == {"hf-hub", "serde-pyobject", "tokenizers"}
    assert "generate-import-lib" in needs["pyo3"].reason


@pytest.mark.parametrize(
    ("name", "version", "not_satisfied"),
    [
        (
            "tokenizers",
            "0.23.3",
            {
                "compact_str",
                "fancy-regex",
                "getrandom",
                "hf-hub",
                "indicatif",
                "monostate",
                "ndarray",
                "numpy",
                "pyo3",
                "pyo3-async-runtimes",
                "pyo3-build-config",
                "pyo3-ffi",
                "rand",
            },
        ),
        ("blake3", "1.0.11", {"pyo3"}),
        (
            "hf-xet",
            "1.8.0",
            {"gearhash", "git-version", "human-bandwidth", "oneshot", "pprof", "pyo3", "redb", "signal-hook"},
        ),
    ],
)
def test_others(sid: SuiteIndex, name: str, version: str, not_satisfied: set[str]) -> None:
    needs = judged(sid, name, version)
    assert set(unsatisfied(needs)) == not_satisfied
    assert Counter(need.supply for need in needs.values())[Supply.SATISFIED] >= 3


def test_libraries(sid: SuiteIndex) -> None:
    needs = {need.name: need for need in judge_libraries(sid, facts_of("pillow", "12.1.0").libraries)}
    packages = {name: need.package for name, need in needs.items()}
    assert packages.items() >= {
        ("z", "zlib1g-dev"),
        ("tiff", "libtiff-dev"),
        ("lcms2", "liblcms2-dev"),
        ("freetype", "libfreetype-dev"),
    }
    assert needs["z"].version == sid.version_of("zlib1g-dev")
