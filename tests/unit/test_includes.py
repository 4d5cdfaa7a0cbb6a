"""Headers of other projects in the sources of extension modules."""

from pathlib import Path

from debgen.upstream.includes import included

SOURCE = """\
/* #include <commented.h>
 */
#ifndef FOO_H
#define FOO_H
#include <Python.h>
#include <zlib.h>
#  include <openssl/ssl.h>  /* for TLS */
#include "own.h"
#include <own/api.h>
#include <a/b/deep.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <elsewhere.h>
#endif
#ifdef __cplusplus
#include <boost/any.hpp>
#endif
#endif
"""


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_headers_outside_of_conditions(tmp_path: Path) -> None:
    write(tmp_path, src__foo_DOT_h=SOURCE, src__own__api_DOT_h="", third_party__bar_DOT_c="#include <bar.h>\n")
    write(
        tmp_path, src__c_DOT_pyx='cdef extern from "lz4.h":\n    pass\ncdef extern from "<xxhash.h>" nogil:\n    pass\n'
    )
    found = included(tmp_path)
    assert [(header.name, header.evidence) for header in found] == [
        ("boost/any.hpp", "src/foo.h:17"),
        ("lz4.h", "src/c.pyx:1"),
        ("openssl/ssl.h", "src/foo.h:7"),
        ("xxhash.h", "src/c.pyx:3"),
        ("zlib.h", "src/foo.h:6"),
    ]
    assert not any(header.required for header in found)


def test_no_conditions_of_a_file_run_into_the_next(tmp_path: Path) -> None:
    write(tmp_path, a_DOT_c="#if FOO\n", b_DOT_c="#include <zlib.h>\n#endif\n#endif\n#include <lz4.h>\n")
    assert [header.name for header in included(tmp_path)] == ["lz4.h", "zlib.h"]
