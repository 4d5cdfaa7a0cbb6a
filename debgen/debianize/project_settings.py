"""Tests of a project inside of an sdist, such as bindings/python, which run as if from its folder."""

from __future__ import annotations

import posixpath

from debgen.debianize.model import Inputs


def project_settings(inputs: Inputs) -> list[str]:
    """The lines of debian/pybuild.testfiles for what steers pytest there, where the sdist's top has no such file."""
    tests = inputs.facts.tests
    folders = {posixpath.dirname(place.copied) for place in tests.places if "/" not in place.copied_to}
    known = {*inputs.texts, *tests.files}
    return [
        f"{folder}/{name} {name}"
        for folder in sorted(folders - {""})
        for name in ("pytest.ini", "conftest.py")
        if name not in known and (inputs.has(f"{folder}/{name}") or f"{folder}/{name}" in known)
    ]
