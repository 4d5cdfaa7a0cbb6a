"""A packaging repository in the layout of DEP-14, as git-buildpackage works with it.

``upstream/latest`` has the content of the tarballs, a component in the folder of its name, tagged
``upstream/VERSION``; ``pristine-tar`` what it takes to make those byte for byte again; ``debian/latest`` adds debian/,
with its patches not applied (for another suite than unstable, the branch is named after that:
``debian/trixie-backports``). What debgen itself generated is kept in ``refs/debgen/generated``, which is not pushed:
the base for merging the next release with a human's changes.

git is run without the user's and the machine's configuration, so no hook, signature or line-ending rule changes what
comes out; author and dates come from the changelog entry, so the same input gives the same commits.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from debgen.errors import CommandError, UsageError, WorkspaceError
from debgen.identity import Identity
from debgen.run import Runner, run
from debgen.upstream.sdist import unpack
from debgen.workspace import fresh_directory

#: Programs that a packaging repository takes.
GIT_TOOLS = ("git", "pristine-tar")
DEBIAN = "debian/latest"
UPSTREAM = "upstream/latest"
PRISTINE = "pristine-tar"
GENERATED = "refs/debgen/generated"
_COMPONENT = re.compile(r"\.orig-([A-Za-z0-9-]+)\.tar\.[a-z0-9]+$")
#: Upstream's .gitattributes must not change, expand or leave out what the tarball has.
_VERBATIM = "* -text -eol -crlf -ident -filter -working-tree-encoding -export-subst -export-ignore\n"


@dataclass(frozen=True)
class Import:
    """A source package on disk: its tarballs, and the version of its changelog entry.

    ``components`` are the tarballs besides ``orig``, by the name of the folder that each is unpacked in.
    """

    source: str
    version: str
    orig: Path
    debian: Path
    components: Mapping[str, Path] = field(default_factory=dict)

    @property
    def upstream(self) -> str:
        """The version without epoch and revision."""
        return self.version.partition(":")[2].rpartition("-")[0] or self.version.rpartition("-")[0]


def import_of(dsc: Path, version: str) -> Import:
    """The files beside ``dsc``, whose version with epoch is ``version``. WorkspaceError where one is missing."""
    stem = dsc.name.removesuffix(".dsc")
    source = stem.partition("_")[0]
    tarballs = [path for path in dsc.parent.glob(f"{source}_*.orig.tar.*") if not path.name.endswith(".asc")]
    packed = list(dsc.parent.glob(f"{stem}.debian.tar.*"))
    if len(tarballs) != 1 or len(packed) != 1:
        raise WorkspaceError(f"{dsc} lacks its tarballs", hint="Generate the source package again.")
    further = {match[1]: path for path in sorted(dsc.parent.iterdir()) if (match := _COMPONENT.search(path.name))}
    return Import(source, version, tarballs[0], packed[0], further)


@dataclass(frozen=True)
class Repository:
    """A git repository at ``path``; commits are by ``identity`` and of ``date``, the packaging is on ``branch``."""

    path: Path
    identity: Identity
    date: datetime
    run: Runner = run
    branch: str = DEBIAN

    def git(self, *words: str | Path, index: Path | None = None, work: Path | None = None) -> str:
        """Run git here, and give what it prints; ``index`` and ``work`` stand for its own index and working tree."""
        env = self.environment()
        if index:
            env["GIT_INDEX_FILE"] = str(index)
        where: Sequence[str | Path] = ("--work-tree", work) if work else ()
        settings = ("autocrlf=false", "fileMode=true", "quotePath=false", f"hooksPath={os.devnull}")
        options = [word for setting in settings for word in ("-c", f"core.{setting}")]
        return self.run(["git", *options, *where, *words], cwd=self.path, env=env).stdout.strip()

    def environment(self) -> dict[str, str]:
        """What makes git forget whose machine it runs on."""
        when = f"{int(self.date.timestamp())} +0000"
        known = {
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_TERMINAL_PROMPT": "0", "GIT_ATTR_NOSYSTEM": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "GIT_DIR": str(self.path / ".git"), "GIT_INDEX_FILE": str(self.path / ".git/index"),
        }  # fmt: skip
        for role in ("AUTHOR", "COMMITTER"):
            known |= {f"GIT_{role}_NAME": self.identity.name, f"GIT_{role}_EMAIL": self.identity.email}
            known[f"GIT_{role}_DATE"] = when
        return known

    def commit(self, tree: str, message: str, *parents: str) -> str:
        """A commit of ``tree``; its name."""
        words = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *words, "-m", message)

    def tree_of(self, folder: Path) -> str:
        """The tree object with exactly the files of ``folder``, whatever .gitignore says; folders without files go."""
        with tempfile.TemporaryDirectory(prefix="debgen-index-") as scratch:
            index = Path(scratch) / "index"
            self.git("add", "--all", "--force", ".", index=index, work=folder)
            return self.git("write-tree", index=index)

    def resolve(self, name: str) -> str:
        """The commit that a branch, tag or ref stands for; empty where there is none."""
        with suppress(CommandError):
            return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return ""

    def defuse_attributes(self) -> None:
        """Let no .gitattributes of upstream's take effect in this repository."""
        info = self.path / ".git" / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(_VERBATIM, encoding="utf-8")


def tag_of(upstream: str) -> str:
    """The tag of an upstream version, with what git refuses spelled as DEP-14 does.

    >>> tag_of("1.0~rc1")
    'upstream/1.0_rc1'
    """
    text = upstream.replace(":", "%").replace("~", "_")
    return "upstream/" + re.sub(r"\.(?=\.|$|lock$)", ".#", text)


def debian_branch(gbp_conf: str) -> str:
    """The branch that debian/gbp.conf names for the packaging; ``debian/latest`` where it names none."""
    found = re.search(r"^debian-branch\s*=\s*(\S+)", gbp_conf, re.MULTILINE)
    return found[1] if found else DEBIAN


def create(
    target: Path, told: Import, generated: Mapping[str, str], identity: Identity, date: datetime, run: Runner = run
) -> None:
    """Make the repository ``target`` with one release, on the branch that its gbp.conf names.

    ``generated`` is debian/ as the generator wrote it. UsageError where ``target`` holds anything: nothing that exists
    is touched. It appears complete or not at all.
    """
    refuse_existing(target)
    with fresh_directory(target) as work:
        branch = debian_branch(generated.get("gbp.conf", ""))
        repository = Repository(work, identity, date, run, branch)
        repository.git("init", "--quiet", "--template=", f"--initial-branch={branch}")
        repository.defuse_attributes()
        upstream = import_upstream(repository, told)
        commit = import_debian(repository, told, upstream, parents=(upstream,), message=f"Package {told.version}")
        keep_generated(repository, generated, told.version)
        repository.git("update-ref", f"refs/heads/{branch}", commit)
        repository.git("reset", "--quiet", "--hard", work=work)


def refuse_existing(target: Path) -> None:
    """UsageError where a new repository at ``target`` would be in something's way."""
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        is_repository = (target / ".git").exists()
        raise UsageError(
            f"{target} is there already, and is never overwritten",
            hint=f"To move it to another release, run `debgen update` in {target}."
            if is_repository
            else "Give --git a folder that doesn't exist yet.",
        )


def import_upstream(repository: Repository, told: Import) -> str:
    """Commit the tarball's content on ``upstream/latest``, tag it, and keep its bytes with pristine-tar.

    Returns the commit. UsageError where the version was imported before.
    """
    tag, previous = tag_of(told.upstream), repository.resolve(f"refs/heads/{UPSTREAM}")
    if repository.resolve(f"refs/tags/{tag}"):
        raise UsageError(f"the repository has {tag} already", hint="Nothing was changed.")
    with tempfile.TemporaryDirectory(prefix="debgen-upstream-") as scratch:
        unpack(told.orig, Path(scratch) / "tree")
        contents = {}
        for name, component in told.components.items():
            shutil.rmtree(Path(scratch) / "tree" / name, ignore_errors=True)  # dpkg-source puts it in this place
            unpack(component, Path(scratch) / "tree" / name)
            contents[f".orig-{name}"] = (component, repository.tree_of(Path(scratch) / "tree" / name))
        tree = repository.tree_of(Path(scratch) / "tree")
        message = f"New upstream version {told.upstream}"
        commit = repository.commit(tree, message, *([previous] if previous else []))
        repository.git("update-ref", f"refs/heads/{UPSTREAM}", commit)
        repository.git("tag", "--annotate", "--message", f"Upstream version {told.upstream}", tag, commit)
        # What is no tarball's is passed over, so the whole commit serves for the first; clones have it, too.
        for kind, (archive, content) in {".orig": (told.orig, commit), **contents}.items():
            # pristine-tar takes the name of the tarball from its path.
            tarball = Path(scratch) / f"{told.source}_{told.upstream}{kind}{_extension(archive)}"
            shutil.copyfile(archive, tarball)
            older = repository.resolve(f"refs/heads/{PRISTINE}")
            argv: list[str | Path] = ["pristine-tar", "commit", tarball, content]
            repository.run(argv, cwd=repository.path, env=repository.environment())
            _settle_pristine(repository, older, f"{tarball.name}.delta", Path(scratch) / f"pristine{kind}")
    return commit


def _settle_pristine(repository: Repository, older: str, name: str, work: Path) -> None:
    """Make the commit of pristine-tar anew, without the times and the chance order of files in its delta."""
    new = f"refs/heads/{PRISTINE}"
    index = work / ".index"
    work.mkdir()
    repository.git("read-tree", new, index=index)
    repository.git("checkout-index", "--all", f"--prefix={work}/tree/", index=index)
    delta = work / "tree" / name
    delta.write_bytes(_settled(delta.read_bytes(), int(repository.date.timestamp())))
    message = f"pristine-tar data for {name.removesuffix('.delta')}"
    commit = repository.commit(repository.tree_of(work / "tree"), message, *([older] if older else []))
    repository.git("update-ref", new, commit)


def _settled(delta: bytes, when: int) -> bytes:
    """A delta of pristine-tar, which is a tarball and may have another one in it, with sorted files of one time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(delta)) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            stream = old.extractfile(member)
            data = stream.read() if stream else b""
            if member.name == "wrapper":
                data = _settled(data, when)
            info = tarfile.TarInfo(member.name)
            info.mtime, info.mode, info.size = when, 0o644, len(data)
            new.addfile(info, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def import_debian(repository: Repository, told: Import, upstream: str, *, parents: Sequence[str], message: str) -> str:
    """A commit of upstream's tree with debian/ of the source package in it, which no branch has yet."""
    with tempfile.TemporaryDirectory(prefix="debgen-debian-") as scratch:
        tree = Path(scratch) / "tree"
        unpack(told.debian, tree / "debian")  # the archive's only folder is debian/, and it is that folder's content
        debian = repository.tree_of(tree)
        index = Path(scratch) / ".index"
        repository.git("read-tree", upstream, index=index)
        repository.git("rm", "-r", "-f", "--quiet", "--cached", "--ignore-unmatch", "debian", index=index)
        repository.git("read-tree", "--prefix=debian/", f"{debian}:debian", index=index)
        return repository.commit(repository.git("write-tree", index=index), message, *parents)


def keep_generated(repository: Repository, files: Mapping[str, str], version: str) -> None:
    """Remember debian/ as the generator wrote it for ``version``."""
    with tempfile.TemporaryDirectory(prefix="debgen-generated-") as scratch:
        for path, text in files.items():
            target = Path(scratch) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8", "surrogateescape"))
        previous = repository.resolve(GENERATED)
        tree = repository.tree_of(Path(scratch))
        commit = repository.commit(tree, f"Generated for {version}", *([previous] if previous else []))
        repository.git("update-ref", GENERATED, commit)


def _extension(tarball: Path) -> str:
    return tarball.name[tarball.name.rindex(".tar.") :]
