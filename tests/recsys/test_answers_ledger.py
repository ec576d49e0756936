"""The ledger's files: what is written comes out once, whoever is killed, and nothing stays of the forgotten."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recsys.answers import entry, ledger
from recsys.answers.entry import Answer
from recsys.answers.ledger import Drained, Ledger
from recsys.types import Boost, Dials, EventKind, Hide, Query, UserHistory

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def answer(n: int, **changes: object) -> Answer:
    made = Answer(
        recommendation_id=entry.new_id(NOW + timedelta(milliseconds=n)),
        at=NOW,
        user_id=f"user-{n % 3}",
        placement="home",
        strategy="personal",
        request={"k": 2},
        model_version="20261120T120000Z-abcdef",
        catalogue_revision=7,
        item_ids=["a", "b"],
        sources=["personal", "popular"],
        scores=[1.5, 0.25],
    )
    return replace(made, **changes)


class Rows:
    """What was recorded, by id, as the table would hold it."""

    def __init__(self) -> None:
        self.held: dict[str, Answer] = {}

    def record(self, answers: Sequence[Answer]) -> int:
        new = {one.recommendation_id: one for one in answers} | self.held
        added = len(new) - len(self.held)
        self.held = new
        return added


def test_an_answer_comes_out_as_it_went_in(tmp_path: Path) -> None:
    whole = answer(
        1,
        user_id="Zoë 🛒",
        experiments={"rows": "b"},
        propensities=[0.5, 0.125],
        creative_keys=["k", None],
        teams=["a", "b"],
        degraded=["creatives"],
    )
    written, rows = Ledger(tmp_path), Rows()

    assert written.keep(whole)
    written.close()

    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=1)
    assert rows.held == {whole.recommendation_id: whole}
    assert list(tmp_path.glob("*.jsonl")) == []


def test_an_open_file_is_drained_up_to_now_and_again_later(tmp_path: Path) -> None:
    written, rows = Ledger(tmp_path), Rows()
    written.append(answer(1).line())

    assert ledger.drain(tmp_path, rows.record).recorded == 1
    assert ledger.pending(tmp_path) == 0

    written.append(answer(2).line())

    assert ledger.pending(tmp_path) > 0
    assert ledger.drain(tmp_path, rows.record).recorded == 1
    assert ledger.drain(tmp_path, rows.record).recorded == 0


def test_a_drain_that_fails_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    written, rows = Ledger(tmp_path), Rows()
    for n in range(5):
        written.append(answer(n).line())
    written.close()

    def away(_answers: Sequence[Answer]) -> int:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        ledger.drain(tmp_path, away)

    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=5)


def test_a_drain_killed_after_its_commit_records_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, rows = Ledger(tmp_path), Rows()
    written.append(answer(1).line())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            ledger.drain(tmp_path, rows.record)

    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=0)
    assert len(rows.held) == 1


def test_a_writer_killed_in_the_middle_of_a_line_costs_that_line_alone(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from recsys.answers.ledger import Ledger\n"
        "one = Ledger(Path(sys.argv[1])); line = sys.argv[2].encode() + b'\\n'\n"
        "one.append(line); one.append(line[:40]); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    told = answer(1).line().decode().strip()
    subprocess.run([sys.executable, "-c", script, str(tmp_path), told], cwd=ROOT, check=False)
    rows = Rows()

    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=1, torn=1)
    assert list(tmp_path.glob("*.jsonl")) == []


def test_a_file_is_let_go_when_it_is_large_or_old(tmp_path: Path) -> None:
    line = answer(1).line()
    large = Ledger(tmp_path / "large", max_bytes=2 * len(line))
    old = Ledger(tmp_path / "old", max_seconds=0)
    for _ in range(4):
        large.append(line)
        old.append(line)

    assert len(list((tmp_path / "large").glob("*.jsonl"))) == 2
    assert len(list((tmp_path / "old").glob("*.jsonl"))) == 4


def test_threads_share_a_file_without_mixing_lines(tmp_path: Path) -> None:
    written, rows = Ledger(tmp_path, max_bytes=20_000), Rows()
    lines = [answer(n).line() for n in range(400)]

    def write(part: int) -> None:
        for line in lines[part::4]:
            written.append(line)

    threads = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written.close()

    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=400)


def test_a_forked_child_writes_a_file_of_its_own(tmp_path: Path) -> None:
    written, rows = Ledger(tmp_path), Rows()
    written.append(answer(1).line())
    child = os.fork()
    if child == 0:
        try:
            written.append(answer(2).line())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    written.append(answer(3).line())
    written.close()

    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=3)


def test_a_full_disk_is_told_and_the_next_line_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, rows = Ledger(tmp_path), Rows()
    write = os.write
    half, full = answer(1), answer(2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, line: write(file, line[: len(line) // 2]))
        told_half = written.keep(half)

        def no_room(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(os, "write", no_room)
        told_full = written.keep(full)
    told = written.keep(answer(3))
    written.close()

    assert (told_half, told_full, told) == (False, False, True)
    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=1, torn=1)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("a file is in the way")

    assert not Ledger(tmp_path / "answers").keep(answer(1))


def test_nothing_of_a_forgotten_shopper_is_left_in_any_file(tmp_path: Path) -> None:
    still_open, closed, rows = Ledger(tmp_path), Ledger(tmp_path), Rows()
    odd = 'quote " and umlaut ü'
    for n in range(6):
        still_open.append(answer(n, user_id=odd if n % 2 else "user-0").line())
    ledger.drain(tmp_path, len)  # its lines stay until it is let go
    closed.append(answer(9, user_id=odd).line())
    closed.append(answer(10, user_id=odd).line()[:300])
    closed.close()

    blanked = ledger.blank(tmp_path, odd)
    still_open.append(answer(11, user_id="user-0").line())
    still_open.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert blanked == 2  # three are rows already, and counted where those are deleted
    assert entry.orjson.dumps(odd) not in left
    assert ledger.drain(tmp_path, rows.record) == Drained(recorded=1)
    assert {one.user_id for one in rows.held.values()} == {"user-0"}


def test_ids_are_ordered_by_time_and_tell_it() -> None:
    moments = [NOW + timedelta(milliseconds=7 * n) for n in range(50)]
    ids = [entry.new_id(moment) for moment in moments]

    assert sorted(ids) == ids
    assert [entry.time_of(one) for one in ids] == moments
    assert len({entry.new_id(NOW) for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    "wrong",
    ["", "x" * 36, "0" * 36, "019ab6b2-0000-4000-8000-000000000000", "ffffffff-ffff-7", "é" * 36,
     "019ab6b2-0000-7000-8000-00000000000g", "019ab6b2-0000-7000-8000-0000000000000"],
)  # fmt: skip
def test_what_is_no_id_of_ours_has_no_time(wrong: str) -> None:
    assert entry.time_of(wrong) is None


def test_a_request_is_asked_again_as_it_was() -> None:
    asked = Query(
        k=7,
        placement="cart",
        strategy="similar",
        item_ids=("a", "b"),
        exclude=frozenset({"x", "y"}),
        in_cart=frozenset({"c"}),
        hide_in_cart=False,
        returned=frozenset({"r"}),
        blocked_brands=frozenset({"Acme"}),
        category=("Grocery", "Fruit"),
        in_stock=False,
        hide=Hide.SEEN,
        filters=("price < 20", "stock > 1"),
        boosts=(Boost(expression="new", weight=0.5),),
        dials=Dials(diversity=0.5),
        liked=("l",),
        disliked=("d",),
        text="fresh",
        strict=True,
        reasons=False,
        personal=False,
        rotation=0.5,
        rotation_seconds=60.0,
        seed=11,
        now=NOW,
    )
    untold = Query()
    assert all(said != default for said, default in zip(asked, untold, strict=True))
    kept = answer(1, request=entry.request_of(asked, session=("s",)))

    read = entry.read(kept.line())

    assert entry.query_of(read.request) == asked
    assert entry.session_of(read.request) == ("s",)
    assert entry.query_of(entry.read(answer(2, request={}).line()).request) == Query()


def test_a_digest_tells_the_order_and_the_kind_of_deeds() -> None:
    view, buy = EventKind.VIEW, EventKind.PURCHASE
    histories = [
        UserHistory(),
        UserHistory(item_ids=("a", "b"), kinds=(view, buy)),
        UserHistory(item_ids=("b", "a"), kinds=(view, buy)),
        UserHistory(item_ids=("a", "b"), kinds=(buy, view)),
        UserHistory(item_ids=("ab",), kinds=(view,)),
    ]

    assert len({entry.digest(one) for one in histories}) == len(histories)
    assert entry.digest(histories[1]) == entry.digest(replace(histories[1], user_id="someone"))
