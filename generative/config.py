"""The studio's settings: read from an environment mapping once, by whoever starts a process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generative.brief import LANGUAGES, UNKNOWN_LANGUAGE, language

FETCHED: Mapping[str, str] = {
    "cutout": "isnet_medium.onnx",
    "nsfw": "open_nsfw.onnx",
    "upscale": "esrgan-medium-x2",
}  # names in `models_dir`


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerativeConfig:
    cache_url: str = (
        "redis://127.0.0.1:6379/1"  # Redis that caches creatives; not the broker's database
    )
    creative_ttl_seconds: int = 86_400  # how long a cached creative lives
    claim_seconds: int = 120  # how long one asker holds the right to enqueue a creative
    banners_dir: Path = Path("var/banners")  # rendered banners, shared by web and workers
    media_dirs: tuple[Path, ...] = (
        Path("demo/media"),
        Path("var/media"),
    )  # what /media/ pictures resolve in
    copy_providers: tuple[str, ...] = (
        "llama",
        "extractive",
        "template",
    )  # asked in order; template cannot fail
    gguf_path: str = (
        ""  # your own GGUF model; empty means the packaged SmolLM2-135M where installed
    )
    llm_samples: int = 3  # candidates the language model writes for each brief
    llm_threads: int = 1  # CPU threads of the language model; more spin beside busy neighbours
    llm_timeout_seconds: float = (
        20.0  # a brief's budget in the language model, all samples together
    )
    copy_languages: tuple[str, ...] = ("en",)  # what the models may write; the floor does the rest
    transformers_path: str = ""  # folder of a causal language model, for the provider transformers
    transformers_device: str = "auto"  # "cpu", "cuda", or "auto": a GPU where there is one
    openai_url: str = ""  # base address of an OpenAI-compatible server, for the provider openai
    openai_model: str = ""  # the model's name there
    openai_key: str = field(
        default="", repr=False
    )  # its key; sent to that address and nowhere else
    openai_timeout_seconds: float = 20.0  # a brief's budget there, all tries together
    openai_tries: int = 3  # calls for one brief, the first included
    openai_price_in: float = 0.0  # money for 1,000 tokens asked, in the unit of the budget
    openai_price_out: float = 0.0  # money for 1,000 tokens answered
    daily_budget: float = 1.0  # money that all providers together may spend in a day (UTC)
    models_dir: Path = Path("var/models")  # where `python -m generative fetch-models` puts weights
    voices_dir: Path = Path("var/voices")  # fine-tuned voices of the language model; LIVE names one
    voice_teacher: str = (
        ""  # who teaches a voice: a GGUF file, "openai" or "transformers"; or nobody
    )
    voice_taught: int = 120  # products that the teacher is asked about in one run
    voice_steps: int = 150  # updates of a voice's weights in one run
    voice_device: str = "cpu"  # where a voice is trained: "cpu" or "cuda"
    voices_kept: int = 3  # voices left on disk besides the live one
    pictures_dir: Path = Path("var/pictures")  # backdrop library, cut-outs and photos of creatives
    signing_dir: Path = Path("var/signing")  # the key and certificates of `… certificate`
    cutout_model: str = ""  # an ISNet ONNX file; empty takes a fetched one, "none" frames photos
    nsfw_model: str = ""  # an Open-NSFW ONNX file; empty takes a fetched one, "none" checks nothing
    upscale_model: str = ""  # folder of fetched ESRGAN weights; empty enlarges plainly
    backdrops: tuple[str, ...] = ("library", "procedural")  # asked in order; procedural cannot fail
    text_to_image: str = ""  # folder of a diffusers pipeline, for the backdrop `scene` on a GPU
    variant_exploration: float = 0.1  # share of draws that are even among approved looks, above 0
    variant_half_life_days: float = 14.0  # a result of a look counts half after this long
    brand_name: str = "Vitrine"  # shown in banners
    brand_color: str = "#0f766e"  # accent of banners, hex

    @property
    def library_dir(self) -> Path:
        """Where the shop's own backdrops lie."""
        return self.pictures_dir / "library"

    def weights(self, name: str) -> str:
        """The path of `cutout` or `nsfw` weights: configured, else fetched, else ""."""
        told = {"cutout": self.cutout_model, "nsfw": self.nsfw_model}[name]
        if told:
            return "" if told == "none" else told
        fetched = self.models_dir / FETCHED[name]
        return str(fetched) if fetched.exists() else ""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "GenerativeConfig":
        """Build from VITRINE_* variables.

        Raises:
            ValueError: A variable that cannot be read, named in the message.
        """
        d = cls()
        return cls(
            cache_url=env.get("VITRINE_CACHE_URL", d.cache_url),
            creative_ttl_seconds=_whole(
                env, "VITRINE_CREATIVE_TTL_SECONDS", d.creative_ttl_seconds
            ),
            claim_seconds=_whole(env, "VITRINE_CLAIM_SECONDS", d.claim_seconds),
            banners_dir=Path(env.get("VITRINE_BANNERS_DIR", d.banners_dir)),
            media_dirs=_paths(env, "VITRINE_MEDIA_DIRS", d.media_dirs),
            copy_providers=_names(env, "VITRINE_COPY_PROVIDERS", d.copy_providers),
            gguf_path=env.get("VITRINE_GGUF_PATH", d.gguf_path),
            llm_samples=_whole(env, "VITRINE_LLM_SAMPLES", d.llm_samples),
            llm_threads=_whole(env, "VITRINE_LLM_THREADS", d.llm_threads),
            llm_timeout_seconds=_number(env, "VITRINE_LLM_TIMEOUT_SECONDS", d.llm_timeout_seconds),
            copy_languages=_languages(env, "VITRINE_COPY_LANGUAGES", d.copy_languages),
            transformers_path=env.get("VITRINE_TRANSFORMERS_PATH", d.transformers_path),
            transformers_device=env.get("VITRINE_TRANSFORMERS_DEVICE", d.transformers_device),
            openai_url=env.get("VITRINE_OPENAI_URL", d.openai_url),
            openai_model=env.get("VITRINE_OPENAI_MODEL", d.openai_model),
            openai_key=env.get("VITRINE_OPENAI_KEY", d.openai_key),
            openai_timeout_seconds=_number(
                env, "VITRINE_OPENAI_TIMEOUT_SECONDS", d.openai_timeout_seconds
            ),
            openai_tries=_whole(env, "VITRINE_OPENAI_TRIES", d.openai_tries),
            openai_price_in=_amount(env, "VITRINE_OPENAI_PRICE_IN", d.openai_price_in),
            openai_price_out=_amount(env, "VITRINE_OPENAI_PRICE_OUT", d.openai_price_out),
            daily_budget=_amount(env, "VITRINE_DAILY_BUDGET", d.daily_budget),
            models_dir=Path(env.get("VITRINE_MODELS_DIR", d.models_dir)),
            voices_dir=Path(env.get("VITRINE_VOICES_DIR", d.voices_dir)),
            voice_teacher=env.get("VITRINE_VOICE_TEACHER", d.voice_teacher),
            voice_taught=_whole(env, "VITRINE_VOICE_TAUGHT", d.voice_taught),
            voice_steps=_whole(env, "VITRINE_VOICE_STEPS", d.voice_steps),
            voice_device=env.get("VITRINE_VOICE_DEVICE", d.voice_device),
            voices_kept=_whole(env, "VITRINE_VOICES_KEPT", d.voices_kept),
            pictures_dir=Path(env.get("VITRINE_PICTURES_DIR", d.pictures_dir)),
            signing_dir=Path(env.get("VITRINE_SIGNING_DIR", d.signing_dir)),
            cutout_model=env.get("VITRINE_CUTOUT_MODEL", d.cutout_model),
            nsfw_model=env.get("VITRINE_NSFW_MODEL", d.nsfw_model),
            upscale_model=env.get("VITRINE_UPSCALE_MODEL", d.upscale_model),
            backdrops=_names(env, "VITRINE_BACKDROPS", d.backdrops),
            text_to_image=env.get("VITRINE_TEXT_TO_IMAGE", d.text_to_image),
            variant_exploration=_share(env, "VITRINE_VARIANT_EXPLORATION", d.variant_exploration),
            variant_half_life_days=_number(
                env, "VITRINE_VARIANT_HALF_LIFE_DAYS", d.variant_half_life_days
            ),
            brand_name=env.get("VITRINE_BRAND_NAME", d.brand_name),
            brand_color=env.get("VITRINE_BRAND_COLOR", d.brand_color),
        )


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    value = _float(env, name) if name in env else default
    if not 0 < value < float("inf"):
        message = f"{name}={env[name]!r} must be above zero, and finite"
        raise ValueError(message)
    return value


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    value = _number(env, name, default)
    if value != int(value):
        message = f"{name}={env[name]!r} must be a whole number"
        raise ValueError(message)
    return int(value)


def _share(env: Mapping[str, str], name: str, default: float) -> float:
    value = _number(env, name, default)
    if value > 1:
        message = f"{name}={env[name]!r} must be at most 1"
        raise ValueError(message)
    return value


def _amount(env: Mapping[str, str], name: str, default: float) -> float:
    """Money, of which there may be none."""
    value = _float(env, name) if name in env else default
    return 0.0 if value == 0 else _number(env, name, default)


def _float(env: Mapping[str, str], name: str) -> float:
    try:
        return float(env[name])
    except ValueError:
        message = f"{name}={env[name]!r} is no number"
        raise ValueError(message) from None


def _names(env: Mapping[str, str], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = env.get(name)
    return (
        default
        if value is None
        else tuple(part.strip() for part in value.split(",") if part.strip())
    )


def _languages(env: Mapping[str, str], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """Languages without their regions; only those whose buttons the studio can write beside the model's lines."""
    told = _names(env, name, default)
    found = tuple(dict.fromkeys(language(one) for one in told))
    if UNKNOWN_LANGUAGE in found:
        unknown = [one for one in told if language(one) == UNKNOWN_LANGUAGE]
        message = (
            f"{name}: {unknown} are none of {sorted(LANGUAGES)}, which the studio has words in"
        )
        raise ValueError(message)
    return found


def _paths(env: Mapping[str, str], name: str, default: tuple[Path, ...]) -> tuple[Path, ...]:
    value = env.get(name)
    return default if value is None else tuple(Path(part) for part in value.split(":") if part)
