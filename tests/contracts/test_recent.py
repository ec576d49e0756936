"""What is kept of a shopper is what the database holds, or it is not kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis

from recsys.behaviour import recent
from recsys.behaviour.events import LASTING_N
from recsys.behaviour.recent import NEWEST, Landing, Recent, landings, open_client
from recsys.types import LASTING, Deed, Event, EventKind, UserHistory

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KINDS = tuple(EventKind)


def deed(number: int, user_id: str = "u1", **changes) -> Event:
    made = Event(
        event_id=f"e{number}",
        user_id=user_id,
        item_id=f"i{number}",
        kind=KINDS[number % len(KINDS)],
        at=NOW + timedelta(seconds=number, microseconds=number),
    )
    return replace(made, **changes)


def history(*deeds: Event, user_id: str = "u1") -> UserHistory:
    """As the database would tell it: the newest, and before them the last that last."""
    every = sorted(deeds, key=lambda one: (one.at, one.event_id))
    ordered, older = every[-NEWEST:], every[:-NEWEST]
    lasting = {(one.item_id, one.kind): one for one in older if one.kind in LASTING}
    told = sorted(lasting.values(), key=lambda one: one.at)[-LASTING_N:]
    return UserHistory(
        lasting=tuple(Deed(one.item_id, one.kind, one.at.timestamp()) for one in told),
        user_id=user_id,
        item_ids=tuple(one.item_id for one in ordered),
        kinds=tuple(one.kind for one in ordered),
        at=tuple(one.at.timestamp() for one in ordered),
    )


def fill(kept: Recent, *deeds: Event, user_id: str = "u1") -> None:
    assert kept.keep(kept.look(user_id), history(*deeds, user_id=user_id))


def write(kept: Recent, *deeds: Event) -> None:
    kept.begin({one.user_id for one in deeds})
    kept.land(landings(deeds, [True] * len(deeds)))


def test_what_is_kept_is_found_to_the_microsecond(kept: Recent) -> None:
    told = history(*map(deed, range(50)))

    assert kept.keep(kept.look("u1"), told)

    assert kept.look("u1").history == told


def test_a_shopper_without_a_past_is_kept_too(kept: Recent) -> None:
    fill(kept)

    assert kept.look("u1").history == UserHistory(user_id="u1")
    write(kept, deed(1))
    assert kept.look("u1").history == history(deed(1))


def test_nobody_has_an_empty_past_and_the_tokens(kept: Recent) -> None:
    look = kept.look(None)

    assert look.history == UserHistory()
    assert look.heard
    assert look.catalogue
    assert look.steering
    assert look.lease is None


@pytest.mark.parametrize("user_id", ["nul\x00", "\udc80"])
def test_an_id_that_nothing_can_hold_has_no_past(kept: Recent, user_id: str) -> None:
    assert kept.look(user_id).history == UserHistory(user_id=user_id)


@pytest.mark.parametrize("name", ["🥕/x y", "a,b", "t" * 200, "𝄞" * 200, "{tag}", "generation"])
def test_any_id_keeps_its_shape(kept: Recent, name: str) -> None:
    fill(kept, deed(1, item_id=name, user_id=name), user_id=name)
    write(kept, deed(2, item_id=name, user_id=name))

    found = kept.look(name).history

    assert found is not None
    assert found.item_ids == (name, name)


def test_a_deed_is_the_newest_at_once(kept: Recent) -> None:
    fill(kept, deed(1), deed(2))

    write(kept, deed(3), deed(4))

    assert kept.look("u1").history == history(*map(deed, (1, 2, 3, 4)))


def test_two_shoppers_in_one_batch_each_get_their_own(kept: Recent) -> None:
    fill(kept, deed(1))
    fill(kept, deed(1, "u2"), user_id="u2")

    write(kept, deed(2), deed(3, "u2"), deed(4), deed(5, "u3"))

    assert kept.look("u1").history == history(*map(deed, (1, 2, 4)))
    assert kept.look("u2").history == history(deed(1, "u2"), deed(3, "u2"), user_id="u2")
    assert kept.look("u3").history is None


@pytest.mark.parametrize(
    "late",
    [
        deed(1, item_id="late"),
        deed(5, item_id="late", event_id="a"),
        deed(5, item_id="late", event_id="z"),
    ],
    ids=["older", "same moment, first by id", "same moment, last by id"],
)
def test_a_late_deed_has_the_history_read_again(kept: Recent, late: Event) -> None:
    fill(kept, deed(2), deed(5))

    write(kept, late)

    look = kept.look("u1")
    assert look.history is None
    assert kept.keep(look, history(deed(2), deed(5), late))


def test_deeds_of_one_moment_have_the_history_read_again(kept: Recent) -> None:
    fill(kept, deed(1))

    write(kept, deed(2), deed(2, event_id="e2:1"))

    assert kept.look("u1").history is None


def test_a_batch_out_of_order_is_put_in_order(kept: Recent) -> None:
    fill(kept, deed(1))

    write(kept, deed(4), deed(2), deed(3))

    assert kept.look("u1").history == history(*map(deed, (1, 2, 3, 4)))


def test_a_duplicate_has_the_history_read_again(kept: Recent) -> None:
    """Its first sender may have died between the commit and the append."""
    fill(kept, deed(1))
    kept.begin(["u1"])

    kept.land(landings([deed(2), deed(3)], [False, True]))

    assert kept.look("u1").history is None


def test_what_only_the_spool_has_is_shown_and_never_costs_the_rest(kept: Recent) -> None:
    fill(kept, deed(2))

    for late in (deed(3), deed(1)):
        kept.begin(["u1"])
        kept.land({"u1": (Landing.SPOOL, [late])})

    assert kept.look("u1").history == history(deed(2), deed(3))


def test_ten_thousand_deeds_keep_the_newest_two_hundred(
    kept: Recent, client: "redis.Redis"
) -> None:
    fill(kept, *map(deed, range(150)))

    for start in range(150, 10_000, 37):
        write(kept, *map(deed, range(start, min(start + 37, 10_000))))

    assert kept.look("u1").history == history(*map(deed, range(10_000)))
    assert client.strlen("vitrine:deeds:u1") < 60_000


def test_what_was_dismissed_once_is_told_once_however_often_the_rest_is_cut(
    kept: Recent, client: "redis.Redis"
) -> None:
    old = [
        deed(n, item_id=f"i{n % 2}", kind=EventKind(kind))
        for n, kind in enumerate(("dismiss", "purchase", "dismiss", "purchase", "like", "dismiss"))
    ]
    views = [deed(n, kind=EventKind.VIEW) for n in range(10, 2_000)]
    fill(kept, *old)

    for start in range(0, len(views), 40):
        write(kept, *views[start : start + 40])

    found = kept.look("u1").history
    assert found == history(*old, *views)
    assert [(one.item_id, one.kind.value) for one in found.lasting] == [
        ("i0", "dismiss"),
        ("i1", "purchase"),
        ("i1", "dismiss"),
    ]
    assert client.strlen("vitrine:deeds:u1") < 20_000


def test_one_batch_longer_than_what_is_kept(kept: Recent) -> None:
    fill(kept, deed(0))

    write(kept, *map(deed, range(1, 1_000)))

    assert kept.look("u1").history == history(*map(deed, range(1_000)))


def test_the_longest_ids_are_cut_to_the_newest_two_hundred(kept: Recent) -> None:
    deeds = [deed(n, item_id=f"{n:04}" + "𝄞" * 196) for n in range(300)]
    fill(kept, deeds[0])

    for one in deeds[1:]:
        write(kept, one)

    assert kept.look("u1").history == history(*deeds)


def test_after_an_import_every_history_is_read_again(kept: Recent) -> None:
    fill(kept, deed(1))
    reader = kept.look("u2")

    kept.drop_all()

    assert kept.look("u1").history is None
    assert kept.keep(reader, history(user_id="u2"))  # read before the import
    assert kept.look("u2").history is None
    write(kept, deed(2))
    assert kept.look("u1").history is None


@pytest.mark.parametrize("what", [recent.CATALOGUE, recent.STEERING])
def test_a_change_is_another_token(kept: Recent, what: str) -> None:
    before = kept.look(None)

    kept.changed(what)

    after = kept.look(None)
    assert (before.catalogue != after.catalogue) is (what == recent.CATALOGUE)
    assert (before.steering != after.steering) is (what == recent.STEERING)
    assert before.histories == after.histories


def test_an_emptied_server_trusts_nothing_it_is_given_from_before(
    kept: Recent, client: "redis.Redis"
) -> None:
    fill(kept, deed(1))
    before = kept.look("u2")
    kept.begin(["u1"])
    client.flushdb()
    kept.land(landings([deed(2)], [True]))

    first, after = kept.look("u1"), kept.look("u1")

    assert not kept.keep(before, history(user_id="u2"))
    assert (first.catalogue, first.history, first.lease) == (None, None, None)
    assert after.catalogue not in {None, before.catalogue}
    assert kept.keep(after, history(deed(1), deed(2)))


def test_a_server_that_started_again_with_old_data_is_not_trusted(
    kept: Recent, client: "redis.Redis", redis_url: str
) -> None:
    fill(kept, deed(1))
    before = kept.look(None)
    client.set("vitrine:pulse:server", "another run")

    with open_client(redis_url.removesuffix("/0") + "/7", timeout_seconds=5) as reconnected:
        after = Recent(reconnected).look("u1")

    assert after.history is None
    assert after.catalogue != before.catalogue
    assert kept.look(None).catalogue == after.catalogue


def test_a_second_connection_to_the_same_server_changes_nothing(
    kept: Recent, redis_url: str
) -> None:
    fill(kept, deed(1))

    with open_client(redis_url.removesuffix("/0") + "/7", timeout_seconds=5) as second:
        assert Recent(second).look("u1").history == history(deed(1))


@pytest.mark.parametrize("value", [b"", b"\n", b"no token", b"{}", b"i1\nv\n3"])
def test_what_is_not_ours_is_a_miss(kept: Recent, client: "redis.Redis", value: bytes) -> None:
    client.set("vitrine:deeds:u1", value)

    assert kept.look("u1").history is None


@pytest.mark.parametrize("rows", ["i1\nq\n3.0\n", "i1\nv\nsoon\n", "i1\nv\n"])
def test_rows_of_another_release_are_a_miss(kept: Recent, client: "redis.Redis", rows: str) -> None:
    client.set("vitrine:deeds:u1", f"{kept.look(None).histories}\n{rows}")

    found = kept.look("u1").history

    assert found is None


def test_a_client_that_decodes_serves_as_well(redis_url: str, kept: Recent) -> None:
    with redis.Redis.from_url(
        redis_url.removesuffix("/0") + "/7", decode_responses=True
    ) as decoding:
        fill(Recent(decoding), deed(1))

    assert kept.look("u1").history == history(deed(1))


def test_redis_away_is_an_error_for_the_caller() -> None:
    away = Recent(open_client("redis://127.0.0.1:1/0", timeout_seconds=0.2))

    with pytest.raises(redis.RedisError):
        away.look("u1")
