"""What apt would find in a local repository, for tests that end processes which write to it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from debian.deb822 import Packages, Release

from debgen.building.repository import Repository
from debgen.run import run


def whole(repository: Repository) -> dict[str, str]:
    """The versions of the packages, after all that apt would check has been checked; none where nothing was added."""
    with repository.reading() as state, tempfile.TemporaryDirectory() as folder:
        if state is None:
            return {}
        dists = state / "dists" / repository.suite
        keyring = Path(folder, "keyring.gpg")
        run(["gpg", "--yes", "--output", keyring, "--dearmor", repository.key])
        run(["gpgv", "--keyring", keyring, dists / "InRelease"])
        run(["gpgv", "--keyring", keyring, dists / "Release.gpg", dists / "Release"])
        for entry in Release((dists / "Release").read_text())["SHA256"]:
            assert hashlib.sha256((dists / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]
        found = {}
        with (dists / f"main/binary-{repository.architecture}/Packages").open() as stream:
            for package in Packages.iter_paragraphs(stream, use_apt_pkg=False):
                deb = state / package["Filename"]
                assert hashlib.sha256(deb.read_bytes()).hexdigest() == package["SHA256"]
                found[package["Package"]] = package["Version"]
        assert len(list((state / "pool").rglob("*.deb"))) == len(found)
        return found
