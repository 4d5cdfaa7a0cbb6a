"""The requirements of a variant, from an sdist's own files."""

from __future__ import annotations

import pytest

from debgen.upstream.variants import VariantSource, parse_requirements

FILES = {
    "requirements/common.txt": "six\n\n# a comment\nnumpy >= 2 # why\nurl @ https://example.invalid/x#egg=x\n",
    "requirements/cpu.txt": (
        "-r common.txt\n--extra-index-url https://example.invalid/whl\n"
        "torch==2.13.0+cpu; platform_machine == \"x86_64\"\nlong \\\n  >=1\nhashed==1 --hash=sha256:00\nsix\n"
        "free===2.0+x\nseries==1.2.*\nnot a requirement!\n"
    ),
    "loop.txt": "-r loop.txt\n--requirement=gone.txt\na\n",
    "requirements-cpu.txt": "-rrequirements/common.txt\nb\n",
}  # fmt: skip


def test_lines_options_includes_and_local_versions() -> None:
    found = parse_requirements("requirements/cpu.txt", FILES)
    assert found.path == "requirements/cpu.txt"
    assert found.lines == (
        "six", "numpy >= 2", "url @ https://example.invalid/x#egg=x", 'torch==2.13.0; platform_machine == "x86_64"',
        "long    >=1", "hashed==1", "free===2.0", "series==1.2.*", "not a requirement!",
    )  # fmt: skip
    assert found.notes == ()


def test_loops_end_and_missing_files_are_told() -> None:
    found = parse_requirements("loop.txt", FILES)
    assert found.lines == ("a",)
    assert found.notes == ("loop.txt: gone.txt is not in the sdist",)
    assert parse_requirements("requirements-cpu.txt", FILES).lines[-1] == "b"
    assert parse_requirements("requirements-cpu.txt", FILES).lines[0] == "six"


@pytest.mark.parametrize(
    ("source", "empty"), [(VariantSource("cpu"), True), (VariantSource("cpu", {"a": ("b.txt",)}), False)]
)
def test_what_answers_depend_on(source: VariantSource, empty: bool) -> None:
    assert (source.key == "") is empty
    assert VariantSource("rocm", {"a": ("b.txt",)}).key != VariantSource("cpu", {"a": ("b.txt",)}).key
