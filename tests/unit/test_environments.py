from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from debgen.errors import IntegrityError, UsageError
from debgen.run import Completed
from debgen.upstream.configuration import IndexSettings
from debgen.upstream.environments import (
    MARKER,
    EnvironmentStore,
    Record,
    bent_requirements,
    data_root,
    default_name,
    lock,
    pinned,
    request_of,
    run_time_pins,
    size_of,
    unknown,
    write_tree,
)
from debgen.upstream.index import IndexClient
from debgen.upstream.install import Installer, pins_of
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.proxy import Releases

SID = Target("3.14", "amd64")


def record(name: str = "vllm-0.8.0-sid-cpu", **more: str) -> Record:
    fields = {
        "requirement": "vllm==0.8.0", "root": "vllm", "version": "0.8.0", "suite": "sid", "variant": "cpu",
        "python": "3.14", "architecture": "amd64", "created": "2026-11-21T00:00:00+00:00",
    }  # fmt: skip
    return Record(name, **{**fields, **more})


def made(store: EnvironmentStore, kept: Record) -> Path:
    with store.making(kept.name) as folder:
        (folder / "plan.json").write_text("{}")
        store.write_record(folder, kept)
    return store.path(kept.name)


@pytest.fixture
def store(tmp_path: Path) -> EnvironmentStore:
    return EnvironmentStore(tmp_path / "data")


def test_where_they_are() -> None:
    assert data_root({"DEBGEN_DATA": "/d", "XDG_DATA_HOME": "/x"}) == Path("/d")
    assert data_root({"XDG_DATA_HOME": "/x", "HOME": "/h"}) == Path("/x/debgen")
    assert data_root({"HOME": "/h"}) == Path("/h/.local/share/debgen")


@pytest.mark.parametrize(
    ("text", "means"),
    [("0.8.0", "vllm==0.8.0"), ("0.6.6.post1", "vllm==0.6.6.post1"), ("click==8.1.8", "click==8.1.8"), ("a", "a")],
)
def test_a_version_is_one_of_the_root(text: str, means: str) -> None:
    assert request_of(text, "vllm") == means


def test_what_is_made_is_found_and_removed(store: EnvironmentStore) -> None:
    assert store.list() == ()
    first, second = record(), record("vllm-0.8.0-trixie-cuda", suite="trixie", variant="cuda")
    other = record("mine", requirement="fastapi[standard]==1", root="fastapi", version="1")
    for kept in (second, first, other):
        made(store, kept)
    assert store.list() == (other, first, second)
    assert store.get(first.name) == first
    assert store.find(first.name, root="vllm") == (first,)
    assert store.find("0.8.0", root="vllm") == (first, second)
    assert store.find("0.8.0", root="vllm", suite="trixie") == (second,)
    assert store.find("vLLM==0.8.0", root="x", variant="cpu") == (first,)
    assert store.find("fastapi[standard]==1", root="x") == (other,)
    assert store.find("0.9", root="vllm") == ()
    assert store.remove(first.name) == store.folder / first.name
    assert store.list() == (other, second)
    with pytest.raises(UsageError, match="there is no environment"):
        store.remove(first.name)
    assert "debgen envs create 0.9" in unknown("0.9").hint
    assert "create" not in unknown("vllm-0.9-sid-cpu").hint  # that is no release


def test_only_what_debgen_made_is_replaced_or_removed(store: EnvironmentStore, tmp_path: Path) -> None:
    foreign = store.folder / "foreign"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("years of work")
    moved = made(store, record()).rename(store.folder / "moved")
    (store.folder / "link").symlink_to(moved)
    elsewhere = EnvironmentStore(tmp_path / "elsewhere")
    real = made(elsewhere, record("linked"))
    (store.folder / "linked").symlink_to(real)
    for text in ("{", "[]", '{"schema": 2}', '{"schema": 1, "name": "foreign"}', '{"schema": 1, "name": 3}'):
        (foreign / MARKER).write_text(text)
        for name in ("foreign", "moved", "link", "linked"):
            with pytest.raises(UsageError, match="not made by debgen"):
                store.remove(name)
            with pytest.raises(UsageError, match="not made by debgen"), store.making(name):
                raise AssertionError("it was begun")
    assert store.list() == ()
    assert (foreign / "thesis.txt").exists()
    assert moved.is_dir()
    assert elsewhere.list() == (record("linked"),)


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc", "-x", ".hidden", "A", "a b", "x" * 129])
def test_names_that_are_none(store: EnvironmentStore, name: str) -> None:
    for action in (store.get, store.remove):
        with pytest.raises(UsageError, match="can't be the name"):
            action(name)


def test_a_failure_leaves_what_was_there(store: EnvironmentStore) -> None:
    folder = made(store, record())

    def fail() -> None:
        with store.making(folder.name) as work:
            (work / "plan.json").write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (folder / "plan.json").read_text() == "{}"
    made(store, record(created="2026-11-22T00:00:00+00:00"))
    assert [kept.created[:10] for kept in store.list()] == ["2026-11-22"]
    assert {path.name for path in store.folder.iterdir()} == {folder.name, f".{folder.name}.lock"}


def test_sizes_count_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    alone = size_of(tmp_path)
    assert 100_000 <= alone < 200_000
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("/usr")
    assert size_of(tmp_path) == alone


# --- from a plan


def asked(parent: str | None, specifier: str = "", *extras: str, extra: str = "", kind: str = "run") -> dict[str, Any]:
    return {"name": parent, "specifier": specifier, "extras": list(extras), "extra": extra, "kind": kind}


PLAN: dict[str, Any] = {
    "root": "app", "suite": "sid", "variant": {"name": "cpu"},
    "distributions": [
        {"name": "app", "version": "1.0", "required_by": [asked(None)]},
        {"name": "flit-core", "version": "3", "required_by": [asked("app", kind="build")]},
        {"name": "loop", "version": "2", "required_by": [asked("web", ">=1", extra="fast"), asked("loop")]},
        {"name": "tomli", "version": "9", "required_by": [asked("flit-core")]},
        {"name": "web", "version": "4", "required_by": [asked("app", "<5", "fast")]},
    ],
}  # fmt: skip


def test_what_only_builds_need_is_not_in_the_environment() -> None:
    assert run_time_pins(PLAN) == {"app": "1.0", "loop": "2", "web": "4"}
    assert default_name(PLAN) == "app-1.0-sid-cpu"


def test_the_pinned_requirement_keeps_its_extras() -> None:
    assert pinned(record(requirement="vLLM[Audio,video]>=0.7")) == "vllm[audio,video]==0.8.0"


class Client(IndexClient):
    """An index with given files."""

    def __init__(self, *files: str, hashed: bool = True) -> None:
        super().__init__(IndexSettings("https://x.example/simple/"))
        self.names = files
        self.hashed = hashed

    def files(self, name: str) -> tuple[ReleaseFile, ...]:
        return tuple(
            ReleaseFile(file, f"https://x.example/{file}", file.split("-")[1].removesuffix(".tar.gz"),
                        FileKind.WHEEL if file.endswith(".whl") else FileKind.SDIST,
                        f"{number:064x}" if self.hashed else None)
            for number, file in enumerate(self.names) if file.startswith(f"{name}-")
        )  # fmt: skip


def test_the_lock_has_the_hashes_of_what_fits_the_machine() -> None:
    client = Client(
        "web-4-py3-none-any.whl", "web-4.tar.gz", "app-1.0-cp314-cp314-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl",
        "app-1.0-cp314-cp314-manylinux_2_28_aarch64.whl", "app-1.0-cp314-cp314-macosx_11_0_x86_64.whl",
        "app-1.1-py3-none-any.whl", "app-1.0.0-cp312-abi3-linux_x86_64.whl",
    )  # fmt: skip
    text = lock({"app": "1.0", "web": "4"}, client, SID)
    assert text == (
        f"app==1.0 \\\n    --hash=sha256:{2:064x} \\\n    --hash=sha256:{6:064x}\n"
        f"web==4 \\\n    --hash=sha256:{0:064x} \\\n    --hash=sha256:{1:064x}\n"
    )
    assert pins_of(text) == {"app": "1.0", "web": "4"}
    with pytest.raises(IntegrityError, match=r"no SHA-256 for web 4"):
        lock({"web": "4"}, Client("web-4.tar.gz", hashed=False), SID)
    with pytest.raises(IntegrityError):
        lock({"app": "2"}, client, SID)


def test_the_metadata_is_that_of_the_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    published = {
        "app": CoreMetadata("App", "1.0", ">=3.9", (), ("cuda-only==1",)),  # the plan's variant doesn't ask for it
        "loop": CoreMetadata("loop", "2"),
        "web": CoreMetadata("web", "4", "", ("fast", "slow"), (
            "loop>=0.5; extra == 'fast'", "crawl; extra == 'slow'", "win; sys_platform == 'win32' and extra == 'slow'",
        )),
    }  # fmt: skip
    monkeypatch.setattr(Releases, "metadata", lambda self, name, version: published[name])
    write_tree(tmp_path / "m", PLAN, run_time_pins(PLAN), Releases(Client(), SID), SID)
    texts = {path.parent.name: path.read_text() for path in (tmp_path / "m").glob("*/METADATA")}
    assert texts.keys() == {"app-1.0.dist-info", "loop-2.dist-info", "web-4.dist-info"}
    assert "Requires-Dist: web[fast]<5\n" in texts["app-1.0.dist-info"]
    assert "cuda-only" not in texts["app-1.0.dist-info"]
    lines = [line for line in texts["web-4.dist-info"].splitlines() if line.startswith("Requires-Dist")]
    assert lines == ['Requires-Dist: loop>=1; extra == "fast"', 'Requires-Dist: crawl; extra == "slow"']


def test_the_password_of_the_index_is_not_among_the_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "http://elsewhere.example/")
    calls: list[tuple[list[str], dict[str, str]]] = []

    def run(argv: Any, *, env: Any = None, **more: Any) -> Completed:
        calls.append(([os.fspath(word) for word in argv], env))
        return Completed((), 0, "", "")

    settings = IndexSettings("https://x.example:8/simple/", "me", "p@ss", "/ca.pem")
    Installer(settings, run).install(tmp_path / "lock", tmp_path / "venv", "python3.12")
    for words, env in calls:
        assert "p@ss" not in " ".join(words)
        assert env["UV_DEFAULT_INDEX"] == "https://me:p%40ss@x.example:8/simple/"
        assert (env["SSL_CERT_FILE"], env["UV_PYTHON_DOWNLOADS"]) == ("/ca.pem", "never")
        assert words[0] == "env"
        assert "--unset=UV_EXTRA_INDEX_URL" in words
        assert "--no-config" in words
    assert {"--no-build", "--no-deps", "--require-hashes", "--no-compile-bytecode"} <= set(calls[1][0])
    assert "--relocatable" in calls[0][0]


def test_what_the_root_asks_for_in_vain() -> None:
    def node(name: str, version: str, *asked: tuple[str, str, str]) -> dict[str, Any]:
        return {"name": name, "version": version, "required_by": [
            {"name": parent, "specifier": specifier, "kind": kind} for parent, specifier, kind in asked
        ]}  # fmt: skip

    plan = {"root": "app", "distributions": [
        node("gone", "2.0", ("app", "==1.0", "run")), node("fine", "2.0", ("app", ">=1", "run")),
        node("other", "2.0", ("fine", "==1.0", "run")), node("tool", "2.0", ("app", "==1.0", "build")),
        node("rc", "3.0rc1", ("app", ">=3.0rc1", "run")), node("none", "", ("app", "==1", "run")),
    ]}  # fmt: skip
    assert bent_requirements(plan) == ("gone",)
