"""Answers of a server that is killed without warning are still counted, continued and forgotten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from recsys.answers import ledger
from recsys.answers.tables import AnswerRow
from recsys.database import reading

pytestmark = pytest.mark.slow
Wait = Callable[..., None]
N = 40


@pytest.fixture(scope="module")
def shop(new_shop: Callable[..., Any]) -> Any:
    shop = new_shop("sqlite")
    shop.start_web()
    shop.start_worker("default")
    return shop


def rows(shop: Any) -> set[str]:
    with reading(shop.engine) as session:
        return set(session.scalars(select(AnswerRow.recommendation_id)))


def test_no_answer_is_lost_when_the_server_is_killed(shop: Any, wait: Wait) -> None:
    given = {shop.recommend("user-1", k=3)["recommendation_id"] for _ in range(N)}
    shop.kill("web")
    shop.ring("vitrine.record_answers")

    wait(lambda: given <= rows(shop), "every answer is a row")
    left = ledger.pending(Path(shop.env["VITRINE_ANSWERS_DIR"]))
    shop.start_web()

    assert len(given) == N
    assert left == 0


def test_answers_of_a_server_that_goes_on_are_recorded_beside_it(shop: Any, wait: Wait) -> None:
    first = shop.recommend("user-2", k=3)
    shop.ring("vitrine.record_answers")
    wait(lambda: first["recommendation_id"] in rows(shop), "it is a row")
    second = shop.recommend("user-2", k=3)
    shop.ring("vitrine.record_answers")
    wait(lambda: second["recommendation_id"] in rows(shop), "so is the next")

    told = shop.get("/admin/answers?hours=1", role="admin").body

    with reading(shop.engine) as session:
        total = session.scalar(select(func.count()).select_from(AnswerRow))
    assert sum(one["answers"] for one in told["figures"]) == total


def test_replaying_over_http_is_exact(shop: Any) -> None:
    given = shop.recommend("user-3", k=5)
    path = f"/admin/answers/{given['recommendation_id']}"

    told = shop.get(path, role="admin")
    again = shop.call("POST", f"{path}/replay", {}, role="admin")

    assert told.status == 200
    assert [one["item_id"] for one in told.body["items"]] == [
        one["item_id"] for one in given["items"]
    ]
    assert again.body["exact"], again.body["differences"]


def test_a_full_disk_costs_the_ledger_and_not_the_answer(shop: Any) -> None:
    folder = Path(shop.env["VITRINE_ANSWERS_DIR"])
    shop.stop("web")
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("nothing can be written below a file")
    shop.start_web()
    try:
        given = shop.recommend("user-4", k=3)
    finally:
        folder.unlink()
        aside.rename(folder)

    assert len(given["items"]) == 3
    assert "answers" in given["degraded"]


def test_an_erasure_leaves_no_trace_in_rows_or_files(shop: Any, wait: Wait) -> None:
    recorded = shop.recommend("user-5", k=3)["recommendation_id"]
    shop.ring("vitrine.record_answers")
    wait(lambda: recorded in rows(shop), "it is a row")
    shop.recommend("user-5", k=3)

    receipt = shop.call("DELETE", "/users/user-5", role="admin")
    with shop.engine.connect() as connection:
        kept = repr(connection.execute(text("SELECT * FROM answer")).all())
    files = b"".join(path.read_bytes() for path in Path(shop.env["VITRINE_ANSWERS_DIR"]).iterdir())

    assert receipt.status == 200
    assert "user-5" not in kept
    assert b'"user-5"' not in files
