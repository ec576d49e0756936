"""A small share of the bench's chaos: whatever fails, something valid is served, and nothing unproved."""

import pytest

from bench import creative_chaos
from bench.creative_chaos import chaos, hostile


@pytest.mark.slow
def test_amid_faults_every_creative_is_valid_and_none_says_what_is_unproved(monkeypatch):
    entries = hostile()
    monkeypatch.setattr(creative_chaos, "products", lambda: [("hostile", one) for one in entries])

    told = chaos(30)

    assert told["served_checked"] == 30
    assert told["unsound"] == []
    assert told["served_with_valid_creative_percent"] == 100.0
