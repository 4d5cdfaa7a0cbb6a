"""No build has a network, in a clean chroot or in a kept one; nor does it matter which of them it is."""

from __future__ import annotations

import os
import shutil
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from debgen.archive.mirror import mirror_settings
from debgen.building.chroots import ChrootStore
from debgen.building.sbuild import build
from debgen.building.warm import WarmChroots
from debgen.run import run
from debgen.workspace import cache_directory

pytestmark = pytest.mark.integration

PACKAGE = Path(__file__).parent / "data" / "hello-tiny"

#: Tries each way out of a build, says which are open, and exits with their number.
PROBE = r"""
use strict; use warnings; use Socket;
my ($host, $address, $port, $local, $name) = @ARGV;
my $open = 0;
sub try { my ($way, $code) = @_; my $found = eval { local $SIG{ALRM} = sub { die }; alarm 5; my $r = $code->(); alarm 0; $r };
  alarm 0; print "way out: $way is ", $found ? "open" : "closed", "\n"; $open++ if $found; }
sub tcp { my $s; socket($s, PF_INET, SOCK_STREAM, 0) && connect($s, pack_sockaddr_in($_[1], inet_aton($_[0]))) }
sub lines { open(my $f, '<', $_[0]) or return (); my @l = <$f>; splice(@l, 0, $_[1]); @l }
try 'name resolution', sub { defined scalar gethostbyname($host) };
try 'mirror', sub { tcp($address, $port) };
try 'datagram', sub { my $s; socket($s, PF_INET, SOCK_DGRAM, 0) && send($s, 'x', 0, pack_sockaddr_in(53, inet_aton('192.0.2.1'))) };
try 'loopback of the host', sub { tcp('127.0.0.1', $local) };
try 'abstract socket of the host', sub { my $s; socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, pack('Sa*', AF_UNIX, "\0$name")) };
try 'device', sub { scalar grep { !/^\s*lo:/ } lines('/proc/net/dev', 2) };
try 'route', sub { scalar lines('/proc/net/route', 1) };
exit $open;
"""  # noqa: E501


@pytest.fixture
def listening() -> Iterator[tuple[int, str, list[object]]]:
    """Sockets of the host, as the server of the local repository has one; what has come to them."""
    name, came = f"debgen-test-{os.getpid()}", list[object]()
    with socket.socket() as local, socket.socket(socket.AF_UNIX) as abstract:
        local.bind(("127.0.0.1", 0))
        abstract.bind(f"\0{name}")
        for door in (local, abstract):
            door.listen()

            def accept(door: socket.socket = door) -> None:
                with suppress(OSError):
                    while True:
                        visitor, whence = door.accept()
                        came.append(whence)
                        visitor.close()

            threading.Thread(target=accept, daemon=True).start()
        yield local.getsockname()[1], name, came


def source(folder: Path, arguments: list[str]) -> Path:
    """The .dsc of a small package that looks for ways out when it is built and when it is tested."""
    tree = folder / "hello-tiny-1.0"
    shutil.copytree(PACKAGE, tree)
    changelog, rules = tree / "debian/changelog", tree / "debian/rules"
    changelog.write_text(changelog.read_text().replace("UNRELEASED", "unstable"))
    (tree / "debian/probe.pl").write_text(PROBE)
    call = f"perl debian/probe.pl {' '.join(arguments)}"
    rules.write_text(rules.read_text().replace("%:", f"execute_before_dh_auto_build:\n\t{call}\n\n%:"))
    (tree / "tests/test_network.py").write_text(
        "import pathlib, subprocess\n\ndef test_network():\n"
        "    top = next(p for p in pathlib.Path.cwd().parents if (p / 'debian/probe.pl').exists())\n"
        f"    assert subprocess.run(['perl', top / 'debian/probe.pl', *{arguments!r}]).returncode == 0\n"
    )
    with tarfile.open(folder / "hello-tiny_1.0.orig.tar.gz", "w:gz") as archive:
        archive.add(tree, tree.name, filter=lambda m: None if "/debian" in m.name else m)
    run(["dpkg-source", "--build", tree.name], cwd=folder)
    return folder / "hello-tiny_1.0-1.dsc"


def test_no_build_has_a_network(tmp_path: Path, listening: tuple[int, str, list[object]]) -> None:
    """In debian/rules as in upstream's tests, in the first build as in one that starts from a kept chroot."""
    port, name, came = listening
    mirror = mirror_settings(ignore_valid_until=True)
    store = ChrootStore(cache_directory("chroots"), mirror)
    host = urlsplit(mirror.uri).hostname or ""
    try:
        address = socket.gethostbyname(host)
    except OSError:  # only a proxy knows where it is
        address = "192.0.2.1"
    arguments = [host, address, str(urlsplit(mirror.uri).port or 80), str(port), name]

    dsc = source(tmp_path, arguments)
    # The probe does find a way where there is one.
    (tmp_path / "probe.pl").write_text(PROBE)
    chroot = store.ensure("sid")
    outside = store.run_in(chroot, ["perl", "/in/probe.pl", *arguments], inputs=[tmp_path / "probe.pl"], network=True)
    for way in ("loopback of the host", "abstract socket of the host", "device", "route"):
        assert f"way out: {way} is open" in outside.stdout
    assert len(came) == 2
    warm = WarmChroots(tmp_path / "warm")
    for number in (1, 2):
        log = build(dsc, chroot, tmp_path / f"out{number}", warm=warm).log.read_text()
        kept = next(warm.directory.glob("*.tar"))
        assert (f"Unpacking {kept} to" in log) is (number == 2)
        assert log.count("way out: ") >= 7
        assert " is open" not in log
        assert "2 passed" in log
    assert len(came) == 2
    builds = [next((tmp_path / f"out{number}").glob("*.deb")) for number in (1, 2)]
    assert builds[0].read_bytes() == builds[1].read_bytes()
    infos = [next((tmp_path / f"out{number}").glob("*.buildinfo")).read_text() for number in (1, 2)]
    installed = [text.partition("Installed-Build-Depends:")[2].partition("\nEnvironment:")[0] for text in infos]
    assert installed[0] == installed[1] != ""
