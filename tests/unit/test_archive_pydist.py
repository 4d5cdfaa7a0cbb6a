"""dh-python's table: read, kept, and done without where it can't be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from debgen.archive.aptroot import AptRoot
from debgen.archive.mirror import MirrorSettings
from debgen.archive.pydist import Pydist, parse_table, pydist_table
from debgen.errors import CommandError, MissingToolError
from debgen.run import Completed

TABLE = """\
argparse python3 (>= 3.2)
PyYAML python3-yaml
zope.interface   python3-zope.interface; PEP386
bar -3.2 python3-oldbar
baz 3.2- python3-newbaz
backport_ipaddress 3.3-
two python3-two | python3-too
two python3-second

# a remark
"""
PARSED = {
    "argparse": "python3",
    "pyyaml": "python3-yaml",
    "zope-interface": "python3-zope.interface",
    "two": "python3-two",
}


def test_lines_as_dh_python_documents_them() -> None:
    assert parse_table(TABLE) == PARSED


@pytest.fixture
def root(tmp_path: Path) -> AptRoot:
    settings = MirrorSettings("https://mirror.example/debian", False, (), (), tmp_path / "keyring.gpg", "amd64")
    return AptRoot("sid", settings)


class Tools:
    """apt-get and dpkg-deb, which fetch and unpack what ``files`` says; ``calls`` are their arguments."""

    def __init__(self, files: Mapping[str, str], *, failure: Exception | None = None) -> None:
        self.files, self.failure = files, failure
        self.calls: list[list[str]] = []

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:
        self.calls.append([str(word) for word in argv])
        if self.failure:
            raise self.failure
        if argv[0] == "apt-get":
            assert cwd is not None
            assert env is not None
            assert env["APT_CONFIG"].endswith("apt.conf")
            (cwd / "dh-python_7_all.deb").touch()
        else:
            for name, text in self.files.items():
                path = Path(argv[-1]) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if text.startswith("-> "):
                    path.symlink_to(text[3:])
                else:
                    path.write_text(text)
        return Completed(tuple(map(str, argv)), 0, "", "")


FALLBACK = "usr/share/dh-python/dist/cpython3_fallback"


def test_it_is_fetched_once_for_each_version(root: AptRoot) -> None:
    tools = Tools({FALLBACK: TABLE})
    assert pydist_table(root, "7.1", run=tools) == Pydist(PARSED)
    assert pydist_table(root, "7.1", run=tools) == Pydist(PARSED)
    assert [call[:3] for call in tools.calls] == [
        ["apt-get", "download", "dh-python=7.1"],
        ["dpkg-deb", "--extract", tools.calls[1][2]],
    ]
    pydist_table(root, "7.2", run=tools)
    assert len(tools.calls) == 4


@pytest.mark.parametrize(
    ("files", "failure", "reason"),
    [
        ({}, None, "has no file"),
        ({FALLBACK: "-> /etc/passwd"}, None, "has no file"),
        (
            {},
            CommandError("apt-get failed", returncode=100, output="Err:1\nE: Unable to fetch\nW: odd"),
            "Unable to fetch",
        ),
        ({}, MissingToolError("dpkg-deb is not installed"), "dpkg-deb is not installed"),
    ],
)
def test_without_it_there_is_a_note_and_no_failure(
    root: AptRoot, files: dict[str, str], failure: Exception | None, reason: str
) -> None:
    found = pydist_table(root, "7.1", run=Tools(files, failure=failure))
    assert found.packages == {}
    assert reason in found.note
    assert "\n" not in found.note
    assert pydist_table(root, "7.1", run=Tools({FALLBACK: TABLE})) == Pydist(PARSED), "a failure was kept"


def test_a_suite_without_dh_python(root: AptRoot) -> None:
    assert "sid has no dh-python" in pydist_table(root, None, run=Tools({})).note


def test_a_version_that_is_none_starts_nothing(root: AptRoot) -> None:
    tools = Tools({FALLBACK: TABLE})
    assert "not a Debian version" in pydist_table(root, "7 -o Dir=/", run=tools).note
    assert tools.calls == []
