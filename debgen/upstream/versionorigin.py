"""Where the build of a source tree gets the version from, and what it would be without PKG-INFO and tags."""

from __future__ import annotations

import ast
import posixpath
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildsetup import Call, dotted, literal
from debgen.upstream.mesonfiles import parse_meson
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table

_SCM = "setuptools-scm"


@dataclass(frozen=True, slots=True)
class VersionOrigin:
    """How the version is found.

    ``method`` is "static", "attribute", "file", "computed", "unknown", or the tool that asks version control.
    ``version`` is what the tree says of itself, empty where only a build would tell; ``variables`` set it from
    outside. ``without_tags`` says what such a tool does where PKG-INFO and tags are missing, empty for others.
    """

    method: str
    explanation: str
    evidence: str
    version: str = ""
    variables: tuple[str, ...] = ()
    without_tags: str = ""
    #: Lines of the build that append to the version, such as a local part for a device.
    changed_at: tuple[str, ...] = ()


def version_origin(tree: SourceTree, files: BuildFiles, name: str) -> VersionOrigin:
    """Find it by the tables of the backend, then setup.cfg, then setup.py; ``name`` is the distribution's."""
    stated = _pkg_info(tree, "Version")
    found = next(_candidates(tree, files), None)
    if found is None:
        evidence = "PKG-INFO" if stated else ""
        return VersionOrigin("unknown", "no file says where the build gets it from", evidence, stated)
    method, explanation, evidence, version = found
    if not stated and version and version != "0":
        stated = version
    tool = _TOOLS.get(method)
    variables = (
        tuple(v.format(name=canonicalize_name(name or "name").replace("-", "_").upper()) for v in tool[0])
        if tool
        else ()
    )
    return VersionOrigin(
        method, explanation, evidence, stated,
        (*variables, *_own_variables(files)),
        _without_tags(tree, method) if tool else "",
        tuple(_changes(files)),
    )  # fmt: skip


#: Tools that ask version control: the variables that set the version instead, and what they do without a tag.
_TOOLS: dict[str, tuple[tuple[str, ...], str]] = {
    _SCM: (
        ("SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{name}", "SETUPTOOLS_SCM_PRETEND_VERSION"),
        "in a git repository whose tags it can't read as versions (Debian's are called debian/… and upstream/…) it "
        "counts commits from 0.0 and makes 0.1.devN, so 0.1.dev1 after a single import; outside of one it fails",
    ),
    "versioneer": ((), "it makes 0+unknown, or 0+untagged.N.gHASH in a git repository without tags"),
    "pbr": (("PBR_VERSION",), "it fails, or makes 0.0.1.devN from the commits of a repository without tags"),
    "setuptools-git-versioning": ((), "it makes 0.0.1, its starting_version"),
    "pdm scm": (
        ("PDM_BUILD_SCM_VERSION",),
        "it makes 0.0.0, or 0.1.devN from the commits of a repository without tags",
    ),
    "uv-dynamic-versioning": (("UV_DYNAMIC_VERSIONING_BYPASS",), "it makes 0.0.0, or fails outside of a repository"),
    "poetry-dynamic-versioning": (
        ("POETRY_DYNAMIC_VERSIONING_BYPASS",),
        "it makes 0.0.0, or fails outside of a repository",
    ),
    "versioningit": ((), "it fails, or takes its default-version"),
}
_FOUND = tuple[str, str, str, str]


def _candidates(tree: SourceTree, files: BuildFiles) -> Iterator[_FOUND]:
    """(method, explanation, evidence, version), the decisive one first."""
    project = table(files.pyproject, "project")
    tool = table(files.pyproject, "tool")
    backend = files.effective_backend
    if isinstance(project.get("version"), str):
        yield "static", "project.version", files.line_of("pyproject.toml", r"^\s*version\s*="), project["version"]
        return
    if backend.startswith("poetry"):
        yield from _poetry(files)
    elif backend.startswith("hatchling"):
        yield from _hatch(tree, files)
    elif backend.startswith("pdm"):
        source = table(tool, "pdm", "version")
        line = files.line_of("pyproject.toml", r"tool\.pdm\.version|^version\s*=")
        if source.get("source") == "scm":
            yield "pdm scm", "tool.pdm.version takes it from version control", line, ""
        elif source.get("path"):
            yield _from_file(tree, str(source["path"]), line)
    elif backend.startswith("flit"):
        yield from _flit(tree, files)
    elif backend.startswith("maturin"):
        yield from _cargo(tree, files)
    elif backend.startswith("scikit_build_core"):
        yield from _scikit(tree, files)
    elif backend.startswith("mesonpy"):
        yield from _meson(files)
    if files.setuptools:
        yield from _setuptools(tree, files)


def _poetry(files: BuildFiles) -> Iterator[_FOUND]:
    poetry = table(files.pyproject, "tool", "poetry")
    dynamic = files.requires_any("poetry-dynamic-versioning")
    if dynamic and table(files.pyproject, "tool", "poetry-dynamic-versioning").get("enable"):
        line = files.line_of("pyproject.toml", r"poetry-dynamic-versioning\]")
        yield "poetry-dynamic-versioning", "it takes the version from version control", line, ""
    elif isinstance(poetry.get("version"), str):
        yield "static", "tool.poetry.version", files.line_of("pyproject.toml", r"^version\s*="), poetry["version"]


def _hatch(tree: SourceTree, files: BuildFiles) -> Iterator[_FOUND]:
    settings = table(files.pyproject, "tool", "hatch", "version")
    line = files.line_of("pyproject.toml", r"tool\.hatch\.version|^version\s*=|^source\s*=")
    source = str(settings.get("source", "regex"))
    if source == "vcs":
        yield _SCM, "hatch-vcs asks setuptools-scm for it", line, ""
    elif source in ("uv-dynamic-versioning", "versioningit"):
        yield source, "it takes the version from version control", line, ""
    elif source == "code":
        yield "computed", f"code in {settings.get('path', '')}, run at build time", line, ""
    elif settings.get("path"):
        yield _from_file(tree, str(settings["path"]), line)
    elif source != "regex":
        yield "computed", f"the version source {source} of hatchling", line, ""


def _flit(tree: SourceTree, files: BuildFiles) -> Iterator[_FOUND]:
    module = str(table(files.pyproject, "tool", "flit", "module").get("name") or "")
    module = module or str(table(files.pyproject, "project").get("name", "")).replace("-", "_")
    path = module.replace(".", "/")
    for base in (f"src/{path}/__init__.py", f"{path}/__init__.py", f"src/{path}.py", f"{path}.py"):
        if base in tree.names:
            yield _from_file(tree, base, base, "attribute")
            return


def _cargo(tree: SourceTree, files: BuildFiles) -> Iterator[_FOUND]:
    manifest = str(table(files.pyproject, "tool", "maturin").get("manifest-path", "Cargo.toml"))
    for path in (manifest, "rust/Cargo.toml", "native/Cargo.toml"):
        crate = table(_toml(tree, path), "package")
        if not crate:
            continue
        version, place = crate.get("version"), path
        folder = posixpath.dirname(path)
        while isinstance(version, dict) and version.get("workspace") is True:  # the nearest workspace above says it
            place = posixpath.join(folder, "Cargo.toml")
            version = table(_toml(tree, place), "workspace", "package").get("version", version if folder else "")
            folder = posixpath.dirname(folder)
        line = files.line_of(place, r"^version\s*=")
        yield "file", f"maturin takes the version of the crate in {path}", line, str(version or "")
        return


def _toml(tree: SourceTree, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(tree.text(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _scikit(tree: SourceTree, files: BuildFiles) -> Iterator[_FOUND]:
    settings = table(files.pyproject, "tool", "scikit-build", "metadata", "version")
    provider = str(settings.get("provider", ""))
    line = files.line_of("pyproject.toml", r"metadata\.version|provider\s*=")
    if "setuptools_scm" in provider:
        yield _SCM, "scikit-build-core asks setuptools-scm for it", line, ""
    elif provider.endswith("regex") and settings.get("input"):
        yield _from_file(tree, str(settings["input"]), line)
    elif provider:
        yield "computed", f"the metadata provider {provider}", line, ""


def _meson(files: BuildFiles) -> Iterator[_FOUND]:
    for call in parse_meson(files.texts.get("meson.build", ""), "meson.build"):
        if call.name == "project":
            version = call.keywords.get("version", "")
            if re.fullmatch(r"'[^']*'", version):
                yield "static", "project() of meson.build", call.evidence, version.strip("'")
            elif "run_command" in version:
                yield "computed", f"meson.build runs {_quoted(version)}", call.evidence, ""
            elif version:
                yield "file", f"meson.build reads {_quoted(version)}", call.evidence, ""
            return


def _quoted(text: str) -> str:
    return ", ".join(re.findall(r"'([^']+)'", text)[:3]) or text[:60]


def _setuptools(tree: SourceTree, files: BuildFiles) -> Iterator[_FOUND]:
    tool = table(files.pyproject, "tool")
    scm_line = files.line_of("pyproject.toml", r"tool\.setuptools[-_]scm\]")
    if "setuptools_scm" in tool or "setuptools-scm" in tool:
        yield _SCM, "tool.setuptools_scm is there", scm_line, ""
    if table(tool, "setuptools-git-versioning").get("enabled"):
        line = files.line_of("pyproject.toml", r"setuptools-git-versioning\]")
        yield "setuptools-git-versioning", "it takes the version from version control", line, ""
    if "version" in table(tool, "versioningit") or "versioningit" in tool:
        yield (
            "versioningit",
            "it takes the version from version control",
            files.line_of("pyproject.toml", "versioningit"),
            "",
        )
    dynamic = table(tool, "setuptools", "dynamic", "version")
    line = files.line_of("pyproject.toml", r"^\s*version\s*=.*(attr|file)|dynamic\.version")
    if dynamic.get("attr"):
        yield _from_attribute(tree, str(dynamic["attr"]), line)
    elif dynamic.get("file"):
        listed = dynamic["file"]
        yield _from_file(tree, str(listed[0] if isinstance(listed, list) and listed else listed), line)
    yield from _setup_calls(tree, files)
    given = files.setup_cfg.get("metadata", "version", fallback="").strip()
    line = files.line_of("setup.cfg", r"^version\s*=")
    if given.startswith("attr:"):
        yield _from_attribute(tree, given.removeprefix("attr:").strip(), line)
    elif given.startswith("file:"):
        yield _from_file(tree, given.removeprefix("file:").split(",")[0].strip(), line)
    elif given:
        yield "static", "setup.cfg", line, given
    if files.requires_any("pbr"):
        yield "pbr", "pbr takes the version from version control", files.line_of("setup.py", r"\bpbr\b"), ""


def _setup_calls(tree: SourceTree, files: BuildFiles) -> Iterator[_FOUND]:
    if any(c.name.startswith("versioneer.") for c in files.calls()):
        line = next(c.evidence for c in files.calls() if c.name.startswith("versioneer."))
        yield "versioneer", "versioneer takes the version from version control", line, ""
    for call in files.setup_calls():
        values = {k.arg: k.value for k in call.node.keywords if k.arg}
        if "use_scm_version" in values:
            yield _SCM, "setup(use_scm_version=…)", call.evidence, ""
        scm = [c for c in files.calls() if c.function == "get_version" and files.requires_any(_SCM)]
        if scm:
            yield _SCM, "setup.py calls setuptools_scm.get_version()", scm[0].evidence, ""
        if "version" not in values:  # setup(**arguments)
            values |= _arguments_elsewhere(files, call)
        if "version" in values:
            node = values["version"]
            script = next(s for s in files.scripts if s.path == call.path)
            evidence = f"{call.path}:{node.lineno}"
            known = literal(node, script.constants)
            if known is not None:
                yield "static", "a literal of setup.py", evidence, known
            else:
                source = _read_files(tree, files)
                extra = f", which reads {', '.join(source)}" if source else ""
                yield "computed", f"setup.py computes {_spelled(node)}{extra}", evidence, ""


def _arguments_elsewhere(files: BuildFiles, call: Call) -> dict[str, ast.expr]:
    """The version among arguments that a script collects in a dict before it calls setup()."""
    script = next(s for s in files.scripts if s.path == call.path)
    for node in ast.walk(script.tree) if any(k.arg is None for k in call.node.keywords) else ():
        if isinstance(node, ast.Call) and dotted(node.func) == "dict":
            for keyword in node.keywords:
                if keyword.arg == "version":
                    return {"version": keyword.value}
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "version":
                    return {"version": value}
    return {}


def _spelled(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:59] + "…"


def _read_files(tree: SourceTree, files: BuildFiles) -> list[str]:
    """Files of the tree that setup.py names and that hold a version."""
    found: list[str] = []
    for script in files.scripts[:1]:
        for node in ast.walk(script.tree):
            path = literal(node, script.constants) if isinstance(node, ast.Constant | ast.Call | ast.BinOp) else None
            path = path.removeprefix("./") if path else ""
            named = path in tree.names and path not in found
            if named and re.search(r"version|__about__|__init__|_meta", path.lower()):
                found.append(path)
    return found[:3]


def _from_file(tree: SourceTree, path: str, evidence: str, method: str = "file") -> _FOUND:
    text = tree.text(path)
    match = re.search(
        r"^(?:__version__|VERSION|version)\b[^=\n]*=\s*[\"']v?([^\"'\n]+)[\"']", text, re.MULTILINE | re.IGNORECASE
    )
    if match:
        return method, f"read from {path}", f"{path}:{text.count(chr(10), 0, match.start()) + 1}", match[1]
    plain = text.strip()
    version = plain if re.fullmatch(r"v?\d[\w.!+-]*", plain) else ""
    return method, f"read from {path}", path if text else evidence, version


def _from_attribute(tree: SourceTree, attribute: str, evidence: str) -> _FOUND:
    module, _, name = attribute.rpartition(".")
    path = module.replace(".", "/")
    for _ in range(3):
        file = _module_file(tree, path)
        text = tree.text(file)
        if match := re.search(rf"^{re.escape(name)}\b[^=\n]*=\s*[\"']([^\"'\n]+)[\"']", text, re.MULTILINE):
            line = f"{file}:{text.count(chr(10), 0, match.start()) + 1}"
            return "attribute", f"the attribute {attribute}", line, match[1]
        inner = re.search(rf"^{re.escape(name)}\s*=\s*(\w+)\.{re.escape(name)}\s*$", text, re.MULTILINE)
        if inner and file.endswith("__init__.py"):
            path = f"{path}/{inner[1]}"
            continue
        moved = re.search(rf"^from \.?([\w.]+) import [^\n]*\b{re.escape(name)}\b", text, re.MULTILINE)
        if not moved:
            break
        inside = file.endswith("__init__.py") and moved[0].startswith("from .")
        path = f"{path}/{moved[1]}" if inside else moved[1].replace(".", "/")
    return "attribute", f"the attribute {attribute}, which isn't a literal", evidence, ""


def _module_file(tree: SourceTree, path: str) -> str:
    """The file of the module that is imported as ``path``, wherever its root lies; empty for none."""
    ends = (f"/{path}/__init__.py", f"/{path}.py")
    found = [n for n in tree.names if f"/{n}".endswith(ends)]
    return min(found, key=lambda n: (n.count("/"), n), default="")


def _own_variables(files: BuildFiles) -> Iterator[str]:
    """Variables of the environment that the build's scripts read for the version."""
    seen: set[str] = set()
    for call in files.calls():
        if call.name in ("os.getenv", "os.environ.get", "environ.get", "getenv") and call.words:
            name = call.words[0]
            its_own = re.search(r"(?:^|_)(?:VERSION|RELEASE)(?:_OVERRIDE|_SUFFIX)?$", name)
            others = re.search(r"CUDA|TORCH|NVIDIA|PYTHON|ROCM|HIP|NUMPY|CMAKE|LIB", name)
            if its_own and not others and name not in seen:
                seen.add(name)
                yield name


def _changes(files: BuildFiles) -> Iterator[str]:
    for script in files.scripts if files.setuptools else ():
        for node in sorted(ast.walk(script.tree), key=lambda n: getattr(n, "lineno", 0)):
            if (
                isinstance(node, ast.AugAssign)
                and isinstance(node.op, ast.Add)
                and dotted(node.target).lower().endswith("version")
            ):
                yield f"{script.path}:{node.lineno}"


def _without_tags(tree: SourceTree, method: str) -> str:
    """What the tool meets in this tree, and what it makes of it."""
    consequence = _TOOLS[method][1]
    stated = _pkg_info(tree, "Version")
    if stated:
        return f"PKG-INFO says {stated}, which counts only outside of a git repository; {consequence}"
    tags = _tags(tree)
    if tags is None:
        archival = tree.text(".git_archival.txt")
        if archival and "$Format" not in archival:
            return "no PKG-INFO and no .git here, but .git_archival.txt was filled in when the archive was made"
        return f"there is no PKG-INFO and no .git here: {consequence}"
    if not tags:
        return f"there is no PKG-INFO here, and the git repository has no tags: {consequence}"
    return f"there is no PKG-INFO here; the git repository has {len(tags)} tags, the last by name {tags[-1]}"


def _tags(tree: SourceTree) -> list[str] | None:
    """Tags of the tree's own repository, read from its files; None where it has none."""
    git = tree.root / ".git"
    if not git.is_dir() or git.is_symlink():
        return None
    found = {p.relative_to(git / "refs/tags").as_posix() for p in (git / "refs/tags").rglob("*") if p.is_file()}
    packed = git / "packed-refs"
    if packed.is_file():
        lines = packed.read_text("utf-8", "replace").splitlines()
        found |= {line.split(" refs/tags/", 1)[1] for line in lines if " refs/tags/" in line}
    return sorted(found)


def _pkg_info(tree: SourceTree, field: str) -> str:
    match = re.search(rf"^{field}:[ \t]*(.+)$", tree.text("PKG-INFO").split("\n\n", 1)[0], re.MULTILINE)
    return match[1].strip() if match else ""
