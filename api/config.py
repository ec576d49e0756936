"""The web process's settings; they contain the domains' own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from generative.config import GenerativeConfig
from recsys.config import RecsysConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    recsys: RecsysConfig = field(default_factory=RecsysConfig)
    generative: GenerativeConfig = field(default_factory=GenerativeConfig)
    secret_key: str = ""  # signs cookies; empty shuts the pages, the API still answers
    former_secret_keys: tuple[str, ...] = ()  # profiles that these signed are still read
    cookie_secure: bool = True  # cookies over HTTPS only; off on plain loopback
    storefront: bool = True  # serve the sample storefront at /
    max_body_bytes: int = 1_000_000  # JSON bodies above this are refused with 413
    max_upload_bytes: int = 64_000_000  # catalogue feeds above this are refused with 413
    creatives_per_slate: int = 3  # how many leading items of a slate may ring for a generation
    pulse_seconds: float = 0.5  # Redis's word that nothing was written is trusted this long
    cors_origins: tuple[str, ...] = ()  # whose scripts may call with the public key
    image_origins: tuple[str, ...] = ()  # where else our pages may show product pictures from

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ApiConfig":
        """Build from VITRINE_* variables.

        Raises:
            ValueError: A variable that cannot be read, named in the message.
        """
        d = cls()
        return cls(
            recsys=RecsysConfig.from_env(env),
            generative=GenerativeConfig.from_env(env),
            secret_key=env.get("VITRINE_SECRET_KEY", d.secret_key),
            former_secret_keys=_words(env, "VITRINE_FORMER_SECRET_KEYS"),
            cookie_secure=_flag(env, "VITRINE_COOKIE_SECURE", d.cookie_secure),
            storefront=_flag(env, "VITRINE_STOREFRONT", d.storefront),
            max_body_bytes=_count(env, "VITRINE_MAX_BODY_BYTES", d.max_body_bytes),
            max_upload_bytes=_count(env, "VITRINE_MAX_UPLOAD_BYTES", d.max_upload_bytes),
            creatives_per_slate=_count(env, "VITRINE_CREATIVES_PER_SLATE", d.creatives_per_slate),
            pulse_seconds=_seconds(env, "VITRINE_PULSE_SECONDS", d.pulse_seconds),
            cors_origins=_origins(env, "VITRINE_CORS_ORIGINS"),
            image_origins=_origins(env, "VITRINE_IMAGE_ORIGINS"),
        )


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:  # noqa: FBT001 a value, not a switch
    value = env.get(name)
    if value is None:
        return default
    if value.lower() not in {"0", "1", "true", "false"}:
        message = f"{name}={value!r} must be 0, 1, true or false"
        raise ValueError(message)
    return value.lower() in {"1", "true"}


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name, str(default))
    if not value.isdigit():
        message = f"{name}={value!r} must be a whole number, zero or more"
        raise ValueError(message)
    return int(value)


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    value = env.get(name, str(default))
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", value):
        message = f"{name}={value!r} must be a number of seconds, zero or more"
        raise ValueError(message)
    return float(value)


def _words(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())


def _origins(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    origins = _words(env, name)
    for origin in origins:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?", origin):
            message = (
                f"VITRINE_CORS_ORIGINS: {origin!r} must be scheme://host[:port], no path, no *"
            )
            raise ValueError(message)
    return origins
