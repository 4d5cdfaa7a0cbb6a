"""HTTP to the index: few, reused connections, bounded answers, errors that say what to check."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util.connection import create_connection
from urllib3.util.retry import Retry

from debgen.errors import HostileArchiveError, NetworkError, UsageError
from debgen.upstream.configuration import IndexSettings

CONNECTIONS = 12
ATTEMPTS = 3
_BLOCK = 1 << 16
_TIMEOUT = urllib3.Timeout(connect=15, read=30)
_RETRIES = Retry(
    total=6,
    connect=3,
    read=2,
    status=3,
    redirect=5,
    backoff_factor=0.2,
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
)


class InterruptedAnswerError(NetworkError):
    """The answer ended before its announced length; asking again may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: header names are in lower case, ``url`` is where redirects ended."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """A pool of connections shared by all threads; credentials go to the index's own host only."""

    def __init__(self, settings: IndexSettings) -> None:
        self._origin = urlsplit(settings.url)[:2]
        self._authorization = (
            urllib3.make_headers(basic_auth=f"{settings.username}:{settings.password}")
            if settings.username or settings.password
            else {}
        )
        try:
            self._tls = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ssl.SSLError):
            raise UsageError(
                f"the certificate file {settings.ca_file} can't be read",
                hint="Check SSL_CERT_FILE, REQUESTS_CA_BUNDLE, PIP_CERT and pip's `cert`.",
            ) from None
        self._lock = threading.Lock()
        self._managers: dict[str, urllib3.PoolManager] = {}

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch ``url`` whole, at most ``limit`` bytes after decoding.

        Any HTTP status is an answer, save what retrying did not mend. NetworkError where there is none,
        HostileArchiveError where it is longer than ``limit``.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.stream(url, headers=headers) as response:
                    body = _read_bounded(response, url, limit)
                    found = {key.lower(): value for key, value in response.headers.items()}
                    return Answer(_final_url(url, response), response.status, found, body)
            except InterruptedAnswerError:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    @contextmanager
    def stream(self, url: str, *, headers: Mapping[str, str] | None = None) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer to ``url`` with its body unread.

        NetworkError where there is none; InterruptedAnswerError where it ends early while the block reads it.
        """
        try:
            response = self._manager(url).request(
                "GET",
                url,
                headers={**self._authorize(url), "User-Agent": "debgen", **(headers or {})},
                preload_content=False,
                decode_content=False,
                retries=_RETRIES,
                timeout=_TIMEOUT,
            )
        except (HTTPError, LocationValueError) as error:
            raise network_error(url, error) from None
        try:
            yield response
        except HTTPError as error:
            failure = network_error(url, error)
            raise InterruptedAnswerError(str(failure), hint=failure.hint) from None
        finally:
            # Only a connection whose answer was read to its end may serve again.
            if response.length_remaining not in (0, None):
                response.close()
            response.release_conn()

    def _authorize(self, url: str) -> Mapping[str, str]:
        return self._authorization if urlsplit(url)[:2] == self._origin else {}

    def _manager(self, url: str) -> urllib3.PoolManager:
        """The pool for ``url``: direct, or through the proxy that the environment names for it."""
        parts = urlsplit(url)
        proxies = getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all", "")
        if proxy and proxy_bypass(parts.netloc.rpartition("@")[2]):
            proxy = ""
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = self._new_manager(proxy)
            return self._managers[proxy]

    def _new_manager(self, proxy: str) -> urllib3.PoolManager:
        manager: urllib3.PoolManager
        if not proxy:
            manager = urllib3.PoolManager(maxsize=CONNECTIONS, block=True, ssl_context=self._tls)
        else:
            address = proxy if "://" in proxy else f"http://{proxy}"
            credentials = urllib3.util.parse_url(address).auth
            try:
                manager = urllib3.ProxyManager(
                    address,
                    maxsize=CONNECTIONS,
                    block=True,
                    ssl_context=self._tls,
                    proxy_headers=urllib3.make_headers(proxy_basic_auth=credentials) if credentials else None,
                )
            except (HTTPError, ValueError):
                raise UsageError(
                    "the proxy named by the environment can't be used",
                    hint="http_proxy and https_proxy take http:// or https:// URLs.",
                ) from None
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager


def network_error(url: str, error: Exception) -> NetworkError:
    """What went wrong with ``url``, in words; credentials never appear in it."""
    host = urlsplit(url).hostname or "the index"
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(reason, ProxyError):
        why, hint = "the proxy can't be reached or refuses", "Check http_proxy, https_proxy and no_proxy."
    elif isinstance(reason, NameResolutionError):
        why, hint = "its name can't be resolved", "Check the network, DNS and the index URL."
    elif isinstance(reason, SSLError):
        why = f"its certificate is not accepted ({reason})"
        hint = "Point SSL_CERT_FILE to the certificates of your network."
    elif isinstance(reason, NewConnectionError):
        why, hint = "the connection is refused or fails", "Check the network, the proxy and the index URL."
    elif isinstance(reason, (ConnectTimeoutError, ReadTimeoutError)):
        why, hint = "it does not answer in time", "Check the network and try again."
    elif isinstance(reason, (ProtocolError, IncompleteRead)):
        why, hint = "the connection breaks off", "Check the network and try again."
    else:
        why, hint = type(reason).__name__, "Check the network and try again."
    return NetworkError(f"can't fetch from {host}: {why}", hint=hint)


def _read_bounded(response: urllib3.BaseHTTPResponse, url: str, limit: int) -> bytes:
    parts: list[bytes] = []
    announced = response.headers.get("content-length", "")
    total = 0
    if announced.isdigit() and int(announced) > limit:
        raise _too_long(url, limit)
    while block := response.read(_BLOCK, decode_content=True):
        total += len(block)
        if total > limit:
            raise _too_long(url, limit)
        parts.append(block)
    return b"".join(parts)


def _final_url(url: str, response: urllib3.BaseHTTPResponse) -> str:
    """Where redirects ended; the response itself knows the path only."""
    for step in response.retries.history if response.retries else ():
        url = urljoin(url, step.redirect_location or "")
    return url


def _too_long(url: str, limit: int) -> HostileArchiveError:
    return HostileArchiveError(
        f"{urlsplit(url).hostname} sends more than {limit >> 20} MiB for {urlsplit(url).path}",
        hint="This is far more than such an answer should be; does the index know range requests?",
    )


_ADDRESSES: dict[tuple[str, int], list[str]] = {}
_RESOLVING = threading.Lock()


def _addresses(host: str, port: int) -> list[str]:
    """IP addresses of ``host``, asked for once per process and by one thread at a time.

    Every new connection would otherwise ask again; resolvers that drop queries when many come at once answer
    those after a time-out of seconds.
    """
    with _RESOLVING:
        if (host, port) not in _ADDRESSES:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            _ADDRESSES[host, port] = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        return _ADDRESSES[host, port]


def _connect(connection: HTTPConnection) -> socket.socket:
    try:
        addresses = _addresses(connection.host, connection.port)
    except (socket.gaierror, UnicodeError) as error:
        raise NameResolutionError(
            connection.host, connection, error if isinstance(error, socket.gaierror) else socket.gaierror()
        ) from error
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except TimeoutError:
            failure = TimeoutError()
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, f"connection to {connection.host} timed out") from failure
    raise NewConnectionError(connection, f"failed to connect: {failure}") from failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
