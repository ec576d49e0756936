"""What besides the brief shapes a creative, as it is in force now: the brand kit and the voice.

The web and the workers each hold one `Style` and look at most every pulse whether there is another.
Equal styles have equal fingerprints, and a fingerprint goes into every key: what is saved in the
console therefore renames every creative in both, and nothing has to be restarted or told.
"""

from dataclasses import dataclass

from generative.branding import brand
from generative.branding.brand import BrandKit
from generative.config import GenerativeConfig
from generative.fingerprint import copy_fingerprint, fingerprint, voice_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """`version` is the brand kit's, 0 where the configuration's is in force.

    `words` is the fingerprint of what shapes the copy alone: a new logo leaves the words as they are.
    """

    kit: BrandKit
    version: int
    voice: str
    fingerprint: str
    words: str


def in_force(config: GenerativeConfig, kit: BrandKit | None = None, version: int = 0) -> Style:
    """The style of a kit under a configuration, with the voice that is live now; loads no model."""
    kit = brand.of_config(config) if kit is None else kit
    voice = voice_signature(config)
    return Style(
        kit=kit,
        version=version,
        voice=voice,
        fingerprint=fingerprint(config, kit, voice=voice),
        words=copy_fingerprint(config, kit, voice=voice),
    )
