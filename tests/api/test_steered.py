"""What steers a process is read by whichever request needs it: by several at once, and in any order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest

from api.recommending.degraded import Degraded
from api.runtime import Runtime
from recsys.database import writing
from recsys.merchandising import store
from recsys.merchandising.types import Rule, RuleKind


def test_a_slow_reading_does_not_take_the_place_of_one_asked_for_later(
    here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, reads = Event(), Event()
    refresh = store.refresh

    def slow(*asked: Any) -> Any:
        found = refresh(*asked)
        reads.set()
        assert may_end.wait(10)
        return found

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(store, "refresh", slow)
        older = pool.submit(here.steered.now, here, "before", Degraded())
        assert reads.wait(10)
        monkeypatch.setattr(store, "refresh", refresh)
        with writing(here.engine) as session:
            rule = Rule(rule_id="r", kind=RuleKind.EXCLUDE, where="price > 1")
            store.put(session, rule, who="test", now=datetime.now(UTC))
        newer, _ = here.steered.now(here, "after", Degraded())
        may_end.set()
        assert older.result(10)[0].version < newer.version

    assert here.steered.now(here, "after", Degraded())[0] is newer
