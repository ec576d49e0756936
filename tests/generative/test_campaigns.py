import csv
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from generative import creatives
from generative.campaigning import campaigns, showing
from generative.campaigning.archive import cell
from generative.errors import CampaignClosed, UnknownCampaign, UnknownCreative
from generative.truth import named
from generative.types import (
    Approval,
    Banner,
    Brief,
    CampaignSpec,
    Copy,
    Creative,
    ItemFacts,
    Progress,
    State,
)
from recsys.database import reading, writing
from recsys.types import Item

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPEC = CampaignSpec(name="Autumn", audience={"user_ids": ["u1", "u2"]})


def brief(name):
    return Brief(item=ItemFacts(item_id=name, title=f"={name}", price="1.00"))


def sold(name, **changes):
    """The item of a brief as the shop sells it now."""
    return Item(item_id=name, title=f"={name}", price=Decimal("1.00"), **changes)


def creative(key, *, banner=None):
    words = Copy(headline="=cmd()", tagline="+1 good", action="Shop now")
    return Creative(
        key=key, item_id=key, size="rectangle", state=State.READY, copy=words, banner=banner
    )


@pytest.fixture
def campaign(engine):
    with writing(engine) as session:
        campaign_id = campaigns.create(session, SPEC, now=NOW)
        campaigns.claim(session, campaign_id, now=NOW, lease_seconds=60)
        campaigns.plan(session, campaign_id, [(name, brief(name)) for name in "abc"])
    return campaign_id


def test_a_new_campaign_waits(engine):
    with writing(engine) as session:
        campaign_id = campaigns.create(session, SPEC, now=NOW)

    with reading(engine) as session:
        found = campaigns.get(session, campaign_id)
        assert (found.status, found.spec, found.created_at) == ("waiting", SPEC, NOW)
        assert [c.campaign_id for c in campaigns.recent(session)] == [campaign_id]
        assert campaigns.waiting_or_silent(session, now=NOW) == [campaign_id]


@pytest.mark.parametrize("sizes", [(), ("billboard",)])
def test_a_campaign_needs_sizes_that_exist(engine, sizes):
    with writing(engine) as session, pytest.raises(ValueError, match="sizes"):
        campaigns.create(session, replace(SPEC, sizes=sizes), now=NOW)


def test_one_worker_holds_a_campaign_until_its_lease_lapses(engine, campaign):
    later = NOW + timedelta(seconds=61)
    with writing(engine) as session:
        assert not campaigns.claim(session, campaign, now=NOW, lease_seconds=60)
        assert campaigns.waiting_or_silent(session, now=NOW) == []
        assert campaigns.waiting_or_silent(session, now=later) == [campaign]
        assert campaigns.claim(session, campaign, now=later, lease_seconds=60)


def test_a_lease_is_renewed_only_while_it_holds(engine, campaign):
    def renew(held, seconds):
        now = NOW + timedelta(seconds=seconds)
        return campaigns.renew(session, campaign, held=held, now=now, lease_seconds=60)

    with writing(engine) as session:
        held = campaigns.get(session, campaign).lease_until
        held = renew(held, 50)
        held = renew(held, 100)
        assert held == NOW + timedelta(seconds=160)
        assert renew(held, 200) is None


def test_a_lease_that_another_worker_took_is_not_renewed(engine, campaign):
    later = NOW + timedelta(seconds=61)
    with writing(engine) as session:
        slept_through = campaigns.get(session, campaign).lease_until
        taken = campaigns.claim(session, campaign, now=later, lease_seconds=60)

        def renew(held):
            return campaigns.renew(session, campaign, held=held, now=later, lease_seconds=90)

        assert renew(slept_through) is None
        assert renew(taken)


def test_a_plan_holds_each_key_once_however_often_it_is_written(engine, campaign):
    with writing(engine) as session:
        added = campaigns.plan(
            session, campaign, [("b", brief("b")), ("d", brief("d")), ("d", brief("x"))]
        )

        assert added == 1
        chunk = campaigns.next_chunk(session, campaign, 10)
        assert [planned.key for planned in chunk] == ["a", "b", "c", "d"]
        assert chunk[3].brief == brief("d")
        assert campaigns.get(session, campaign).total == 4


def test_a_large_plan_is_written_whole(engine):
    with writing(engine) as session:
        campaign_id = campaigns.create(session, SPEC, now=NOW)
        plan = [(f"{n:05}", brief(str(n))) for n in range(3000)]

        assert campaigns.plan(session, campaign_id, plan) == 3000
        assert [p.key for p in campaigns.next_chunk(session, campaign_id, 2)] == ["00000", "00001"]
        assert creatives.get_many(session, [key for key, _ in plan]) == {}


def test_progress_counts_rows(engine, campaign):
    with writing(engine) as session:
        campaigns.mark_made(session, campaign, "a")
        campaigns.mark_failed(session, campaign, "b", "no paper")
        campaigns.decide(session, campaign, "a", Approval.APPROVED)
        campaigns.decide(session, campaign, "c", Approval.REJECTED)

        assert campaigns.progress(session, campaign) == Progress(
            total=3, planned=1, made=1, failed=1, approved=1, rejected=1
        )


def test_a_creative_is_made_once(engine, campaign):
    with writing(engine) as session:
        assert campaigns.mark_made(session, campaign, "a")
        assert not campaigns.mark_made(session, campaign, "a")
        assert creatives.save(session, creative("a"), brief("a"))
        assert not creatives.save(session, creative("a"), brief("a"))
        kept = creatives.get(session, "a")
        assert kept == replace(creative("a"), provenance=named({}, brief("a").item))
        assert creatives.get_many(session, ["a", "b"]).keys() == {"a"}


def test_a_campaign_is_done_when_nothing_is_left(engine, campaign):
    with writing(engine) as session:
        for key in "ab":
            campaigns.mark_made(session, campaign, key)
        assert not campaigns.finish_if_done(session, campaign, now=NOW)
        campaigns.mark_failed(session, campaign, "c", "x")
        assert campaigns.finish_if_done(session, campaign, now=NOW)

        assert campaigns.get(session, campaign).status == "done"
        assert campaigns.waiting_or_silent(session, now=NOW + timedelta(days=1)) == []


def test_a_cancelled_campaign_gives_no_more_work(engine, campaign):
    with writing(engine) as session:
        campaigns.cancel(session, campaign, now=NOW)

        assert campaigns.next_chunk(session, campaign, 5) == []
        held = NOW + timedelta(seconds=60)
        assert not campaigns.renew(session, campaign, held=held, now=NOW, lease_seconds=60)
        with pytest.raises(CampaignClosed, match="cancelled"):
            campaigns.cancel(session, campaign, now=NOW)


def test_what_is_not_there_is_said(engine, campaign):
    with writing(engine) as session:
        with pytest.raises(UnknownCampaign):
            campaigns.get(session, "none")
        with pytest.raises(UnknownCampaign):
            campaigns.cancel(session, "none", now=NOW)
        with pytest.raises(UnknownCreative):
            campaigns.decide(session, campaign, "none", Approval.APPROVED)
        assert creatives.get(session, "none") is None


def test_a_forgotten_shopper_leaves_every_audience(engine, campaign):
    with writing(engine) as session:
        other = campaigns.create(session, CampaignSpec(name="All"), now=NOW)

        assert campaigns.scrub_user(session, "u1") == 1
        assert campaigns.scrub_user(session, "u1") == 0

    with reading(engine) as session:
        assert campaigns.get(session, campaign).spec.audience == {"user_ids": ["u2"]}
        assert campaigns.get(session, other).spec.audience == {"personas": True}


def test_an_export_holds_pictures_and_safe_cells_and_leaves_rejected_out(
    engine, campaign, tmp_path
):
    (tmp_path / "a.jpg").write_bytes(b"picture")
    banner = Banner(path="a.jpg", sha256="0" * 64, width=300, height=250)
    with writing(engine) as session:
        for key in "abc":
            creatives.save(
                session, creative(key, banner=banner if key != "c" else None), brief(key)
            )
            campaigns.mark_made(session, campaign, key)
        campaigns.decide(session, campaign, "b", Approval.REJECTED)

    with reading(engine) as session:
        data = b"".join(showing.export(session, campaign, tmp_path, sold=sold))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["pictures/a.jpg", "creatives.csv"]
        assert archive.read("pictures/a.jpg") == b"picture"
        text = archive.read("creatives.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["key"] for row in rows] == ["a", "c"]
    assert rows[0]["headline"] == "'=cmd()"
    assert rows[0]["tagline"] == "'+1 good"
    assert rows[0]["title"] == "'=a"


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (lambda name: replace(sold(name), price=Decimal(2)), "the item changed: price"),
        (lambda name: sold(name, stock=0), "the item is sold out"),
        (lambda name: sold(name, hidden=True), "the item is hidden"),
        (lambda _: None, "the item is no longer in the catalogue"),
    ],
    ids=["price", "stock", "hidden", "gone"],
)
def test_an_export_leaves_out_pictures_that_no_longer_hold_and_says_why(
    engine, campaign, tmp_path, now, why
):
    (tmp_path / "a.jpg").write_bytes(b"picture")
    banner = Banner(path="a.jpg", sha256="0" * 64, width=300, height=250)
    with writing(engine) as session:
        creatives.save(session, creative("a", banner=banner), brief("a"))
        campaigns.mark_made(session, campaign, "a")

    with reading(engine) as session:
        data = b"".join(showing.export(session, campaign, tmp_path, sold=now))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["creatives.csv"]
        rows = list(csv.DictReader(io.StringIO(archive.read("creatives.csv").decode("utf-8-sig"))))
    assert [(row["key"], row["picture"], row["stale"]) for row in rows] == [("a", "", why)]


def test_an_export_of_nothing_is_a_whole_archive(engine, campaign, tmp_path):
    with reading(engine) as session:
        data = b"".join(showing.export(session, campaign, tmp_path, sold=sold))

        with pytest.raises(UnknownCampaign):
            showing.export(session, "none", tmp_path, sold=sold)

    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["creatives.csv"]


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "|x", "%x"])
def test_a_cell_is_never_a_formula(hostile):
    assert cell(hostile) == "'" + hostile
    assert cell("plain = fine") == "plain = fine"


def test_what_is_shown_of_a_rejected_creative_keeps_to_the_brand_kit(engine, campaign):
    with writing(engine) as session:
        creatives.save(session, creative("a"), brief("a"))
        campaigns.mark_made(session, campaign, "a")
        campaigns.decide(session, campaign, "a", Approval.REJECTED)
    with reading(engine) as session:
        free = campaigns.for_shop(session, "a")
        word = free.copy.headline.split()[0]
        bound = campaigns.for_shop(session, "a", avoid=(word,))

    assert word in free.copy.headline
    assert word not in bound.copy.headline
