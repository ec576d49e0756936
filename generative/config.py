"""The studio's settings: read from an environment mapping once, by whoever starts a process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    models_dir: Path = Path("var/models")  # where `python -m generative fetch-models` puts weights
    pictures_dir: Path = Path("var/pictures")  # backdrop library, cut-outs and photos of creatives
    signing_dir: Path = Path("var/signing")  # the key and certificates of `… certificate`
    cutout_model: str = ""  # an ISNet ONNX file; empty takes a fetched one, "none" frames photos
    nsfw_model: str = ""  # an Open-NSFW ONNX file; empty takes a fetched one, "none" checks nothing
    upscale_model: str = ""  # a folder with ESRGAN weights; empty takes fetched ones, "none" none
    backdrops: tuple[str, ...] = ("library", "procedural")  # asked in order; procedural cannot fail
    text_to_image: str = ""  # folder of a diffusers pipeline, for the backdrop `scene` on a GPU
    brand_name: str = "Vitrine"  # shown in banners
    brand_color: str = "#0f766e"  # accent of banners, hex

    def weights(self, name: str) -> str:
        """The path of `cutout`, `nsfw` or `upscale` weights: configured, else fetched, else ""."""
        told = {
            "cutout": self.cutout_model,
            "nsfw": self.nsfw_model,
            "upscale": self.upscale_model,
        }[name]
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
            creative_ttl_seconds=int(
                _number(env, "VITRINE_CREATIVE_TTL_SECONDS", d.creative_ttl_seconds)
            ),
            claim_seconds=int(_number(env, "VITRINE_CLAIM_SECONDS", d.claim_seconds)),
            banners_dir=Path(env.get("VITRINE_BANNERS_DIR", d.banners_dir)),
            media_dirs=_paths(env, "VITRINE_MEDIA_DIRS", d.media_dirs),
            copy_providers=_names(env, "VITRINE_COPY_PROVIDERS", d.copy_providers),
            gguf_path=env.get("VITRINE_GGUF_PATH", d.gguf_path),
            llm_samples=int(_number(env, "VITRINE_LLM_SAMPLES", d.llm_samples)),
            llm_threads=int(_number(env, "VITRINE_LLM_THREADS", d.llm_threads)),
            llm_timeout_seconds=_number(env, "VITRINE_LLM_TIMEOUT_SECONDS", d.llm_timeout_seconds),
            models_dir=Path(env.get("VITRINE_MODELS_DIR", d.models_dir)),
            pictures_dir=Path(env.get("VITRINE_PICTURES_DIR", d.pictures_dir)),
            signing_dir=Path(env.get("VITRINE_SIGNING_DIR", d.signing_dir)),
            cutout_model=env.get("VITRINE_CUTOUT_MODEL", d.cutout_model),
            nsfw_model=env.get("VITRINE_NSFW_MODEL", d.nsfw_model),
            upscale_model=env.get("VITRINE_UPSCALE_MODEL", d.upscale_model),
            backdrops=_names(env, "VITRINE_BACKDROPS", d.backdrops),
            text_to_image=env.get("VITRINE_TEXT_TO_IMAGE", d.text_to_image),
            brand_name=env.get("VITRINE_BRAND_NAME", d.brand_name),
            brand_color=env.get("VITRINE_BRAND_COLOR", d.brand_color),
        )


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(env.get(name, default))
    except ValueError:
        message = f"{name}={env[name]!r} is no number"
        raise ValueError(message) from None
    if not 0 < value < float("inf"):
        message = f"{name}={env[name]!r} must be above zero, and finite"
        raise ValueError(message)
    return value


def _names(env: Mapping[str, str], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = env.get(name)
    return (
        default
        if value is None
        else tuple(part.strip() for part in value.split(",") if part.strip())
    )


def _paths(env: Mapping[str, str], name: str, default: tuple[Path, ...]) -> tuple[Path, ...]:
    value = env.get(name)
    return default if value is None else tuple(Path(part) for part in value.split(":") if part)
