"""What a build would fetch from the network, which a Debian build can't: found in build files and syntax trees."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from debgen.upstream.buildcmake import Command, Variables, keyword_values
from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildmodel import Crate
from debgen.upstream.buildsetup import Call
from debgen.upstream.mesonfiles import meson_calls

_DECLARED = {
    "fetchcontent_declare": "FetchContent", "fetchcontent_populate": "FetchContent",
    "externalproject_add": "ExternalProject", "cpmaddpackage": "CPM", "cpmfindpackage": "CPM",
    "cpmdeclarepackage": "CPM",
}  # fmt: skip
_KEYS = (
    "GIT_REPOSITORY", "GIT_TAG", "URL", "SVN_REPOSITORY", "HG_REPOSITORY", "GITHUB_REPOSITORY", "GITLAB_REPOSITORY",
    "VERSION", "NAME", "DOWNLOAD_COMMAND", "SOURCE_DIR", "URL_HASH",
)  # fmt: skip
_DOWNLOADERS = ("wget", "curl", "aria2c", "gsutil")


@dataclass(frozen=True, slots=True, order=True)
class Fetch:
    """Something that the build fetches: how, what, from where, which revision, and under which conditions.

    ``override`` is what points the build to a copy on disk, where the mechanism has such a setting.
    """

    kind: str
    name: str
    url: str
    revision: str
    evidence: str
    when: tuple[str, ...] = ()
    override: str = ""


def fetches(files: BuildFiles, cmake: tuple[Command, ...], crates: Collection[Crate]) -> tuple[Fetch, ...]:
    """All of them, each once, in the order of the kinds."""
    found = [
        *_of_cmake(cmake),
        *_of_submodules(files),
        *_of_cargo(files, crates),
        *_of_meson(files),
        *_of_scripts(files),
    ]
    return tuple(dict.fromkeys(found))


def _of_cmake(commands: tuple[Command, ...]) -> Iterator[Fetch]:
    variables = Variables(commands)
    for command in commands:
        kind = _DECLARED.get(command.name)
        args = command.args
        if kind and args:
            given = keyword_values(args, _KEYS)
            if kind == "CPM" and len(args) == 1:
                yield _short_cpm(args[0], command)
                continue
            url = next(
                (given[k] for k in ("GIT_REPOSITORY", "URL", "SVN_REPOSITORY", "HG_REPOSITORY") if k in given), ""
            )
            for key, host in (("GITHUB_REPOSITORY", "github"), ("GITLAB_REPOSITORY", "gitlab")):
                url = url or (f"{host}:{given[key]}" if key in given else "")
            url = " or ".join(variables.expand(url))
            # a source that lies on the disk already is not fetched
            if url and not url.startswith(("/", "${CMAKE_SOURCE_DIR}", "${CMAKE_CURRENT", "${PROJECT_SOURCE")):
                revision = " or ".join(variables.expand(given.get("GIT_TAG") or given.get("VERSION", "")))
                name = given["NAME"] if kind == "CPM" and "NAME" in given else variables.expand(args[0])[0]
                override = f"FETCHCONTENT_SOURCE_DIR_{name.upper()}" if kind == "FetchContent" else ""
                override = f"CPM_{name}_SOURCE" if kind == "CPM" else override
                yield Fetch(kind, name, url, revision, command.evidence, command.when, override)
        elif command.name == "file" and args[:1] == ("DOWNLOAD",) and len(args) > 1:
            url = " or ".join(variables.expand(args[1]))
            yield Fetch("file(DOWNLOAD)", url.rsplit("/", 1)[-1], url, "", command.evidence, command.when)
        elif command.name in ("execute_process", "add_custom_command", "add_custom_target"):
            words = [variables.expand(a)[0] for a in args]
            text = " ".join(words)
            if re.search(
                r"\bgit (?:\S+ )?(?:clone|submodule|fetch)\b|\$\{GIT_EXECUTABLE\} (?:clone|submodule)", text
            ) or any(w in _DOWNLOADERS for w in words):
                url = next((w for w in words if "://" in w), "")
                yield Fetch(
                    "command", _tail(url) or words[1] if len(words) > 1 else "", url, "", command.evidence, command.when
                )


def _short_cpm(text: str, command: Command) -> Fetch:
    """CPM's one-argument form: ``gh:owner/name@version`` or ``…#tag``."""
    source, revision = [*re.split(r"[@#]", text, maxsplit=1), ""][:2]
    name = _tail(source)
    return Fetch("CPM", name, source, revision, command.evidence, command.when, f"CPM_{name}_SOURCE")


def submodules(files: BuildFiles) -> Iterator[tuple[str, str, str]]:
    """The git submodules: path, URL, and the file and line that name them."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string("\n".join(line.strip() for line in files.texts.get(".gitmodules", "").splitlines()))
    except configparser.Error:
        return
    for section in parser.sections():
        path, url = parser.get(section, "path", fallback=""), parser.get(section, "url", fallback="")
        if path and url:
            yield path.rstrip("/"), url, files.line_of(".gitmodules", rf"path\s*=\s*{re.escape(path)}\s*$")


def is_here(folder: str, files: BuildFiles) -> bool:
    """Whether the tree has files below ``folder``; a release number may follow its name."""
    return any(name.startswith((f"{folder}/", f"{folder}-")) for name in files.names)


def _of_submodules(files: BuildFiles) -> Iterator[Fetch]:
    for path, url, line in submodules(files):
        if not is_here(path, files):
            yield Fetch("git submodule", path, url, "", line)


def _of_cargo(files: BuildFiles, crates: Collection[Crate]) -> Iterator[Fetch]:
    seen: set[str] = set()
    for crate in sorted(crates):
        if crate.source.startswith("git ") and crate.source not in seen:
            seen.add(crate.source)
            _, url, *revision = crate.source.split(" ")
            at = [path for path in files.texts if path.endswith("Cargo.toml") and url in files.texts[path]]
            line = files.line_of(at[0] if at else crate.manifest, re.escape(url))
            yield Fetch("cargo git", crate.name, url, " ".join(revision), line, ("optional",) if crate.optional else ())


def _of_meson(files: BuildFiles) -> Iterator[Fetch]:
    if not files.backend.startswith("mesonpy"):
        return
    used = {c.words[0] for c in meson_calls(files.texts) if c.name == "subproject" and c.words and c.words[0]}
    for call in meson_calls(files.texts):
        if call.name == "subproject" and call.words and call.words[0] in used:
            name = call.words[0]
            if not is_here(f"subprojects/{name}", files):
                yield Fetch(
                    "meson wrap",
                    name,
                    "",
                    "",
                    call.evidence,
                    ("where the system has none",) if call.conditional else (),
                )


def _of_scripts(files: BuildFiles) -> Iterator[Fetch]:
    for call in files.calls():
        function = call.function
        url = next((w for w in call.words if w.startswith(("http://", "https://", "ftp://", "git@", "git://"))), "")
        if function in ("urlretrieve", "urlopen") or call.name in (
            "requests.get", "httpx.get", "requests.request", "wget.download", "urllib3.request", "gdown.download",
        ) or (function in ("Repo.clone_from", "clone_from", "hf_hub_download", "snapshot_download")):  # fmt: skip
            yield Fetch("download", _tail(url) or _argument(call), url, "", call.evidence, _when(call))
        elif function in ("check_call", "check_output", "call", "run", "Popen", "system", "popen") and call.words:
            words = " ".join(call.words).split()
            program = words[0].rsplit("/", 1)[-1] if words else ""
            if program in _DOWNLOADERS or (program == "git" and {"clone", "submodule", "fetch"} & set(words[1:4])):
                yield Fetch("download", _tail(url) or " ".join(words[:3]), url, "", call.evidence, _when(call))
            elif (program in ("pip", "pip3") and "install" in words) or words[:3] == ["-m", "pip", "install"]:
                yield Fetch("download", " ".join(words[:4]), url, "", call.evidence, _when(call))


def _when(call: Call) -> tuple[str, ...]:
    return ("under a condition",) if call.conditional else ()


def _argument(call: Call) -> str:
    return ast.unparse(call.node.args[0])[:60] if call.node.args else call.name


def _tail(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")
