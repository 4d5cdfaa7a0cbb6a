"""The version that an update gets: above the one that is there, whatever the archive's next one would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from debgen.debianize.continued import Upload
from debgen.debianize.model import SourcePackage
from debgen.errors import UsageError
from debgen.updating import Place, _version


def package(version: str, first: str = "") -> SourcePackage:
    changelog = (
        f"foo ({version}) unstable; urgency=medium\n\n  * {first or 'New upstream release.'}\n\n -- A <a@b>  x\n"
    )
    return SourcePackage("foo", version, "unstable", "python3-foo", {"changelog": changelog}, frozenset(), (), (), ())


def version(place: str, generated: str, first: str = "") -> str:
    return _version(package(generated, first), Place(Path("foo"), "foo", place, Path("out")))


def test_the_generated_version_counts_where_it_is_higher() -> None:
    assert version("1.0-1", "1.1-1") == "1.1-1"
    assert version("1.0-4", "1.1~rc1-1") == "1.1~rc1-1"


def test_a_release_below_the_archive_s_goes_on_to_the_archive_s() -> None:
    assert version("1.9+really1.0-0.1", "1.9-2.1", Upload.NMU.value) == "1.9+really1.9-0.1"
    assert version("1.9+really1.0-1", "1.9-3") == "1.9+really1.9-1"
    assert version("1:1.9+really1.0-1", "1:1.9-3") == "1:1.9+really1.9-1"


def test_no_older_release() -> None:
    for place in ("1.2-1", "1.9+really1.2-1", "2:1.2-1"):
        with pytest.raises(UsageError, match="newer than 1\\.1"):
            version(place, "1.1-1")
