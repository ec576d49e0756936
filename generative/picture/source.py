"""Where a product's picture comes from: the shop's own media folders, or the web, both hostile.

A path may not leave its folder. A host is resolved once, every address it names must be public,
and the connection goes to that very address, so a second answer of the name server changes nothing.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from generative.checks.image import MAX_BYTES
from generative.errors import UnsafeImage

MEDIA = "/media/"
TIMEOUT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
_PIECE = 65_536
_PORTS = {"http": 80, "https": 443}


def fetch(url: str, media_dirs: Sequence[Path]) -> bytes:
    """The bytes of a picture.

    Raises:
        UnsafeImage: It is not there, too large, too slow, or from where it may not come.
    """
    if url.startswith(MEDIA):
        return _read(resolve(url.removeprefix(MEDIA), media_dirs))
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise UnsafeImage(f"no address: {url[:80]!r}") from error
    if scheme in _PORTS:
        return _download(url)
    raise UnsafeImage(f"no picture: {url[:80]!r} is neither {MEDIA}… nor http(s)")


def resolve(name: str, media_dirs: Sequence[Path]) -> Path:
    """The file that `/media/<name>` means; links and dots must not lead out of its folder.

    Raises:
        UnsafeImage: No such file inside the folders.
    """
    name = unquote(name)
    parts = name.split("/")
    if "\x00" in name or "\\" in name or any(part in {"", ".", ".."} for part in parts):
        raise UnsafeImage(f"no picture may be called {name[:80]!r}")
    for folder in media_dirs:
        root = folder.resolve()
        path = (root / name).resolve()
        if path.is_relative_to(root) and path.is_file():
            return path
    raise UnsafeImage(f"no picture {name[:80]!r} in the media folders")


def public_address(host: str, port: int) -> str:
    """One address of a host all of whose addresses are public.

    Raises:
        UnsafeImage: It cannot be resolved, or names any private, loopback or otherwise special address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnsafeImage(f"host {host[:80]!r} cannot be resolved") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not _public(address):
            raise UnsafeImage(f"host {host[:80]!r} is inside: {address}")
    return addresses[0]


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None and not _public(str(inner)):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnsafeImage(f"picture {path.name!r} is larger than {MAX_BYTES} bytes")
    return data


def _download(url: str) -> bytes:
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise UnsafeImage("the picture's address has no valid port") from error
    if not parts.hostname or parts.username or port not in _PORTS.values():
        raise UnsafeImage(f"pictures come from plain hosts on ports 80 and 443, not {url[:80]!r}")
    address = public_address(parts.hostname, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _connect(parts.scheme, parts.hostname, address, port)
    try:
        connection.request("GET", path, headers={"Accept": "image/jpeg, image/png, image/webp"})
        return _receive(connection.getresponse())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnsafeImage(f"picture cannot be fetched: {error}") from error
    finally:
        connection.close()


def _connect(scheme: str, host: str, address: str, port: int) -> http.client.HTTPConnection:
    """A connection that speaks to `host` but dials the address that was checked."""
    if scheme == "http":
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    else:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            host, port, timeout=TIMEOUT_SECONDS, context=context
        )
    try:
        sock = socket.create_connection((address, port), TIMEOUT_SECONDS)
        if scheme == "https":
            sock = context.wrap_socket(sock, server_hostname=host)
    except OSError as error:
        raise UnsafeImage(f"host {host[:80]!r} does not answer: {error}") from error
    connection.sock = sock
    return connection


def _receive(response: http.client.HTTPResponse) -> bytes:
    if response.status != http.client.OK:  # a redirect too: it could lead inside
        raise UnsafeImage(f"picture answered {response.status}")
    deadline = time.monotonic() + TOTAL_SECONDS
    pieces, size = [], 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > MAX_BYTES or time.monotonic() > deadline:
            raise UnsafeImage("picture is too large or too slow")
        pieces.append(piece)
    return b"".join(pieces)
