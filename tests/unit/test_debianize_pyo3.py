"""The alias of PyO3 that is gone."""

from __future__ import annotations

import pytest

from debgen.debianize.pyo3_patch import changes, lacks_alias, names_alias, without_alias
from debgen.planning.model import BuildNeed, Supply, Topic

NEW = "pyo3::Py<pyo3::PyAny>"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fn a(o: &PyObject) -> PyResult<PyObject> {", f"fn a(o: &{NEW}) -> PyResult<{NEW}> {{"),
        ("impl T<pyo3::PyObject> for X {", f"impl T<{NEW}> for X {{"),
        ("let o = PyObject::from(x);", "let o = pyo3::Py::<pyo3::PyAny>::from(x);"),
        ("use pyo3::PyObject;\nuse a::B;\n", "use a::B;\n"),
        ("use pyo3::{Py, PyObject, Python};\n", "use pyo3::{Py, Python};\n"),
        ("use pyo3::{\n    Py, PyObject\n};\n", "use pyo3::{\n    Py\n};\n"),
        ("use pyo3::prelude::*; // PyObject\n", "use pyo3::prelude::*; // PyObject\n"),
        ('panic!("no PyObject");', 'panic!("no PyObject");'),
        ("/* PyObject\n */ x: Option<PyObject>,", f"/* PyObject\n */ x: Option<{NEW}>,"),
        ("T: ToPyObject + FromPyObject<'a> + IntoPyObject,", "T: ToPyObject + FromPyObject<'a> + IntoPyObject,"),
        ("let p: *mut ffi::PyObject = o.as_ptr();", "let p: *mut ffi::PyObject = o.as_ptr();"),
        ("use pyo3::ffi::*;\nfn a(o: *mut PyObject) {}\n", "use pyo3::ffi::*;\nfn a(o: *mut PyObject) {}\n"),
        (
            "use pyo3_ffi::{PyObject, Py_None};\nfn a(o: *mut PyObject) {}\n",
            "use pyo3_ffi::{PyObject, Py_None};\nfn a(o: *mut PyObject) {}\n",
        ),
        ("struct PyObject;\nfn a() -> PyObject {}\n", "struct PyObject;\nfn a() -> PyObject {}\n"),
    ],
)
def test_the_alias_becomes_what_it_stood_for(old: str, new: str) -> None:
    assert without_alias(old) == new
    assert names_alias(old) is (old != new)


def test_only_rust_code_is_changed() -> None:
    assert changes({"a.rs": "x: PyObject", "b.c": "PyObject *x", "c.rs": "y"}) == {"a.rs": ("x: PyObject", f"x: {NEW}")}


def pyo3(requirement: str, version: str, name: str = "pyo3") -> BuildNeed:
    return BuildNeed(Topic.CRATE, name, requirement, f"librust-{name}-dev", version, Supply.RELAXABLE, "")


@pytest.mark.parametrize(
    ("need", "lost"),
    [
        (pyo3("0.25", "0.28.2-2"), True),
        (pyo3("0.27.1", "0.28.2-2"), True),
        (pyo3("0.28.1", "0.28.2-2"), False),
        (pyo3("0.25", "0.27.2-1"), False),
        (pyo3("0.25", "0.28.2-2", "pyo3-ffi"), False),
        (pyo3("what?", "0.28.2-2"), False),
        (pyo3("0.25", ""), False),
    ],
)
def test_it_is_gone_where_the_suite_is_newer_than_the_code(need: BuildNeed, lost: bool) -> None:
    assert lacks_alias([need]) is lost
