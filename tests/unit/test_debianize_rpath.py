"""Build files that write the folders of libraries into modules."""

import pytest

from debgen.debianize.rpath import sets_rpath


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("CMakeLists.txt", 'list(APPEND CMAKE_INSTALL_RPATH "${LIB_DIR}")'),
        ("cmake/a.cmake", "set(CMAKE_INSTALL_RPATH_USE_LINK_PATH TRUE)"),
        ("setup.py", "Extension('a', runtime_library_dirs=['/usr/lib/foo'])"),
        ("setup.py", "args = ['-Wl,-rpath,/usr/lib/x']"),
    ],
)
def test_paths_that_are_set(path: str, text: str) -> None:
    assert sets_rpath({"README": text, path: text}) == path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("CMakeLists.txt", 'set(CMAKE_INSTALL_RPATH "$ORIGIN/lib")'),
        ("CMakeLists.txt", "# set(CMAKE_INSTALL_RPATH /usr/lib)"),
        ("CMakeLists.txt", "set(CMAKE_INSTALL_RPATH_USE_LINK_PATH OFF)"),
        ("setup.py", "args = ['-Wl,-rpath,$ORIGIN']"),
        ("setup.py", "Extension('a', runtime_library_dirs=dirs)"),
    ],
)
def test_paths_that_are_not(path: str, text: str) -> None:
    assert sets_rpath({path: text}) == ""
