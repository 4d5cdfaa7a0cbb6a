"""A build that really fails, and what the suite's real index says it lacks."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from debgen.archive.index import open_suite
from debgen.archive.mirror import mirror_settings
from debgen.archive.names import find
from debgen.building.chroots import ChrootStore
from debgen.building.logreading import Stage
from debgen.building.lookup import look_of
from debgen.building.mend import mends
from debgen.building.sbuild import build
from debgen.errors import BuildError
from debgen.run import run
from debgen.workspace import cache_directory

pytestmark = pytest.mark.integration

PACKAGE = Path(__file__).parent / "data" / "hello-tiny"


def test_a_failed_build_is_told_what_it_lacks(tmp_path: Path) -> None:
    mirror = mirror_settings(ignore_valid_until=True)
    store = ChrootStore(cache_directory("chroots"), mirror)
    tree = tmp_path / "hello-tiny-1.0"
    shutil.copytree(PACKAGE, tree)
    (tree / "tests/test_hello.py").write_text(
        "import subprocess\n\nimport yaml\n\n\ndef test_it(mocker):\n    subprocess.run(['git', 'init'], check=True)\n"
    )
    (tree / "tests/test_more.py").write_text(
        "import subprocess\n\n\ndef test_it(mocker):\n    pass\n\n\n"
        "def test_git():\n    subprocess.run(['git', 'init'], check=True)\n"
    )
    (tree / "pytest.ini").write_text("[pytest]\naddopts = --continue-on-collection-errors\n")
    with tarfile.open(tmp_path / "hello-tiny_1.0.orig.tar.gz", "w:gz") as archive:
        archive.add(tree, tree.name, filter=lambda member: None if "/debian" in member.name else member)
    run(["dpkg-source", "--build", tree.name], cwd=tmp_path)
    with pytest.raises(BuildError) as caught:
        build(tmp_path / "hello-tiny_1.0-1.dsc", store.ensure("sid"), tmp_path / "out")
    assert caught.value.log is not None
    with open_suite("sid", mirror) as index:
        look = look_of(index, lambda name: next(iter(find(index, name)), None), ["hello_tiny"])
        found = mends(caught.value.log.read_text(errors="replace").splitlines(), look)
        kinds = {
            "liblz4-dev": "x.c:1:10: fatal error: lz4frame.h: No such file or directory",
            "libssl-dev": "/usr/bin/ld: cannot find -lcrypto: No such file or directory",
            "cmake": "make[1]: cmake: No such file or directory",
        }
        for package, line in kinds.items():
            (mend,) = mends(["   dh_auto_build", line, "make: *** [debian/rules:4: binary] Error 2"], look).mends
            assert mend.package == package
    assert found.stage is Stage.TESTS
    assert {mend.package for mend in found.mends} == {"python3-yaml", "python3-pytest-mock", "git"}
    assert 'relation = "python3-yaml"' in found.text
