"""The workers' settings; they contain the domains' own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generative.config import GenerativeConfig
from recsys.config import RecsysConfig

_NICEST = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersConfig:
    recsys: RecsysConfig = field(default_factory=RecsysConfig)
    generative: GenerativeConfig = field(default_factory=GenerativeConfig)
    broker_url: str = "redis://127.0.0.1:6379/0"  # Celery's broker; not the cache's database
    lease_seconds: float = 60.0  # a job whose worker was silent this long is handed to another
    sweep_seconds: float = 30.0  # how often beat looks for silent jobs and spooled events
    answers_seconds: float = 5.0  # how often beat has answers made into rows
    variant_seconds: float = 300.0  # how often beat counts what came of looks that were drawn
    campaign_chunk: int = 8  # creatives made between two commits of a campaign
    retrain_hours: float = 0.0  # beat starts a retrain this often; 0 leaves it to the console
    job_database_busy_seconds: float = 30.0  # a job has time to wait for a locked database
    worker_nice: int = 19  # how far jobs give way to the web's answers, 0 to 19

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "WorkersConfig":
        """Build from VITRINE_* variables.

        Raises:
            ValueError: A variable that cannot be read, named in the message.
        """
        d = cls()
        return cls(
            recsys=RecsysConfig.from_env(env),
            generative=GenerativeConfig.from_env(env),
            broker_url=env.get("VITRINE_BROKER_URL", d.broker_url),
            lease_seconds=_seconds(env, "VITRINE_LEASE_SECONDS", d.lease_seconds),
            sweep_seconds=_seconds(env, "VITRINE_SWEEP_SECONDS", d.sweep_seconds),
            answers_seconds=_seconds(env, "VITRINE_ANSWERS_SECONDS", d.answers_seconds),
            variant_seconds=_seconds(env, "VITRINE_VARIANT_SECONDS", d.variant_seconds),
            campaign_chunk=int(_seconds(env, "VITRINE_CAMPAIGN_CHUNK", d.campaign_chunk)),
            retrain_hours=_seconds(env, "VITRINE_RETRAIN_HOURS", d.retrain_hours, zero=True),
            job_database_busy_seconds=_seconds(
                env, "VITRINE_JOB_DATABASE_BUSY_SECONDS", d.job_database_busy_seconds
            ),
            worker_nice=_nice(env, "VITRINE_WORKER_NICE", d.worker_nice),
        )


def _seconds(env: Mapping[str, str], name: str, default: float, *, zero: bool = False) -> float:
    try:
        value = float(env.get(name, default))
    except ValueError:
        message = f"{name}={env[name]!r} is no number"
        raise ValueError(message) from None
    if not 0 <= value < float("inf") or (value == 0 and not zero):
        message = f"{name}={env[name]!r} must be above zero, and finite"
        raise ValueError(message)
    return value


def _nice(env: Mapping[str, str], name: str, default: int) -> int:
    value = _seconds(env, name, default, zero=True)
    if value > _NICEST or value != int(value):
        message = f"{name}={env[name]!r} must be a whole number from 0 to {_NICEST}"
        raise ValueError(message)
    return int(value)
