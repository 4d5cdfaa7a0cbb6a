from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.errors import UsageError
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import Target
from debgen.upstream.requirements import Evaluator, parse_request, python_bounds

SID = Target("3.14", "arm64")


def needs(*lines: str, extras: tuple[str, ...] = (), target: Target = SID) -> tuple[list[str], tuple[str, ...]]:
    found, notes = Evaluator(target).needs(CoreMetadata("pkg", "1", "", extras, lines))
    return [needed.render() for needed in found], notes


def test_markers_are_evaluated_for_the_target() -> None:
    lines = (
        'old; python_version < "3.11"',
        'new>=1; python_version >= "3.11"',
        'arm; platform_machine == "aarch64"',
        'intel; platform_machine == "x86_64"',
        'win; sys_platform == "win32"',
        'full; python_full_version >= "3.14.0"',
    )
    assert needs(*lines)[0] == ["arm", "full", "new>=1"]
    assert needs(*lines, target=Target("3.10", "amd64"))[0] == ["intel", "old"]


def test_extras_are_kept_as_conditions_with_the_rest_evaluated() -> None:
    lines = (
        'a; extra == "One.Two"',
        "b; (python_version < '3' or sys_platform == 'linux') and extra == 'x'",
        "c; python_version < '3' and extra == 'x'",
        "d[Some_Extra,other]>=2,<3; extra == 'x' or extra == 'y'",
        "e; extra == 'x' or sys_platform == 'linux'",
        "f; 'y' == extra",
    )
    assert needs(*lines)[0] == [
        'a; extra == "one-two"',
        'b; extra == "x"',
        'd[other,some-extra]<3,>=2; extra == "x"',
        'd[other,some-extra]<3,>=2; extra == "y"',
        "e",
        'f; extra == "y"',
    ]


def test_extra_compared_otherwise_is_tried_with_every_extra() -> None:
    found, _ = needs("a; extra in 'x y' and extra == 'y'", "b", extras=("X", "y", "z"))
    assert found == ['a; extra == "y"', "b"]


def test_the_same_line_means_different_things_with_different_extras() -> None:
    evaluator = Evaluator(SID)
    line = ("a; extra != 'x' and extra != ''",)
    one, _ = evaluator.needs(CoreMetadata("one", "1", "", ("x", "y"), line))
    two, _ = evaluator.needs(CoreMetadata("two", "1", "", ("z",), line))
    assert [needed.via_extra for needed in one] == ["y"]
    assert [needed.via_extra for needed in two] == ["z"]


def test_the_original_marker_stays_visible() -> None:
    found, _ = Evaluator(SID).needs(CoreMetadata("p", "1", requires_dist=("A.B_c>1; python_version>'3'",)))
    assert (found[0].name, found[0].specifier, found[0].marker) == ("a-b-c", ">1", 'python_version > "3"')


def test_lines_that_are_not_understood_are_told_and_keep_their_name() -> None:
    found, notes = needs(
        "good>=1",
        "legacy (>=1.dev*)",
        "bound>=not.a.version; python_version < '3'",
        "%%%",
        "url @ https://files.example/url-1.zip ; sys_platform == 'linux'",
        "",
    )
    assert found == ["good>=1", "legacy", "url"]
    assert len(notes) == 5
    assert all(note.startswith("pkg 1: requirement") for note in notes)


def test_dependencies_computed_by_the_build_are_told() -> None:
    assert Evaluator(SID).needs(CoreMetadata("p", "1", static=False))[1]


@given(st.text(max_size=200))
def test_no_line_breaks_the_evaluation(line: str) -> None:
    Evaluator(SID).needs(CoreMetadata("p", "1", "", ("x",), (line, f"name {line}", f"name; {line}")))


def test_requests() -> None:
    assert str(parse_request("Foo[x]>=1 ; python_version >= '3.14'", SID)) == "Foo[x]>=1"
    for bad in ("foo bar", "foo @ https://x.example/foo.zip", "foo; python_version < '3.14'", "", "-r x"):
        with pytest.raises(UsageError):
            parse_request(bad, SID)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">=3.8", ">=3.8"),
        (">=2.7, !=3.0.*, <4", ">=2.7,!=3.0.*"),
        (">=3.6.*,<3.15.*", ">=3.6"),
        ("rubbish", ""),
        (">=3.9,rubbish", ">=3.9"),
        ("", ""),
        ("==3.*", "==3.*"),
    ],
)
def test_python_bounds_that_resolvers_can_read(text: str, expected: str) -> None:
    assert python_bounds(text) == expected
