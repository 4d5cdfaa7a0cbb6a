"""Run a command as root of a user namespace, in an unpacked copy of a chroot tarball.

Everything is done by unshare(1) of util-linux, which with newuidmap works the same for root and for a user who
has subordinate ids: root inside is the first of them outside, never this user, never the real root. Inside,
the chroot is mounted over the root of the file system (as switch_root does it, so that leaving the chroot leads
nowhere; pivot_root would need umount inside, which a minimal chroot lacks), processes can't see or signal those
outside, and without ``network`` there is only a loopback device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from debgen.building.scratch import as_owner, at_work
from debgen.errors import ChrootError
from debgen.run import Completed, Runner

SETUP_FAILED = 125

# The shell script that becomes the first process inside. Its arguments: the directory to unpack to, the
# directory to show as /in, yes or no for the network, and the command. The tarball is its standard input.
_ENTER = r"""
set -eu
root=$1 inputs=$2 network=$3
shift 3
umask 022
PATH=$PATH:/usr/sbin:/sbin
trap 'exit 130' INT TERM
trap 'exit 125' EXIT
tar --extract --file=- --directory="$root" --exclude='./dev/*'
mount --bind "$root" "$root"
cd "$root"
mkdir -p in dev proc
mount --bind "$inputs" in
mount -t proc proc proc
mount -t tmpfs -o mode=755 none dev
for node in null zero full random urandom tty; do
    : > dev/$node
    mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 none dev/pts
mount -t tmpfs -o mode=1777 none dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
hostname debgen
rm -f etc/resolv.conf etc/hosts
if [ "$network" = yes ]; then
    cat /etc/resolv.conf > etc/resolv.conf
    cat /etc/hosts > etc/hosts
else
    : > etc/resolv.conf
    echo '127.0.0.1 localhost debgen' > etc/hosts
    ip link set lo up
fi
mount --no-mtab --move . /
# From here on no process has a root outside: /proc/1/root would be a way back. The first process of a namespace
# ignores the signals that it has no trap for.
exec chroot . env -i HOME=/root LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c 'trap "exit 130" INT TERM; "$@"; exit' sh "$@" </dev/null
"""

# unshare can't open the tarball itself: it may lie below a home directory that the namespace's root can't enter.
_WITH_INPUT = 'tarball=$1; shift; exec "$@" <"$tarball"'


def run_inside(
    tarball: Path,
    argv: Sequence[str],
    *,
    work: Path,
    inputs: Path,
    network: bool,
    run: Runner,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Unpack ``tarball`` below the scratch directory ``work`` and run ``argv`` in it as the namespace's root.

    ``inputs`` is shown as /in. The command's exit code is the caller's to judge; a ChrootError says that it
    could not even be started.
    """
    root = work / "root"
    root.mkdir()
    run(as_owner("chown", "1:1", root))  # the first subordinate id, which is root in the namespace below
    flags = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
    if not network:
        flags.append("--net")
    result = run(
        [
            *at_work(work, "sh", "-c", _WITH_INPUT, "sh", tarball),
            *("unshare", "--map-auto", "--setuid", "0", "--setgid", "0", *flags, "--"),
            *("sh", "-c", _ENTER, "sh", root, inputs, "yes" if network else "no", *argv),
        ],
        log=log,
        on_line=on_line,
        check=False,
    )
    if result.returncode == SETUP_FAILED:
        told = result.stderr.strip() or (log.read_text(errors="replace").strip() if log else "")
        raise ChrootError(
            f"the chroot {tarball.name} can't be entered:\n{told}",
            hint="`debgen doctor` checks what chroots need; `debgen chroot update` makes this one anew.",
        )
    return result
