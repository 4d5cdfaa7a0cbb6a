"""The repository's folder, what it takes in and how it is served; apt-ftparchive and gpg are played."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import debgen.building.repository as repository_module
from debgen.archive.mirror import MirrorSettings
from debgen.building.mmdebstrap import mirror_options
from debgen.building.repository import Held, HeldBinary, Repository
from debgen.building.serving import newest_states, served, server
from debgen.cli import main
from debgen.cli.repo import instructions, table
from debgen.errors import BuildError, CommandError, IntegrityError, UsageError, WorkspaceError
from debgen.run import Completed
from debgen.workspace import held_open


class Tools:
    """Plays apt-ftparchive and gpg: indexes are lists of what is in the pool."""

    def __init__(self) -> None:
        self.fails = ""
        self.made = 0

    def __call__(self, argv: Any, *, cwd: Path | None = None, stdin: str | None = None, **_: Any) -> Completed:
        words = [str(word) for word in argv]
        if self.fails and self.fails in words:
            raise CommandError("it failed", returncode=1, output="")
        out = ""
        if "packages" in words and cwd:
            for path in sorted((cwd / "pool").rglob("*.deb")):
                name, version, architecture = path.stem.split("_")
                source = path.parent.parent.name
                out += f"Package: {name}\nSource: {source}\nVersion: {version}\nArchitecture: {architecture}\n\n"
        elif "--quick-generate-key" in words:
            self.made += 1
        elif "--export-secret-keys" in words:
            out = f"secret {self.made}"
        elif "--export" in words:
            out = f"public {self.made}"
        elif "--import" in words and not (stdin or "").startswith("secret"):
            raise CommandError("no valid OpenPGP data found", returncode=2, output="")
        elif "--list-secret-keys" in words:
            out = "sec:"
        elif "--output" in words:
            Path(words[words.index("--output") + 1]).write_text("signed")
        return Completed(tuple(words), 0, out, "")


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "out/sid/repository", "sid", "amd64")


def changes(folder: Path, source: str = "hello", version: str = "1.0-1", listed: str = "", **fields: str) -> Path:
    folder.mkdir(exist_ok=True)
    deb = folder / (listed or f"python3-{source}_{version.rpartition(':')[2]}_all.deb")
    data = f"{source} {version}".encode()
    if "/" not in listed:
        deb.write_bytes(data)
    path = folder / f"{source}_{version.rpartition(':')[2]}.changes"
    names = {"Source": source, "Version": version, **fields}
    head = "".join(f"{name}: {value}\n" for name, value in names.items())
    path.write_text(
        f"Format: 1.8\n{head}Checksums-Sha256:\n {hashlib.sha256(data).hexdigest()} {len(data)} {deb.name}\n"
        f"Files:\n {'0' * 32} {len(data)} python optional {listed or deb.name}\n"
    )
    return path


def test_what_is_added_is_listed_and_replaces_other_versions(
    repository: Repository, tools: Tools, tmp_path: Path
) -> None:
    assert repository.current is None
    assert repository.contents() == {}
    first = changes(tmp_path / "a")
    repository.add([first], tools)
    repository.add([changes(tmp_path / "b", "other", "2:3.0-1")], tools)
    assert repository.has(first)
    newer = changes(tmp_path / "a", version="1.1-1")
    repository.add([newer], tools)
    assert not repository.has(first)
    assert repository.has(newer)
    assert repository.held() == (
        Held("hello", "1.1-1", (HeldBinary("python3-hello", "1.1-1", "all"),)),
        Held("other", "3.0-1", (HeldBinary("python3-other", "3.0-1", "all"),)),  # the fake index has no epochs
    )
    assert not (repository.newest / "pool/other/2:3.0-1").exists()
    assert tools.made == 1
    assert repository.key.read_text() == "public 1"


def test_a_rebuild_of_the_same_version_is_another_build(repository: Repository, tools: Tools, tmp_path: Path) -> None:
    first = changes(tmp_path / "a")
    repository.add([first], tools)
    again = changes(tmp_path / "b", Date="today")
    assert not repository.has(again)
    assert not repository.has(tmp_path / "nothing.changes")


@pytest.mark.parametrize("fails", ["packages", "release", "--clearsign", "--detach-sign"])
def test_whatever_fails_leaves_it_as_it_was(repository: Repository, tools: Tools, tmp_path: Path, fails: str) -> None:
    repository.add([changes(tmp_path / "a")], tools)
    before = sorted(repository.directory.rglob("*"))
    tools.fails = fails
    with pytest.raises(CommandError):
        repository.add([changes(tmp_path / "b", "other")], tools)
    assert sorted(repository.directory.rglob("*")) == before
    assert repository.contents() == {"hello": "1.0-1"}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"source": "../../x"}, WorkspaceError),
        ({"source": "Hello"}, WorkspaceError),
        ({"version": "1.0/../../../x"}, WorkspaceError),
        ({"version": ".."}, WorkspaceError),
        ({"listed": "../key.secret"}, BuildError),
        ({"listed": ".hidden"}, BuildError),
        ({"Source": ""}, WorkspaceError),
    ],
)
def test_hostile_changes_are_refused(
    repository: Repository, tools: Tools, tmp_path: Path, fields: dict[str, str], error: type[Exception]
) -> None:
    path = tmp_path / "a" / "x.changes"
    made = changes(tmp_path / "a", **{k: v for k, v in fields.items() if k == "listed" or k == "Source"})
    text = made.read_text()
    for key, value in fields.items():
        if key in ("source", "version"):
            text = text.replace(
                {"source": "Source: hello", "version": "Version: 1.0-1"}[key], f"{key.title()}: {value}"
            )
    path.write_text(text)
    with pytest.raises(error):
        repository.add([path], tools)
    assert repository.current is None
    assert list((repository.directory / "states").iterdir()) == []


def test_a_file_that_differs_from_its_checksum_is_refused(repository: Repository, tools: Tools, tmp_path: Path) -> None:
    path = changes(tmp_path / "a")
    (tmp_path / "a/python3-hello_1.0-1_all.deb").write_bytes(b"half")
    with pytest.raises(IntegrityError, match="checksum differs"):
        repository.add([path], tools)
    (tmp_path / "a/python3-hello_1.0-1_all.deb").unlink()
    with pytest.raises(WorkspaceError, match="isn't beside it"):
        repository.add([path], tools)
    with pytest.raises(WorkspaceError, match="can't be read"):
        repository.add([tmp_path / "gone.changes"], tools)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WorkspaceError, match="can't be read"):
        repository.add([path], tools)


def test_others_can_read_it_whatever_the_umask_but_the_secret(
    repository: Repository, tools: Tools, tmp_path: Path
) -> None:
    listed = changes(tmp_path / "a")
    old = os.umask(0o077)
    try:
        repository.add([listed], tools)
    finally:
        os.umask(old)
    for path in (repository.directory, *(repository.newest.resolve()).rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert (repository.directory / "key.secret").stat().st_mode & 0o777 == 0o600


def test_a_lost_or_broken_key_is_made_anew_and_stands_in_the_state_it_signed(
    repository: Repository, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = changes(tmp_path / "a")
    first = repository.add([listed], tools)
    (repository.directory / "key.secret").write_text("half of it")
    second = repository.add([listed], tools)
    assert (first / "key.asc").read_text() == "public 1"
    assert (second / "key.asc").read_text() == repository.key.read_text() == "public 2"
    assert "a new one is made" in capsys.readouterr().err
    (repository.directory / "key.secret").unlink()
    repository.add([listed], tools)
    assert tools.made == 3


def test_old_states_go_but_those_that_are_read(repository: Repository, tools: Tools, tmp_path: Path) -> None:
    listed = changes(tmp_path / "a")
    first = repository.add([listed], tools)
    (repository.directory / "states/.0099.killed").mkdir()
    (repository.directory / ".current.123").symlink_to("states/0001")
    (repository.directory / "view-killed").mkdir()
    with repository.reading() as state:
        assert state == first
        for _ in range(5):
            repository.add([listed], tools)
        assert [path.name for path in repository.states()] == ["0001", "0004", "0005", "0006"]
    repository.add([listed], tools)
    assert [path.name for path in repository.states()] == ["0005", "0006", "0007"]
    assert {path.name for path in repository.directory.iterdir()} == {"states", "current", "key.secret", ".lock"}


def test_a_view_has_only_what_is_asked_for(repository: Repository, tools: Tools, tmp_path: Path) -> None:
    repository.add([changes(tmp_path / "a"), changes(tmp_path / "a", "other")], tools)
    with repository.only(["other", "nothing"], tools) as view:
        assert view.contents() == {"other": "1.0-1"}
        assert view.key.read_text() == "public 1"
        repository.add([changes(tmp_path / "a", version="2.0-1")], tools)  # a sweep meanwhile
        assert view.current is not None
    assert not view.directory.exists()
    assert repository.contents() == {"hello": "2.0-1", "other": "1.0-1"}
    repository.remove(["other", "nothing"], tools)
    assert repository.contents() == {"hello": "2.0-1"}


@contextmanager
def _served(repository: Repository, told: list[str]) -> Iterator[str]:
    with server(newest_states(repository), tell=told.append) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}"
        finally:
            http.shutdown()
            thread.join()


def _get(url: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_newest_state_is_served_and_older_files_are_still_found(
    repository: Repository, tools: Tools, tmp_path: Path
) -> None:
    repository.add([changes(tmp_path / "a")], tools)
    told: list[str] = []
    with _served(repository, told) as uri:
        old = "/pool/hello/1.0-1/python3-hello_1.0-1_all.deb"
        assert _get(uri + old) == (200, b"hello 1.0-1")
        repository.add([changes(tmp_path / "a", version="1.1-1")], tools)
        packages = _get(
            f"{uri}/dists/sid/main/binary-amd64/Packages", **{"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
        )
        assert packages[0] == 200
        assert b"1.1-1" in packages[1]
        assert _get(uri + old)[0] == 200
        assert _get(uri + "/key.asc") == (200, b"public 1")
        for path in ("/../../key.secret", "/%2e%2e/%2e%2e/key.secret", "/nothing"):
            assert _get(uri + path)[0] == 404
        assert _get(uri + "/%1b%5b31m")[0] == 404
    assert told[0].startswith("127.0.0.1 ")
    assert all("\x1b" not in line for line in told)


def test_a_state_that_is_served_to_chroots_stays_the_same(repository: Repository, tools: Tools, tmp_path: Path) -> None:
    with served(repository) as source:
        assert source is None
    repository.add([changes(tmp_path / "a")], tools)
    with served(repository) as source:
        assert source is not None
        for version in ("1.1-1", "1.2-1", "1.3-1", "1.4-1"):
            repository.add([changes(tmp_path / "a", version=version)], tools)
        assert b"1.0-1" in _get(f"{source.uri}dists/sid/main/binary-amd64/Packages")[1]
        assert source.key.read_text() == "public 1"


def test_a_proxy_of_the_machine_is_not_asked_for_it() -> None:
    def options(*acquire: tuple[str, str]) -> tuple[str, ...]:
        keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
        return mirror_options(MirrorSettings("http://m.example/debian", True, acquire, (), keyring, "amd64"))

    direct = '--aptopt=Acquire::http::Proxy::127.0.0.1 "DIRECT"'
    assert direct in options(("Acquire::http::Proxy", "http://proxy.example:3128/"))
    assert direct not in options()


def test_an_address_that_cannot_be_had_is_said(repository: Repository) -> None:
    for address, port in (("203.0.113.7", 0), ("127.0.0.1", 99999), ("no such host", 0)):
        with pytest.raises(UsageError, match="can't serve at"):
            server(newest_states(repository), address=address, port=port)


def test_the_verb_lists_and_names_what_was_built(
    repository: Repository, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Settings:
        architecture = "amd64"

    monkeypatch.setattr("debgen.cli.repo.mirror_settings", lambda args: Settings)
    options = ["-o", str(tmp_path / "out")]
    monkeypatch.setattr("debgen.cli.repo.resolve_suite", lambda suite, settings: "sid")
    assert main(["repo", "list", *options]) == UsageError.exit_code
    assert "nothing has been built for sid" in capsys.readouterr().err
    repository.add([changes(tmp_path / "a")], tools)
    assert main(["repo", "list", "--dist", "unstable", *options]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["hello", "1.0-1", "python3-hello"]
    assert main(["repo", "list", "--json", *options]) == 0
    (package,) = json.loads(capsys.readouterr().out)["packages"]
    assert package["binaries"] == [{"package": "python3-hello", "version": "1.0-1", "architecture": "all"}]
    assert main(["repo", "path", *options]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == str(repository.newest)
    assert f"deb [signed-by={repository.key}] {repository.newest.as_uri()} sid main" in out
    assert main(["repo", "path", "--json", *options]) == 0
    assert json.loads(capsys.readouterr().out)["key"] == str(repository.key)


def test_what_the_other_machine_has_to_run() -> None:
    text = instructions("http://builder:8180/", "sid", ["python3-hello"])
    assert "download-file http://builder:8180/key.asc /etc/apt/keyrings/debgen-sid.asc" in text
    assert "Signed-By: /etc/apt/keyrings/debgen-sid.asc" in text
    assert text.endswith("apt update\napt install python3-hello\n")
    assert table(()) == "The repository is empty."


def test_what_a_reader_runs_into_is_its_own_matter(repository: Repository, tools: Tools, tmp_path: Path) -> None:
    repository.add([changes(tmp_path / "a")], tools)
    with pytest.raises(FileNotFoundError), repository.reading():
        (tmp_path / "nothing").read_text()


def test_a_view_that_is_being_made_is_not_swept_away(
    repository: Repository, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.add([changes(tmp_path / "a")], tools)
    held = held_open
    adding: list[threading.Thread] = []

    @contextmanager
    def late(folder: Path) -> Iterator[None]:
        if folder.name.startswith("view-"):  # another thread adds while it isn't held yet
            adding.append(threading.Thread(target=repository.add, args=([changes(tmp_path / "b", "other")], tools)))
            adding[-1].start()
            adding[-1].join(0.5)
        with held(folder):
            yield

    monkeypatch.setattr(repository_module, "held_open", late)
    with repository.only(["hello"], tools) as view:
        assert view.contents() == {"hello": "1.0-1"}
    adding[0].join()
    assert set(repository.contents()) == {"hello", "other"}


def test_the_newest_state_stays_below_a_link_too(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    repository = Repository(tmp_path / "link/sid/repository", "sid", "amd64")
    repository.add([changes(tmp_path / "a")], tools)
    for number in (2, 3, 4):  # states of runs that were killed before the link named them
        (repository.directory / f"states/{number:04}").mkdir()
    repository.add([changes(tmp_path / "b", "other")], tools)
    assert set(repository.contents()) == {"hello", "other"}


@pytest.mark.parametrize("folder", ["with space", "a,b", "x[1]"])
def test_a_path_that_apt_would_take_apart_is_not_given(tools: Tools, tmp_path: Path, folder: str) -> None:
    repository = Repository(tmp_path / folder / "repository", "sid", "amd64")
    repository.add([changes(tmp_path / "a")], tools)
    repository.key.write_text("-----BEGIN-----\n\nabc\n-----END-----\n")
    assert repository.line == ""
    assert repository.stanza.endswith("Signed-By:\n -----BEGIN-----\n .\n abc\n -----END-----\n")
    assert f"URIs: {repository.newest.as_uri()}\n" in repository.stanza


def test_a_plain_path_is_given(repository: Repository, tools: Tools, tmp_path: Path) -> None:
    repository.add([changes(tmp_path / "a")], tools)
    assert repository.line == f"deb [signed-by={repository.key}] {repository.newest.as_uri()} sid main"
    assert repository.stanza.endswith(f"Signed-By: {repository.key}\n")


def test_the_homes_of_gpg_that_were_left_behind_go(
    repository: Repository, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("left", "held", "young"):
        (tmp_path / f"debgen-gpg-{name}").mkdir()
    for name in ("left", "held"):
        os.utime(tmp_path / f"debgen-gpg-{name}", (1, 1))
    with held_open(tmp_path / "debgen-gpg-held"):
        repository.add([changes(tmp_path / "a")], tools)
    assert {path.name for path in tmp_path.glob("debgen-gpg-*")} == {"debgen-gpg-held", "debgen-gpg-young"}
