"""Who made a creative from what: kept in its row and written into its picture.

Every picture but a GIF carries XMP with IPTC's DigitalSourceType, so that machines can tell what was
generated from photographs; `generative.marking.signing` puts the same, signed, into a C2PA manifest.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from generative.brief import facts_text
from generative.copy.candidate import Candidate
from generative.copy.prompts import PROMPT_VERSION
from generative.picture.backdrops import is_trained
from generative.types import Brief

TEMPLATE_VERSION = "5"
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_ASSERTION = "vitrine.creative"
_TOLD = (
    "provider",
    "model_sha256",
    "adapter_sha256",
    "prompt_version",
    "template_version",
    "seed",
    "facts_sha256",
    "fingerprint",
    "backdrop",
)  # of the provenance, what goes into the manifest: no words of the shop's, and nobody's data


def provenance(
    candidate: Candidate,
    brief: Brief,
    *,
    seed: int,
    fingerprint: str,
    backdrop: str = "",
    sharpened: bool = False,
) -> dict[str, Any]:
    """All that is needed to explain a creative. `ai_generated` says of words or picture."""
    ai_generated = candidate.ai_generated or sharpened or is_trained(backdrop)
    return {
        "provider": candidate.provider,
        "model_sha256": candidate.model,
        "adapter_sha256": candidate.adapter,
        "prompt_version": PROMPT_VERSION if candidate.ai_generated else "",
        "template_version": TEMPLATE_VERSION,
        "seed": seed,
        "sample_seed": candidate.seed,
        "facts_sha256": hashlib.sha256(facts_text(brief.item).encode()).hexdigest(),
        "fingerprint": fingerprint,
        "backdrop": backdrop,
        "ai_generated": ai_generated,
        "digital_source_type": source_type(ai_generated=ai_generated),
    }


def source_type(*, ai_generated: bool) -> str:
    """IPTC's word: a composite with model-made words or pixels, or one set by rules alone."""
    name = "compositeWithTrainedAlgorithmicMedia" if ai_generated else "algorithmicMedia"
    return _SOURCE_TYPE + name


def manifest(key: str, made: Mapping[str, Any], *, photo_sha256: str = "") -> dict[str, Any]:
    """The C2PA manifest of a picture from its provenance; `generative.marking.signing.sign` signs it."""
    told = {name: made[name] for name in _TOLD if made.get(name) not in {None, ""}}
    created = {
        "action": "c2pa.created",
        "digitalSourceType": made["digital_source_type"],
        "softwareAgent": {"name": "Vitrine"},
    }
    return {
        "claim_generator_info": [{"name": "Vitrine"}],
        "title": key,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {
                "label": _ASSERTION,
                "data": {"key": key, "photo_sha256": photo_sha256, **told},
            },
        ],
    }


def xmp(
    *, key: str, ai_generated: bool, painted_by_model: bool = False, sharpened: bool = False
) -> bytes:
    """The packet that goes into the picture; `ai_generated` says that a model wrote the words."""
    words = (
        "Words written by a language model and checked against the catalogue"
        if ai_generated
        else "Words from the catalogue; no language model"
    )
    ground = "backdrop by a trained generator" if painted_by_model else "backdrop without a model"
    photo = "scaled and sharpened by a model" if sharpened else "scaled, not altered"
    note = f"{words}; layout by rules; {ground}; the product photograph is {photo}."
    kind = source_type(ai_generated=ai_generated or painted_by_model or sharpened)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about=""'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' Iptc4xmpExt:DigitalSourceType="{kind}">'
        f"<dc:identifier>{escape(key)}</dc:identifier>"
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{note}</rdf:li></rdf:Alt>'
        "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()
