"""A C2PA manifest, signed with the shop's own key, in a picture of any format that we serve.

Signatures and identifiers differ each time, so the unsigned bytes are the ones that can be made
again: their hash is kept beside the signed picture's.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from generative.errors import SigningUnavailable
from generative.marking.certificate import CHAIN, KEY, MISSING, NEEDED, ends

SIGNED = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml"})
_NO_THUMBNAIL = {"builder": {"thumbnail": {"enabled": False}}}  # one adds 625 KB to a hero


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The certificates, leaf first, and the leaf's private key, both PEM."""

    chain: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Credentials(…)"  # a key has no place in a log


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A picture as it is served. `c2pa` is "signed", or why it is not: XMP then marks it alone."""

    data: bytes
    sha256_unsigned: str
    c2pa: str
    overhead_bytes: int


def mark(data: bytes, media_type: str, manifest: Mapping[str, Any], signing_dir: Path) -> Marked:
    """Sign a picture where that is possible; never fails, and says what it did."""
    plain = hashlib.sha256(data).hexdigest()
    try:
        signed = sign(data, media_type, manifest, credentials(signing_dir))
    except SigningUnavailable as error:
        return Marked(data=data, sha256_unsigned=plain, c2pa=str(error), overhead_bytes=0)
    return Marked(
        data=signed,
        sha256_unsigned=plain,
        c2pa="signed",
        overhead_bytes=len(signed) - len(data),
    )


def sign(
    data: bytes, media_type: str, manifest: Mapping[str, Any], credentials: Credentials
) -> bytes:
    """The picture with the manifest in it.

    Raises:
        SigningUnavailable: No library, no use for this media type, or credentials that do not fit.
    """
    if media_type not in SIGNED:
        raise SigningUnavailable(f"{media_type} holds no manifest")
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError) as error:
        raise SigningUnavailable(NEEDED) from error
    signed = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(
            alg=b"es256", sign_cert=credentials.chain, private_key=credentials.key, ta_url=None
        )
        with (
            c2pa.Settings.from_dict(_NO_THUMBNAIL) as settings,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Context(settings=settings) as context,
            c2pa.Builder(json.dumps(dict(manifest)), context) as builder,
        ):
            builder.sign(signer, media_type, io.BytesIO(data), signed)
    except (c2pa.C2paError, ValueError, TypeError, RuntimeError, OSError) as error:
        raise SigningUnavailable(f"signing failed: {error}") from error
    return signed.getvalue()


def read(data: bytes, media_type: str) -> dict[str, Any] | None:
    """The manifest store of a picture with the reader's verdict; None where it holds none.

    Raises:
        SigningUnavailable: No library.
    """
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError) as error:
        raise SigningUnavailable(NEEDED) from error
    try:
        with c2pa.Reader(media_type, io.BytesIO(data)) as reader:
            return dict(json.loads(reader.json()))
    except c2pa.C2paError.ManifestNotFound:
        return None


def credentials(signing_dir: Path, *, now: datetime | None = None) -> Credentials:
    """What `python -m generative certificate` made, still valid.

    Raises:
        SigningUnavailable: There are none, others may read the key, or the leaf has ended.
    """
    try:
        stats = [(signing_dir / name).stat() for name in (KEY, CHAIN)]
    except OSError as error:
        raise SigningUnavailable(MISSING) from error
    if stats[0].st_mode & 0o077:
        raise SigningUnavailable(f"others may read {KEY}: chmod 600 it, or make another")
    made, end = _read(signing_dir, *(told.st_mtime_ns for told in stats))
    if (now or datetime.now(UTC)) >= end:
        raise SigningUnavailable(
            f"the certificate ended on {end:%Y-%m-%d}; `python -m generative certificate` renews it"
        )
    return made


@lru_cache(maxsize=2)
def _read(signing_dir: Path, key_ns: int, chain_ns: int) -> tuple[Credentials, datetime]:  # noqa: ARG001 they name the version
    try:
        made = Credentials(
            chain=(signing_dir / CHAIN).read_bytes(), key=(signing_dir / KEY).read_bytes()
        )
    except OSError as error:
        raise SigningUnavailable(f"the signing key cannot be read: {error}") from error
    return made, ends(signing_dir)
