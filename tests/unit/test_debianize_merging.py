"""Merging a human's debian/ with what is generated now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.debianize.merging import Conflict, merge_files, merge_text

RULES = "%:\n\tdh $@\n\nexport A=1\n\noverride_dh_auto_test:\n\ttrue\n"
TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "e\n"]), max_size=8).map("".join)


def control(*relations: str, more: str = "") -> str:
    return "Source: x\nBuild-Depends:\n" + "".join(f" {r},\n" for r in relations) + f"Standards-Version: 4\n{more}"


def test_changes_of_both_sides_in_different_places_are_joined() -> None:
    human = RULES.replace("A=1", "A=2")
    generated = RULES.replace("\ttrue", "\tfalse")
    assert merge_text(RULES, human, generated, path="rules") == (human.replace("\ttrue", "\tfalse"), ())


def test_where_both_changed_the_same_lines_the_human_wins_and_it_is_said() -> None:
    human, generated = RULES.replace("A=1", "A=2"), RULES.replace("A=1", "A=3").replace("true", "false")
    text, conflicts = merge_text(RULES, human, generated, path="rules")
    assert text == RULES.replace("A=1", "A=2").replace("true", "false")
    assert conflicts == (Conflict("rules", "export A=1\n", "export A=2\n", "export A=3\n"),)
    assert str(conflicts[0]).splitlines() == [
        "debian/rules:",
        "    before:", "      export A=1",
        "    yours, kept:", "      export A=2",
        "    now generated:", "      export A=3",
    ]  # fmt: skip


def test_relations_are_a_set() -> None:
    before = control("dh-python", "python3-a", "python3-b <!nocheck>", "python3-c")
    human = control("dh-python", "git <!nocheck>", "python3-a", "python3-b <!nocheck>")
    generated = control("dh-python", "python3-a", "python3-b (>= 2) <!nocheck>", "python3-c", "python3-d")
    text, conflicts = merge_text(before, human, generated, path="control")
    wanted = control("dh-python", "git <!nocheck>", "python3-a", "python3-b (>= 2) <!nocheck>", "python3-d")
    assert (text, conflicts) == (wanted, ())


def test_the_human_s_indentation_stays() -> None:
    before = control("a", "b", "c")
    human = before.replace(" a,", "   a,").replace(" b,", "   b,").replace(" c,", "   c,")
    text, conflicts = merge_text(before, human, control("a", "b (>= 1)", "c", "d"), path="control")
    assert conflicts == ()
    assert text == control("  a", "  b (>= 1)", "  c", "  d")


@pytest.mark.parametrize(
    ("human", "generated"),
    [
        (["a", "b (>= 2)"], ["a", "b (>= 3)"]),
        (["a"], ["a", "b (>= 3)"]),
        (["a", "b (>= 2)"], ["a"]),
        (["a", "b", "z (>= 1)"], ["a", "b", "z (>= 2)"]),
    ],
)
def test_relations_that_both_changed_are_a_conflict(human: list[str], generated: list[str]) -> None:
    text, conflicts = merge_text(control("a", "b"), control(*human), control(*generated), path="control")
    assert len(conflicts) == 1
    assert text == control(*human)


def test_neighbouring_fields_are_merged_each_by_itself() -> None:
    human = control("a", "b", "mine").replace("Standards-Version: 4", "Standards-Version: 3")
    text, conflicts = merge_text(
        control("a", "b"), human, control("a", "b (>= 2)").replace(": 4", ": 5"), path="control"
    )
    assert text == control("a", "b (>= 2)", "mine").replace(": 4", ": 3")
    assert conflicts == (
        Conflict("control", "Standards-Version: 4\n", "Standards-Version: 3\n", "Standards-Version: 5\n"),
    )
    # Fields that not all sides have are one conflict, and the human's text stands whole.
    human = control("a", "b", "mine", more="Homepage: x\n")
    generated = control("a", "b (>= 2)").replace("Standards-Version: 4", "Vcs-Git: y")
    text, conflicts = merge_text(control("a", "b"), human, generated, path="control")
    assert (text, len(conflicts)) == (human, 1)


def test_lines_of_lists() -> None:
    text, conflicts = merge_text("a\nb\nc\n", "a\nmine\nb\n", "a\nb\nc\nnew\n", path="python3-x.docs")
    assert (text, conflicts) == ("a\nmine\nb\nnew\n", ())
    overrides = ("a python3-a; >=1\n", "a python3-a; >=2\n", "a python3-a; >=3\n")
    assert len(merge_text(*overrides, path="py3dist-overrides")[1]) == 1
    assert len(merge_text("a\nb\n", "a\nc\n", "a\nd\n", path="copyright")[1]) == 1


def test_whole_files() -> None:
    before = {"rules": "1\n", "gone": "g\n", "mine-now": "m\n", "same": "s\n", "dropped": "d\n"}
    human = {"rules": "1\n", "mine-now": "edited\n", "same": "s\n", "added": "a\n", "dropped": "d\n"}
    generated = {"rules": "2\n", "gone": "g\n", "same": "s\n", "fresh": "f\n"}
    merged = merge_files(before, human, generated)
    assert merged.files == {"rules": "2\n", "same": "s\n", "added": "a\n", "fresh": "f\n", "mine-now": "edited\n"}
    assert merged.kept == ("added", "gone", "mine-now")
    assert merged.conflicts == (Conflict("mine-now", "m\n", "edited\n", None),)
    assert "now generated: no such file" in str(merged.conflicts[0])


def test_whole_files_that_conflict() -> None:
    merged = merge_files({"a": "1\n"}, {"b": "mine\n"}, {"a": "2\n", "b": "theirs\n"})
    assert merged.files == {"b": "mine\n"}
    assert [c.path for c in merged.conflicts] == ["a", "b"]


@given(before=TEXTS, human=TEXTS, generated=TEXTS)
def test_whoever_changed_alone_gets_their_text(before: str, human: str, generated: str) -> None:
    assert merge_text(before, before, generated, path="rules") == (generated, ())
    assert merge_text(before, human, before, path="rules") == (human, ())
    assert merge_text(before, human, human, path="rules") == (human, ())
    text, conflicts = merge_text(before, human, generated, path="rules")
    assert conflicts or {*text} <= {*human, *generated}


@given(before=TEXTS, human=TEXTS, generated=TEXTS)
def test_lists_never_lose_what_the_human_added(before: str, human: str, generated: str) -> None:
    text, _ = merge_text(before, human, generated, path="docs")
    added = set(human.splitlines()) - set(before.splitlines())
    assert added <= set(text.splitlines())
