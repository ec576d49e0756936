"""The console's brand kit: tried on real products, put in force, and gone back from."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, request, url_for

from api import auth, keys
from api.brand import keep_logo
from api.errors import Problem
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.steering import in_words
from api.pages.studio import brand_forms, previews
from api.pages.studio.brand_forms import BadKit
from api.runtime import Runtime, runtime
from generative.banner.fonts import FAMILIES
from generative.branding import brand, brand_store, logo
from generative.branding.brand import BrandKit
from generative.branding.brand_store import Version
from generative.errors import BrandConflict, UnsafeImage
from generative.types import SIZES
from recsys.database import looking, reading, writing
from recsys.types import Item

VERSIONS = 20
_PREVIEWED = ("hero", "square", "story", "rectangle", "skyscraper", "leaderboard")


def show() -> Response:
    """The kit in force in its form, on a product; or an older one, to be looked at again."""
    kit, number = _in_force(runtime())
    typed = brand_forms.of_kit(kit, number)
    shown = _number(request.args.get("version", ""))
    if shown:
        with reading(runtime().engine) as session:
            older = brand_store.get(session, shown).kit
        typed = brand_forms.of_kit(older, number)
    typed |= {name: request.args.get(name, "")[:200] for name in ("item_id", "look")}
    return _page(typed, opened=shown, drawn=False)


def save() -> Response:
    """Put the kit in force, show it before it is, or say what is to be mended."""
    typed = brand_forms.read(request.form)
    errors: dict[str, str] = {}
    try:
        typed["logo"] = _uploaded(typed["logo"])
    except UnsafeImage as error:
        errors["logo"] = f"was not taken: {error}"
    try:
        kit = _kit(typed)
    except BadKit as error:
        return _page(typed, errors=error.errors | errors)
    if errors or request.form.get("do") != "save":
        return _page(typed, errors=errors)
    try:
        kept = _save(kit, based_on=typed["version"])
    except BrandConflict:
        said = "was saved by somebody else meanwhile; what you typed is still here. Open the page again to see theirs."
        return _page(typed, errors={"kit": said})
    tell(f"Version {kept.version} is in force. Banners are made anew as shoppers ask for them.")
    return see_other("console.brand")


def restore() -> Response:
    """Go back: the older kit becomes a new version."""
    number = _number(request.form.get("version", ""))
    with reading(runtime().engine) as session:
        older = brand_store.get(session, number).kit
    kept = _save(older, based_on=None)
    tell(f"The kit of version {number} is in force again, as version {kept.version}.")
    return see_other("console.brand")


def banner(size: str) -> Response:
    """One banner of a kit that nobody saved, as a picture; the address says all of it."""
    if size not in SIZES:
        raise Problem(404, f"no size is called {size[:20]!r}")
    typed = brand_forms.read(request.args)
    try:
        kit = _kit(typed)
    except BadKit as error:
        raise Problem(422, str(error)) from None
    item = previews.chosen(_items(runtime()), typed["item_id"])
    if item is None:
        raise Problem(404, "there is no item to show")
    brief = previews.brief_of(item, size, previews.look_of(typed["look"], size))
    drawn = previews.draw(brief, kit, runtime().config.generative)
    answer = Response(drawn.data, mimetype=drawn.media_type)
    answer.headers["X-AI-Generated"] = "false"  # nothing of it was written or painted by a model
    return answer


def _page(
    typed: Mapping[str, Any],
    *,
    errors: Mapping[str, str] | None = None,
    opened: int = 0,
    drawn: bool = True,
) -> Response:
    """The form beside its previews; a page that is only opened has its script ask for them."""
    here, wrong = runtime(), dict(errors or {})
    items = _items(here)
    item = previews.chosen(items, typed["item_id"])
    try:
        kit = _kit(typed)
    except BadKit:
        kit = None
    shots = _shots(here, typed, kit, item, drawn=drawn) if kit and item else []
    with reading(here.engine) as session:
        found = brand_store.versions(session, limit=VERSIONS + 1)
        labels = {key.key_id: key.label for key in keys.every(session)}
    answer = page(
        "console/brand.html",
        heading="Brand kit",
        tab="creatives",
        form=typed,
        errors=wrong,
        opened=opened,
        fonts=FAMILIES,
        corners=brand_forms.CORNERS,
        tones=brand_forms.TONES,
        looks=previews.LOOKS,
        logo_url=logo.url(typed["logo"]),
        items=previews.others(items.values()),
        item=item,
        logo_touched=_logo_touched(wrong),
        shots=shots,
        drawn=drawn,
        measured=_measured(shots),
        versions=_versions(found, labels),
        saved=bool(found),
    )
    if wrong and not request.headers.get("HX-Request"):
        answer.status_code = 422
    return answer


def _shots(
    here: Runtime, typed: Mapping[str, Any], kit: BrandKit, item: Item, *, drawn: bool
) -> list[dict[str, Any]]:
    """Each size in turn, inside this one request: six of their own would hold six threads of the shop's."""
    asked = {name: typed[name] for name in brand_forms.LOOK if typed[name]}
    asked |= {"own_paper": "yes" if typed["own_paper"] else None, "item_id": item.item_id}
    asked["look"] = typed["look"] or None
    shots = []
    for size in _PREVIEWED:
        width, height = SIZES[size]
        look = previews.look_of(typed["look"], size)
        shot: dict[str, Any] = {
            "size": size,
            "look": look,
            "width": width,
            "height": height,
            "url": url_for("console.brand_banner", size=size, **asked),
        }
        if drawn:
            brief = previews.brief_of(item, size, look)
            made = previews.draw(brief, kit, here.config.generative, form="webp")
            packed = base64.b64encode(made.data).decode()
            shot |= {"data": f"data:{made.media_type};base64,{packed}", "alt": made.alt}
            shot["checks"] = made.checks
        shots.append(shot)
    return shots


def _measured(shots: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Whether what was drawn would be served, and how readable the faintest word of each size is."""
    drawn = [shot for shot in shots if "checks" in shot]
    if not drawn:
        return None
    least = [
        (shot["size"], min(shot["checks"]["contrast"].values()))
        for shot in drawn
        if shot["checks"].get("contrast")
    ]
    return {
        "problems": [
            f"{shot['size']}: {problem}" for shot in drawn for problem in shot["checks"]["problems"]
        ],
        "contrasts": [(size, f"{ratio:.1f} : 1") for size, ratio in least],
        "least": f"{min(ratio for _, ratio in least):.1f}" if least else "",
        "repairs": [
            (shot["size"], ", ".join(shot["checks"]["repairs"]))
            for shot in drawn
            if shot["checks"].get("repairs")
        ],
    }


def _versions(found: list[Version], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    pairs = zip(found, [*found[1:], None], strict=False)  # the oldest has none before it
    return [
        {
            "version": one.version,
            "at": f"{one.created_at:%Y-%m-%d %H:%M}",
            "who": labels.get(one.who) or one.who or "unknown",
            "kit": one.kit,
            "paper": one.kit.paper or "",
            "what": _changed(None if before is None else before.kit, one.kit),
            "in_force": one is found[0],
        }
        for one, before in pairs
    ][:VERSIONS]


def _changed(before: BrandKit | None, after: BrandKit) -> str:
    if before is None:
        return "the first"
    old, new = brand.to_json(before), brand.to_json(after)
    return "; ".join(
        "another logo"
        if name == "logo"
        else f"{name}: {in_words(old[name])} → {in_words(new[name])}"
        for name in new
        if new[name] != old[name]
    )


def _kit(typed: Mapping[str, Any]) -> BrandKit:
    kit = brand_forms.kit_of(typed, FAMILIES)
    if kit.logo and logo.read(kit.logo, runtime().config.generative.media_dirs) is None:
        raise BadKit({"logo": "is not there any more; upload it again"})
    return kit


def _uploaded(held: str) -> str:
    """The hash of the logo sent along, if one was; else the one that the form holds."""
    sent = request.files.get("logo_file")
    if sent is None or not sent.filename:
        return held
    data = sent.stream.read(logo.MAX_UPLOAD + 1)
    try:
        return keep_logo(runtime().config.generative, data).sha256
    except OSError as error:
        raise UnsafeImage(f"the folder of pictures cannot be written ({error.strerror})") from error


def _logo_touched(wrong: Mapping[str, str]) -> bool:
    """Whether the field must be drawn anew: a file that is chosen meanwhile would be lost with it."""
    sent = request.files.get("logo_file")
    removed = request.form.get("no_logo") == "yes"
    return removed or "logo" in wrong or bool(sent and sent.filename)


def _save(kit: BrandKit, *, based_on: int | None) -> Version:
    here = runtime()
    with writing(here.engine) as session:
        kept = brand_store.save(
            session, kit, who=auth.who(), based_on=based_on, now=datetime.now(UTC)
        )
    here.pulse.steering_changed()  # every process looks for another style when it looks for rules
    return kept


def _in_force(here: Runtime) -> tuple[BrandKit, int]:
    with looking(here.engine) as reader:
        kept = brand_store.current(reader)
    if kept is None:
        return brand.of_config(here.config.generative), 0
    return kept.kit, kept.version


def _items(here: Runtime) -> Mapping[str, Item]:
    with looking(here.engine) as reader:
        return here.fresh_shelf(reader).items


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 of an INTEGER
