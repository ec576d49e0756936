"""The shop's own certificates for signing pictures: a root, and a leaf that it vouches for.

Nobody else knows the root, so a reader of the manifest says "untrusted signer, untouched content"
until the root is published or the shop brings a leaf from an authority: the same two files.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from generative.errors import SigningUnavailable

KEY, CHAIN = "key.pem", "chain.pem"  # what signing reads
ROOT_KEY, ROOT = "root-key.pem", "root.pem"  # what vouches for the next leaf; may be kept offline
_ROOT_DAYS = 3650
_USES = (
    "1.3.6.1.4.1.62558.2.1",
    "1.3.6.1.5.5.7.3.4",
)  # C2PA's claims; mail, which all readers allow
NEEDED = "pip install c2pa-python==0.38.1 cryptography (requirements-sign.lock) for signed pictures"
MISSING = "no certificate; `python -m generative certificate` makes one"


def make(folder: Path, name: str, *, days: int = 397, now: datetime | None = None) -> datetime:
    """Make a key and a certificate chain, or a new leaf under the root that is there; when it ends.

    Private keys are readable by their owner alone.

    Raises:
        SigningUnavailable: `cryptography` is missing, or the root that is there cannot be used.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise SigningUnavailable(NEEDED) from error
    start = now or datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root_key, root = _root(folder, name, start)
    key = ec.generate_private_key(ec.SECP256R1())
    end: datetime = min(start + timedelta(days=days), root.not_valid_after_utc)
    builder = _builder(x509, f"{name} creatives", name, root.subject, key.public_key(), start, end)
    # What C2PA asks of a leaf: it signs, for documents, and is no authority.
    leaf = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(x509, sign=True), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in _USES]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, _sha256())
    )
    _write(folder / KEY, _private(key), secret=True)
    _write(folder / CHAIN, _pem(leaf) + _pem(root), secret=False)
    return end


def ends(folder: Path) -> datetime:
    """When the leaf stops being valid.

    Raises:
        SigningUnavailable: There is none, or it cannot be read.
    """
    try:
        from cryptography import x509
    except ImportError as error:
        raise SigningUnavailable(NEEDED) from error
    try:
        leaf = x509.load_pem_x509_certificates((folder / CHAIN).read_bytes())[0]
    except OSError as error:
        raise SigningUnavailable(MISSING) from error
    except (ValueError, IndexError) as error:
        raise SigningUnavailable(f"{CHAIN} is no certificate chain: {error}") from error
    end: datetime = leaf.not_valid_after_utc
    return end


def _root(folder: Path, name: str, start: datetime) -> tuple[Any, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if (folder / ROOT).exists():
        try:
            key = serialization.load_pem_private_key(
                (folder / ROOT_KEY).read_bytes(), password=None
            )
            return key, x509.load_pem_x509_certificate((folder / ROOT).read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise SigningUnavailable(
                f"{ROOT} is there but its key {ROOT_KEY} cannot be read: bring it back to renew the"
                f" leaf, or move both away for a new root ({error})"
            ) from error
    made = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(x509, f"{name} root", name)
    end = start + timedelta(days=_ROOT_DAYS)
    root = (
        _builder(x509, f"{name} root", name, subject, made.public_key(), start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(x509, sign=False), critical=True)
        .sign(made, _sha256())
    )
    _write(folder / ROOT_KEY, _private(made), secret=True)
    _write(folder / ROOT, _pem(root), secret=False)
    return made, root


def _builder(
    x509: Any, common: str, name: str, issuer: Any, key: Any, start: datetime, end: datetime
) -> Any:
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(x509, common, name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - timedelta(minutes=5))  # clocks differ
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(x509: Any, common: str, name: str) -> Any:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name[:64]),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common[:64]),
        ]
    )


def _usage(x509: Any, *, sign: bool) -> Any:
    return x509.KeyUsage(
        digital_signature=sign,
        key_cert_sign=not sign,
        crl_sign=not sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sha256() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _private(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _write(path: Path, data: bytes, *, secret: bool) -> None:
    """Whole or not at all; a secret is never readable by others, not even while it is written."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    part.replace(path)
