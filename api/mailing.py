"""A creative as a block for e-mail: words and price of now.

Its picture is an address of ours, held against the item each time the mail is opened.
"""

from typing import Annotated
from urllib.parse import urljoin

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from api import auth, parsing, standing
from api.banners import plain
from api.errors import Problem, invalid
from api.keys import Role
from api.runtime import runtime
from api.schemas import Strict
from api.specification import file_answer
from generative import truth
from generative.banner.email import email_block
from generative.brief import clean
from generative.errors import UnknownCreative
from generative.types import Banner

WIDEST = 600  # pixels; what mail readers show without scrolling sideways
# A page of ours for nobody: whoever opens the address sees a picture and words, and nothing runs.
_POLICY = "default-src 'none'; img-src *; style-src 'unsafe-inline'; sandbox"
_Web = Annotated[str, Field(max_length=2_000, pattern=r"^https?://\S+$")]

blueprint = APIBlueprint("mailing", __name__, tag="Creatives")


class EmailQuery(Strict):
    base: _Web | None = Field(
        default=None, description="Where shoppers reach this server; the address asked by default"
    )
    link: _Web | None = Field(
        default=None, description="Where the picture and the button lead; the item's own by default"
    )


@blueprint.get("/creatives/<key>/email")
@blueprint.doc(
    responses=file_answer("text/html", "A table with inline styles")
    | {410: {"description": "The item is not sold any more"}}
)
@parsing.takes(blueprint, EmailQuery, "query")
def email(key: str, query: EmailQuery) -> Response:
    """The creative as HTML that mail readers show: picture, words, the price of now, and a button."""
    auth.need(Role.STOREFRONT)()
    here = runtime()
    found = standing.find(here, key)
    if found is None:
        raise UnknownCreative(key)
    if why := truth.unsold(found.item):
        raise standing.gone(why)
    brief = standing.brief(here, found)
    creative = plain(here, key, brief) if found.outdated else found.creative
    base = query.base or request.host_url
    picture = f"/creatives/{key}/banner" if found.creative.banner else found.item.image_url
    link = query.link or found.item.url
    if not picture:
        raise Problem(404, "neither the creative nor its item has a picture")
    if not link.startswith(("https://", "http://")):
        raise invalid("link", "the item has no web address of its own: say where it leads")
    html = email_block(
        clean(brief),
        creative.copy,
        here.styled.style.kit,
        image_url=urljoin(base, picture),
        link=link,
        size=_size(found.creative.banner),
    )
    answer = Response(html, mimetype="text/html")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Security-Policy"] = _POLICY
    made = bool(creative.provenance.get("ai_generated"))
    answer.headers["X-AI-Generated"] = "true" if made else "false"
    return answer


def _size(banner: Banner | None) -> tuple[int, int]:
    """What the picture is shown at."""
    if banner is None:
        return WIDEST // 2, WIDEST // 2
    share = min(1.0, WIDEST / banner.width)
    return round(banner.width * share), round(banner.height * share)
