"""Pictures are marked: signed where a certificate is, by XMP in any case, and it is said which."""

import io
import stat
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from generative.banner.formats import xmp_options
from generative.copy.candidate import Candidate
from generative.errors import SigningUnavailable
from generative.marking import certificate, signing
from generative.marking.provenance import manifest, provenance, xmp
from generative.types import Copy

KEY = "ab" * 32


@pytest.fixture(scope="module")
def signing_dir(tmp_path_factory):
    pytest.importorskip("cryptography")
    folder = tmp_path_factory.mktemp("signing")
    certificate.make(folder, "Nordwind")
    return folder


@pytest.fixture
def made(brief):
    candidate = Candidate(
        copy=Copy(headline="A", tagline="B", action="C"), provider="llama", model="f" * 64
    )
    return provenance(candidate, brief, seed=3, fingerprint="feed", backdrop="procedural")


def banner(kind="JPEG"):
    pixels = np.random.default_rng(0).integers(0, 255, (628 // 4, 300, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **xmp_options(kind, xmp(key=KEY, ai_generated=True)))
    return buffer.getvalue()


def test_private_keys_are_readable_by_their_owner_alone(signing_dir):
    for name in (certificate.KEY, certificate.ROOT_KEY):
        assert stat.S_IMODE((signing_dir / name).stat().st_mode) == 0o600


def test_renewing_keeps_the_root_that_others_trust(tmp_path):
    pytest.importorskip("cryptography")
    certificate.make(tmp_path, "Nordwind", days=1)
    root, key = (tmp_path / "root.pem").read_bytes(), (tmp_path / "key.pem").read_bytes()

    certificate.make(tmp_path, "Nordwind", days=90)

    assert (tmp_path / "root.pem").read_bytes() == root
    assert (tmp_path / "key.pem").read_bytes() != key
    assert certificate.ends(tmp_path) - datetime.now(UTC) > timedelta(days=89)


def test_a_root_whose_key_is_offline_is_not_replaced_in_silence(tmp_path):
    pytest.importorskip("cryptography")
    certificate.make(tmp_path, "Nordwind")
    (tmp_path / "root-key.pem").unlink()

    with pytest.raises(SigningUnavailable, match=r"root-key\.pem"):
        certificate.make(tmp_path, "Nordwind")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_signed_picture_holds_a_valid_manifest_that_says_what_made_it(kind, signing_dir, made):
    pytest.importorskip("c2pa")
    media_type, plain = f"image/{kind.lower()}", banner(kind)

    marked = signing.mark(plain, media_type, manifest(KEY, made), signing_dir)
    store = signing.read(marked.data, media_type)

    assert marked.c2pa == "signed"
    assert store["validation_state"] == "Valid"
    told = store["manifests"][store["active_manifest"]]
    assert told["signature_info"]["issuer"] == "Nordwind"
    actions, creative = (entry["data"] for entry in told["assertions"])
    assert actions["actions"][0]["digitalSourceType"].endswith(
        "/compositeWithTrainedAlgorithmicMedia"
    )
    assert creative["key"] == KEY
    assert creative["model_sha256"] == "f" * 64


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_signing_changes_no_pixel_and_adds_few_bytes(kind, signing_dir, made):
    pytest.importorskip("c2pa")
    plain = banner(kind)

    marked = signing.mark(plain, f"image/{kind.lower()}", manifest(KEY, made), signing_dir)

    before, after = (Image.open(io.BytesIO(data)) for data in (plain, marked.data))
    assert np.array_equal(np.asarray(before), np.asarray(after))
    assert 0 < marked.overhead_bytes < 6000  # no thumbnail


def test_a_changed_picture_is_found_out(signing_dir, made):
    pytest.importorskip("c2pa")
    marked = signing.mark(banner("PNG"), "image/png", manifest(KEY, made), signing_dir)
    at = marked.data.index(b"IDAT") + 200

    forged = marked.data[:at] + bytes([marked.data[at] ^ 1]) + marked.data[at + 1 :]

    assert signing.read(forged, "image/png")["validation_state"] == "Invalid"


def test_the_unsigned_bytes_are_the_ones_that_repeat(signing_dir, made):
    pytest.importorskip("c2pa")
    first, second = (
        signing.mark(banner(), "image/jpeg", manifest(KEY, made), signing_dir) for _ in range(2)
    )

    assert first.sha256_unsigned == second.sha256_unsigned
    assert first.data != second.data


def test_without_a_certificate_xmp_marks_the_picture_and_the_lack_is_said(tmp_path, made):
    marked = signing.mark(banner(), "image/jpeg", manifest(KEY, made), tmp_path)

    assert "no certificate" in marked.c2pa
    assert marked.overhead_bytes == 0
    assert b"compositeWithTrainedAlgorithmicMedia" in marked.data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_format_carries_the_xmp(kind):
    with Image.open(io.BytesIO(banner(kind))) as image:
        packet = image.info["xmp"]

    packet = packet if isinstance(packet, bytes) else packet.encode()
    assert b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in packet
    assert KEY.encode() in packet


def test_a_backdrop_by_a_model_is_marked_as_ai_made_even_with_plain_words(brief):
    plain = Candidate(copy=Copy(headline="A", tagline="B", action="C"), provider="template")

    told = provenance(plain, brief, seed=0, fingerprint="f", backdrop="flow:0123")

    assert told["ai_generated"] is True
    assert b"trained generator" in xmp(key=KEY, ai_generated=False, painted_by_model=True)


def test_a_library_backdrop_is_not_marked_as_ai_made(brief):
    plain = Candidate(copy=Copy(headline="A", tagline="B", action="C"), provider="template")

    told = provenance(plain, brief, seed=0, fingerprint="f", backdrop="library:0123")

    assert told["ai_generated"] is False


def test_an_ended_certificate_signs_nothing_and_says_so(signing_dir):
    with pytest.raises(SigningUnavailable, match="ended on"):
        signing.credentials(signing_dir, now=datetime.now(UTC) + timedelta(days=500))


def test_a_key_that_others_may_read_signs_nothing(tmp_path):
    pytest.importorskip("cryptography")
    certificate.make(tmp_path, "Nordwind")
    (tmp_path / "key.pem").chmod(0o644)

    with pytest.raises(SigningUnavailable, match="chmod 600"):
        signing.credentials(tmp_path)


def test_a_key_of_another_chain_signs_nothing(tmp_path, made):
    pytest.importorskip("c2pa")
    certificate.make(tmp_path / "a", "Nordwind")
    certificate.make(tmp_path / "b", "Other")
    (tmp_path / "b" / "key.pem").replace(tmp_path / "a" / "key.pem")

    marked = signing.mark(banner(), "image/jpeg", manifest(KEY, made), tmp_path / "a")

    assert marked.c2pa.startswith("signing failed")
    assert marked.data == banner()


def test_broken_certificates_are_named(tmp_path, made):
    pytest.importorskip("cryptography")
    certificate.make(tmp_path, "Nordwind")
    (tmp_path / "chain.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")

    assert "chain.pem" in signing.mark(banner(), "image/jpeg", manifest(KEY, made), tmp_path).c2pa


def test_what_holds_no_manifest_is_left_as_it_is(signing_dir, made):
    marked = signing.mark(b"<html>", "text/html", manifest(KEY, made), signing_dir)

    assert marked.data == b"<html>"
    assert "text/html" in marked.c2pa


def test_a_key_is_in_no_log():
    assert "secret" not in repr(signing.Credentials(chain=b"chain", key=b"secret"))
