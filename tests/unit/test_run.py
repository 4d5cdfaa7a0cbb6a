"""What is said when a program is missing. What starts processes is tested in tests/integration."""

from __future__ import annotations

from pathlib import Path

import pytest

from debgen.errors import MissingToolError
from debgen.run import PACKAGE_OF_TOOL, _last_lines, missing_tool, require_tools


def test_a_missing_tool_names_its_package() -> None:
    error = missing_tool("/usr/bin/bwrap")
    assert str(error) == "bwrap is not installed"
    assert "apt install bubblewrap" in error.hint
    assert "apt install sbuild" in missing_tool("sbuild").hint


def test_all_missing_tools_are_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    present = tmp_path / "sbuild"
    present.write_text("#!/bin/sh\n")
    present.chmod(0o755)
    (tmp_path / "lintian").write_text("not executable")
    monkeypatch.setenv("PATH", str(tmp_path))
    require_tools("sbuild")
    with pytest.raises(MissingToolError) as caught:
        require_tools("dpkg-source", "sbuild", "dpkg-genchanges", "lintian", "newuidmap")
    assert str(caught.value) == "not installed: dpkg-source, dpkg-genchanges, lintian, newuidmap"
    assert "apt install dpkg-dev lintian uidmap " in caught.value.hint


def test_every_tool_of_the_table_has_another_name() -> None:
    assert all(tool != package for tool, package in PACKAGE_OF_TOOL.items())


def test_last_lines() -> None:
    assert _last_lines("a\nb\nc\n\n", 2) == "b\nc"
    assert _last_lines("", 2) == ""
