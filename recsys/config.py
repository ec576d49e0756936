"""The recommender's settings: read from an environment mapping once, by whoever starts a process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recsys.types import Hide


@dataclass(frozen=True, slots=True, kw_only=True)
class RecsysConfig:
    database_url: str = (
        "sqlite:///var/vitrine.db"  # SQLAlchemy URL; postgresql+psycopg://… in production
    )
    database_busy_seconds: float = 2.0  # how long a locked database is waited for
    artifacts_dir: Path = Path("var/artifacts")  # model versions and the LIVE pointer
    spool_dir: Path = Path("var/spool")  # events accepted while the database is away
    cache_url: str = "redis://127.0.0.1:6379/1"  # where an import tells servers; empty: nowhere
    answers_dir: Path = Path("var/answers")  # answers given, until the sweep makes them rows
    answers_days: float = 30.0  # how long an answer can be continued, credited and replayed
    hide: Hide = (
        Hide.PURCHASED
    )  # what of a shopper's past is kept out unless the request says otherwise
    train_epochs: int = 30  # upper bound of passes over the training users
    train_max_seconds: float = 900.0  # a fit stops here and keeps its best epoch
    train_seed: int = 98765  # one seed for the split, the weights and the batches
    train_threads: int = 2  # torch threads of the training process
    train_device: str = "auto"  # auto takes a GPU where torch sees one; cpu or cuda insist
    gate_ratio: float = 0.98  # candidate NDCG@20 must reach this share of the live model's
    keep_versions: int = 3  # newest versions kept on disk, besides the live one
    text_encoder: str = "auto"  # who reads items' words; auto takes minilm where it is installed

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "RecsysConfig":
        """Build from VITRINE_* variables.

        Raises:
            ValueError: A variable that cannot be read, named in the message.
        """
        d = cls()
        return cls(
            database_url=env.get("VITRINE_DATABASE_URL", d.database_url),
            database_busy_seconds=_number(
                env, "VITRINE_DATABASE_BUSY_SECONDS", d.database_busy_seconds
            ),
            artifacts_dir=Path(env.get("VITRINE_ARTIFACTS_DIR", d.artifacts_dir)),
            spool_dir=Path(env.get("VITRINE_SPOOL_DIR", d.spool_dir)),
            cache_url=env.get("VITRINE_CACHE_URL", d.cache_url),
            answers_dir=Path(env.get("VITRINE_ANSWERS_DIR", d.answers_dir)),
            answers_days=_number(env, "VITRINE_ANSWERS_DAYS", d.answers_days),
            hide=_hide(env.get("VITRINE_HIDE", d.hide)),
            train_epochs=_whole(env, "VITRINE_TRAIN_EPOCHS", d.train_epochs),
            train_max_seconds=_number(env, "VITRINE_TRAIN_MAX_SECONDS", d.train_max_seconds),
            train_seed=_whole(env, "VITRINE_TRAIN_SEED", d.train_seed),
            train_threads=_whole(env, "VITRINE_TRAIN_THREADS", d.train_threads),
            train_device=_device(env.get("VITRINE_TRAIN_DEVICE", d.train_device)),
            gate_ratio=_number(env, "VITRINE_GATE_RATIO", d.gate_ratio),
            keep_versions=_whole(env, "VITRINE_KEEP_VERSIONS", d.keep_versions),
            text_encoder=_text_encoder(env.get("VITRINE_TEXT_ENCODER", d.text_encoder)),
        )


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(env.get(name, default))
    except ValueError:
        message = f"{name}={env[name]!r} is no number"
        raise ValueError(message) from None
    if not 0 <= value < float("inf"):
        message = f"{name}={env[name]!r} must be zero or more, and finite"
        raise ValueError(message)
    return value


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    value = _number(env, name, default)
    if value != int(value):
        message = f"{name}={env[name]!r} must be a whole number"
        raise ValueError(message)
    return int(value)


def _hide(value: str) -> Hide:
    try:
        return Hide(value)
    except ValueError:
        message = f"VITRINE_HIDE={value!r} must be one of {', '.join(Hide)}"
        raise ValueError(message) from None


def _text_encoder(value: str) -> str:
    if value not in {"auto", "minilm", "words", "none"}:
        message = f"VITRINE_TEXT_ENCODER={value!r} must be auto, minilm, words or none"
        raise ValueError(message)
    return value


def _device(value: str) -> str:
    if value not in {"auto", "cpu", "cuda"}:
        message = f"VITRINE_TRAIN_DEVICE={value!r} must be auto, cpu or cuda"
        raise ValueError(message)
    return value
