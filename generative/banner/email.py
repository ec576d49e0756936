"""A creative as a block for e-mail: tables and inline styles, as mail readers have read them for ever.

No script, no style sheet, no font of its own, nothing positioned. The picture has its size and its
alternative text, so a reader that blocks pictures still sells. Grounds are given as attribute and
as style and every ink is set beside its ground: a reader that turns colours dark turns both.
"""

from generative.banner.breaking import right_to_left
from generative.banner.colours import readable_on
from generative.banner.fonts import family
from generative.banner.row import radius_px
from generative.banner.typeset import pages
from generative.banner.words import alt_text, words
from generative.branding.brand import BrandKit
from generative.picture.palette import hex_of, rgb_of
from generative.types import Brief, Copy

_SCHEMES = ("https://", "http://")


def email_block(
    brief: Brief,
    copy: Copy,
    kit: BrandKit,
    *,
    image_url: str,
    link: str,
    size: tuple[int, int] = (600, 314),
) -> str:
    """An HTML table with picture, words, price and button; `size` is what the picture is shown at.

    Raises:
        ValueError: A picture or a link that is no web address: mail has no page to be relative to.
    """
    for name, url in (("image_url", image_url), ("link", link)):
        if not url.startswith(_SCHEMES):
            raise ValueError(f"{name} must begin with https:// or http://, not {url[:40]!r}")
    said = words(brief, copy, kit)
    accent = rgb_of(kit.color)
    serif = family(kit.font, kit.tone) == "Playfair Display"
    rtl = right_to_left(said.headline or said.action)
    return (
        pages()
        .get_template("email.html")
        .render(
            width=size[0],
            height=size[1],
            image=image_url,
            link=link,
            alt=alt_text(brief.item, said),
            dir="rtl" if rtl else "ltr",
            side="right" if rtl else "left",
            lang=brief.locale if brief.locale != "und" else "en",
            family="Georgia,'Times New Roman',serif" if serif else "Arial,Helvetica,sans-serif",
            headline=said.headline,
            tagline=said.tagline,
            price=said.price,
            was=said.was,
            saving=said.saving,
            action=said.action,
            brand=said.brand,
            legal=said.legal,
            paper=kit.paper or "#f4f4f5",
            sheet="#ffffff",
            line="#e4e4e7",
            ink="#18181b",
            soft="#52525b",
            accent=hex_of(accent),
            on_accent=hex_of(readable_on(accent)),
            radius=round(radius_px(16.0, kit.corners)),
        )
    )
