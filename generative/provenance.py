"""Who made a creative from what: kept in its row and written into its picture.

The JPEG carries XMP with IPTC's DigitalSourceType, so that machines can tell generated words from
photographs. A signed C2PA manifest is left for a later release: it needs the shop's own key.
"""

import hashlib
from typing import Any

from generative.brief import facts_text
from generative.copy.candidate import Candidate
from generative.copy.prompts import PROMPT_VERSION
from generative.types import Brief

TEMPLATE_VERSION = "3"
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def provenance(
    candidate: Candidate, brief: Brief, *, seed: int, fingerprint: str
) -> dict[str, Any]:
    """All that is needed to explain a creative, and to make it again."""
    return {
        "provider": candidate.provider,
        "model_sha256": candidate.model,
        "prompt_version": PROMPT_VERSION if candidate.ai_generated else "",
        "template_version": TEMPLATE_VERSION,
        "seed": seed,
        "sample_seed": candidate.seed,
        "facts_sha256": hashlib.sha256(facts_text(brief.item).encode()).hexdigest(),
        "fingerprint": fingerprint,
        "ai_generated": candidate.ai_generated,
        "digital_source_type": source_type(ai_generated=candidate.ai_generated),
    }


def source_type(*, ai_generated: bool) -> str:
    """IPTC's word: a composite with model-written words, or pixels set by rules alone."""
    name = "compositeWithTrainedAlgorithmicMedia" if ai_generated else "algorithmicMedia"
    return _SOURCE_TYPE + name


def xmp(*, key: str, ai_generated: bool) -> bytes:
    """The packet that goes into the picture."""
    note = (
        "Words written by a language model and checked against the catalogue; layout and backdrop by"
        " rules; the product photograph is scaled, not altered."
        if ai_generated
        else "Words from the catalogue; layout and backdrop by rules; no language model."
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about=""'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' Iptc4xmpExt:DigitalSourceType="{source_type(ai_generated=ai_generated)}">'
        f"<dc:identifier>{key}</dc:identifier>"
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{note}</rdf:li></rdf:Alt>'
        "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()
