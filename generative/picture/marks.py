"""How a packet of XMP is written into each kind of picture: Pillow has no one way for it."""

from typing import Any

from PIL.PngImagePlugin import PngInfo


def xmp_options(kind: str, packet: bytes) -> dict[str, Any]:
    """What `Image.save(…, kind)` takes to write XMP; nothing where the kind holds none (GIF)."""
    if not packet or kind == "GIF":
        return {}
    if kind != "PNG":
        return {"xmp": packet}
    chunk = PngInfo()
    chunk.add_itxt("XML:com.adobe.xmp", packet.decode())
    return {"pnginfo": chunk}
