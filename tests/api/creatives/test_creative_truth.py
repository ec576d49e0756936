"""An address that was handed out before never shows what is no longer so."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from api import create_app
from api.campaigns import decide
from api.config import ApiConfig
from api.runtime import Runtime
from generative import creatives, truth
from generative.brief import facts_of
from generative.campaigning import campaigns
from generative.types import Approval, Banner, Brief, CampaignSpec, Copy, Creative, State
from recsys.catalogue import items
from recsys.database import looking, reading, writing

PIXELS = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def make(here: Runtime, item_id: str = "i0", locale: str = "en") -> str:
    """What a worker leaves for the item as it is now; its key."""
    with reading(here.engine) as session:
        item = items.get(session, item_id)
    brief = Brief(item=facts_of(item), locale=locale)
    key = here.briefs.fresh(brief).key
    folder = here.config.generative.banners_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}.jpg").write_bytes(PIXELS)
    made = Creative(
        key=key,
        item_id=item_id,
        size="rectangle",
        state=State.READY,
        copy=Copy(headline="Fresh", tagline="Every day", action="Shop now"),
        banner=Banner(
            path=f"{key}.jpg", sha256=key * 2, width=300, height=250, alt="Fruit on a table"
        ),
        provenance=truth.named({"provider": "llama", "ai_generated": True}, brief.item),
        proofs=(
            {
                "start": 0,
                "end": 5,
                "text": "Fresh",
                "kind": "claim",
                "field": "title",
                "value": "F",
            },
        ),
    )
    with writing(here.engine) as session:
        creatives.save(session, made, brief)
    here.cache.put(made)
    return key


def change(here: Runtime, item_id: str = "i0", **changes: object) -> None:
    with writing(here.engine) as session:
        known = items.get(session, item_id)
        items.put(session, replace(known, **changes))


def get(client, key: str, *, of: str = "/banner", **kwargs):
    answer = client.get(f"/creatives/{key}{of}", **kwargs)
    answer.close()
    return answer


def test_a_price_change_leads_to_the_photo_and_then_to_the_new_picture(
    client, here: Runtime, broker
) -> None:
    old = make(here)
    assert get(client, old).status_code == 200
    change(here, price=Decimal("9.99"))

    meanwhile = get(client, old)
    rung = broker()
    again = get(client, old)
    new = make(here)
    after = get(client, old)

    assert (meanwhile.status_code, meanwhile.headers["Location"]) == (307, "/media/grocery/0.jpg")
    assert meanwhile.headers["Cache-Control"] == "no-store"
    assert (rung, broker()) == (1, 1)
    assert again.status_code == 307
    assert after.headers["Location"] == f"/creatives/{new}/banner"
    assert get(client, new).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"price": Decimal("0.99"), "was_price": Decimal(1)},
        {"image_url": "/media/grocery/9.jpg"},
        {"brand": "Another"},
        {"attributes": {"organic": "no"}},
    ],
    ids=lambda one: next(iter(one)),
)
def test_whatever_the_catalogue_changes_the_old_picture_is_never_sent(
    client, here: Runtime, changes
) -> None:
    old = make(here)
    change(here, **changes)

    assert get(client, old).status_code == 307


@pytest.mark.parametrize("changes", [{"stock": 0}, {"hidden": True}], ids=["sold out", "hidden"])
def test_what_is_not_sold_is_gone_and_comes_back_with_the_item(
    client, here: Runtime, changes
) -> None:
    key = make(here)
    change(here, **changes)

    away = get(client, key)
    change(here, stock=3, hidden=False)

    assert away.status_code == 410
    assert away.mimetype == "application/problem+json"
    assert away.headers["Cache-Control"] == "no-store"
    assert get(client, key).status_code == 200


def test_an_ended_offer_is_not_shown_a_moment_longer(client, shop, here: Runtime) -> None:
    end = datetime.now(UTC) + timedelta(seconds=0.6)
    change(here, price=Decimal(1), was_price=Decimal(4), offer_until=end)
    key = make(here)
    during, slate = get(client, key), client.get("/recommend?k=12", headers=shop).json
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))

    after, later = get(client, key), client.get("/recommend?k=12", headers=shop).json

    def price_of(told: dict) -> tuple:
        one = next(row["product"] for row in told["items"] if row["item_id"] == "i0")
        return one["price"], one["was_price"]

    assert (during.status_code, price_of(slate)) == (200, ("1.00", "4.00"))
    assert (after.status_code, price_of(later)) == (307, ("4.00", None))
    filtered = client.get("/recommend?k=12&filter=price < 2", headers=shop).json
    assert "i0" not in {row["item_id"] for row in filtered["items"]}


def test_an_offer_ends_though_the_database_is_away(client, here: Runtime) -> None:
    end = datetime.now(UTC) + timedelta(seconds=0.5)
    change(here, price=Decimal(1), was_price=Decimal(4), offer_until=end)
    key = make(here)
    assert get(client, key).status_code == 200

    @event.listens_for(here.engine, "do_connect")
    def away(*_: object) -> None:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("", {}, Exception("away"))

    here.engine.dispose()
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))

    assert get(client, key).status_code == 307
    event.remove(here.engine, "do_connect", away)


def test_a_picture_without_a_price_may_be_kept_for_good(client, here: Runtime) -> None:
    change(here, price=None)

    assert "immutable" in get(client, make(here)).headers["Cache-Control"]


def test_words_that_no_longer_hold_are_the_catalogues_own_of_now(
    client, shop, here: Runtime
) -> None:
    key = make(here)
    change(here, title="Golden Pears")

    told = client.get(f"/creatives/{key}", headers=shop).json

    assert (told["key"], told["state"], told["banner_url"]) == (key, "fallback", None)
    assert told["headline"] == "Golden Pears"


def test_the_catalogues_own_words_of_now_keep_the_language_that_was_asked_for(
    client, shop, here: Runtime
) -> None:
    key = make(here, locale="de")
    change(here, title="Goldene Birnen")

    told = client.get(f"/creatives/{key}", headers=shop).json
    mailed = email(client, shop, key).text

    assert told["action"] in {"Jetzt ansehen", "Zum Artikel", "Mehr erfahren"}
    assert told["action"] in mailed
    assert 'lang="de"' in mailed


def test_a_ready_creative_is_not_asked_of_the_database_twice(
    shop, cached_config: ApiConfig, here: Runtime
) -> None:
    key = make(here)
    patient = create_app(replace(cached_config, pulse_seconds=30.0))
    other, held = patient.test_client(), patient.extensions["vitrine"]
    held.keyring.refresh()
    first = get(other, key)
    asked: list[str] = []

    @event.listens_for(held.engine, "before_cursor_execute")
    def note(_c, _cur, statement, *_: object) -> None:
        asked.append(statement)

    second = get(other, key)
    words = other.get(f"/creatives/{key}", headers=shop)
    held.close()

    assert (first.status_code, second.status_code, words.status_code) == (200, 200, 200)
    assert asked == []


def test_a_decision_ends_every_process_trust_at_once(
    cached_config: ApiConfig, here: Runtime
) -> None:
    key = make(here)
    patient = create_app(replace(cached_config, pulse_seconds=30.0))
    other = patient.test_client()
    before = get(other, key).status_code
    with reading(here.engine) as session:
        brief = creatives.brief_of(session, key)
    with writing(here.engine) as session:
        campaign = campaigns.create(session, CampaignSpec(name="c"), now=datetime.now(UTC))
        campaigns.plan(session, campaign, [(key, brief)])
        campaigns.mark_made(session, campaign, key)

    decide(here, campaign, key, Approval.REJECTED)
    # Whatever a cache may have kept of it from before:
    with reading(here.engine) as session:
        here.cache.put(creatives.get(session, key))

    after = get(other, key).status_code
    patient.extensions["vitrine"].close()
    assert (before, after) == (200, 404)


def test_what_a_machine_wrote_is_marked_for_machines(client, shop, here: Runtime) -> None:
    key = make(here)

    words = client.get(f"/creatives/{key}", headers=shop)

    assert words.json["ai_generated"] is True
    assert words.json["alt"] == "Fruit on a table"
    assert words.headers["X-AI-Generated"] == "true"
    assert get(client, key).headers["X-AI-Generated"] == "true"


def test_proofs_are_for_admins(client, shop, admin, here: Runtime) -> None:
    key = make(here)

    assert client.get(f"/creatives/{key}?proofs=true", headers=shop).status_code == 403
    assert client.get(f"/creatives/{key}", headers=shop).json.get("proofs") is None
    told = client.get(f"/creatives/{key}?proofs=true", headers=admin).json["proofs"]
    assert [(one["text"], one["field"]) for one in told] == [("Fresh", "title")]


def test_nobody_vouches_for_a_picture_while_the_catalogue_was_never_read(
    cached_config: ApiConfig, here: Runtime
) -> None:
    key = make(here)
    nowhere = replace(cached_config.recsys, database_url="sqlite:////nowhere/at/all.db")
    try:
        blind = create_app(replace(cached_config, recsys=nowhere))
    except OSError:
        pytest.skip("no such folder can be made here")
    answer = get(blind.test_client(), key)
    blind.extensions["vitrine"].close()

    assert answer.status_code == 503


def test_another_form_is_drawn_for_the_first_who_asks(client, here: Runtime, broker) -> None:
    from generative import forms

    key = make(here)

    first = get(client, key, of="/banner?form=webp")
    get(client, key, of="/banner?form=webp")
    with reading(here.engine) as session:
        kept = creatives.get(session, key)
    (here.config.generative.banners_dir / forms.path_of(kept.banner, "webp")).write_bytes(b"RIFF")
    then = get(client, key, of="/banner?form=webp")

    assert (first.status_code, first.headers["Retry-After"], broker()) == (404, "5", 1)
    assert (then.status_code, then.mimetype) == (200, "image/webp")
    assert then.headers["ETag"] != get(client, key).headers["ETag"]
    assert get(client, key, of="/banner?form=bmp").status_code == 422


def email(client, shop, key: str, query: str = "link=https://shop.example/tea"):
    return client.get(f"/creatives/{key}/email?{query}", headers=shop)


def test_a_mail_shows_the_words_and_a_picture_that_is_asked_for_again(
    client, shop, here: Runtime
) -> None:
    key = make(here)

    answer = email(client, shop, key, "link=https://shop.example/a&base=https://v.example")

    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert f'src="https://v.example/creatives/{key}/banner"' in answer.text
    assert 'href="https://shop.example/a"' in answer.text
    assert "Fresh" in answer.text
    assert "1.00" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["X-AI-Generated"] == "true"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_mail_says_the_price_of_now_in_the_catalogues_words(client, shop, here: Runtime) -> None:
    key = make(here)
    change(here, price=Decimal("7.77"), title="<b>Pears</b> & more")

    answer = email(client, shop, key)

    assert "7.77" in answer.text
    assert "Fresh" not in answer.text
    assert "<b>" not in answer.text


def test_a_mail_needs_an_item_that_is_sold_and_a_way_there(client, shop, here: Runtime) -> None:
    key = make(here)
    nowhere = email(client, shop, key, "")
    hostile = email(client, shop, key, "link=javascript:alert(1)")
    change(here, stock=0)

    assert (nowhere.status_code, hostile.status_code) == (422, 422)
    assert email(client, shop, key).status_code == 410


def test_threads_that_meet_an_end_at_once_never_see_the_old_price_again(here: Runtime) -> None:
    end = datetime.now(UTC) + timedelta(seconds=0.4)
    change(here, price=Decimal(1), was_price=Decimal(4), offer_until=end)
    with looking(here.engine) as reader:
        here.fresh_shelf(reader)
    late, enough = set(), 50

    def look(number: int) -> None:
        looked = 0  # since the end, however slowly the threads get their turns
        while looked < enough:
            now = time.time()
            if number % 2:
                shelf = here.shelf
            else:
                with looking(here.engine) as reader:
                    shelf = here.fresh_shelf(reader)
            if now >= end.timestamp():
                late.add((shelf.items["i0"].price, shelf.items["i0"].was_price))
                looked += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(8)))

    assert late == {(Decimal(4), None)}
    assert here.shelf.since(here.shelf.identity) == {}
