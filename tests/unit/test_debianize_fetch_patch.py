"""CMake's downloads of what the sdist has."""

import pytest

from debgen.debianize.fetch_patch import without_downloads

POPULATE = """\
include(FetchContent)
FetchContent_Populate(absl-cpp
      GIT_REPOSITORY  https://example.org/absl.git
      SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/third_party/absl-cpp
      GIT_PROGRESS TRUE
      GIT_TAG 20260526.0)
add_subdirectory(third_party/absl-cpp)
"""


def test_what_is_bundled_is_not_downloaded() -> None:
    new, names = without_downloads(POPULATE, "lib/CMakeLists.txt", "lib/third_party/absl-cpp/CMakeLists.txt".__eq__)
    assert names == ("absl-cpp",)
    assert (
        new
        == """\
include(FetchContent)
FetchContent_Populate(absl-cpp
      SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/third_party/absl-cpp)
add_subdirectory(third_party/absl-cpp)
"""
    )


def test_a_declared_archive() -> None:
    archive = "URL https://a/1 https://b/2 URL_HASH SHA256=00"
    text = f'fetchcontent_declare(fmt {archive} SYSTEM SOURCE_DIR "${{PROJECT_SOURCE_DIR}}/fmt")'
    new, names = without_downloads(text, "CMakeLists.txt", "fmt/CMakeLists.txt".__eq__)
    assert (new, names) == ('fetchcontent_declare(fmt SYSTEM SOURCE_DIR "${PROJECT_SOURCE_DIR}/fmt")', ("fmt",))


@pytest.mark.parametrize(
    "text",
    [
        "FetchContent_Declare(fmt GIT_REPOSITORY https://a)",
        "FetchContent_Declare(fmt GIT_REPOSITORY https://a SOURCE_DIR ${FMT_DIR}/x)",
        "FetchContent_Declare(fmt GIT_REPOSITORY https://a SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/${name})",
        "FetchContent_Declare(fmt SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/x)",
        "ExternalProject_Add(fmt GIT_REPOSITORY https://a SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/x)",
    ],
)
def test_other_calls_stay(text: str) -> None:
    assert without_downloads(text, "CMakeLists.txt", lambda path: True) == (text, ())


def test_what_the_sdist_lacks_stays() -> None:
    assert without_downloads(POPULATE, "CMakeLists.txt", lambda path: False) == (POPULATE, ())
