import copy
import re
from html.parser import HTMLParser

import pytest

from recsys.learning.examining import plots, report
from recsys.learning.plan import Outcome

VOID = {"meta", "line", "rect", "circle", "polyline"}


class _Page(HTMLParser):
    """What a page is made of, and whether it is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def manifest(outcome: Outcome) -> dict:
    return dict(outcome.bundle.manifest)


def test_the_page_closes_what_it_opens_and_asks_for_nothing(manifest: dict) -> None:
    html = report.render("20260301T000000Z-aaaaaa", manifest)
    page = _Page(html)

    assert page.open == []
    assert {name for name, _ in page.attributes} & {"src", "href", "style", "onclick"} == set()
    assert "<script" not in html
    assert not re.search(r"url\(|@import|https?:", html)


def test_every_scorer_every_segment_and_the_verdict_are_there(manifest: dict) -> None:
    words = _Page(report.render("v", manifest)).words

    for said in ("This model", "Popularity", "ItemKNN", "dense branch alone", "the first model"):
        assert said in words
    for row in manifest["metrics"]["segments"]:
        assert row["name"] in words
    assert "comparable with nothing" in words
    assert f"{manifest['metrics']['candidate']['ndcg@20']:.4f}" in words


def test_texts_of_a_shop_are_escaped(manifest: dict) -> None:
    hostile = copy.deepcopy(manifest)
    evil = "<script>alert(1)</script>"
    hostile["metrics"]["segments"][0]["name"] = evil
    hostile["metrics"]["verdict"] = evil
    hostile["metrics"]["paired"][0]["name"] = evil
    hostile["metrics"]["branches"]["weights"] = {evil: 1.0}
    hostile["curves"] = {evil: [1.0, 2.0]}

    html = report.render(evil, hostile)

    assert "<script" not in html
    assert _Page(html).open == []


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"metrics": {"candidate": None, "passed": True, "verdict": "the first model"}},
        {
            "metrics": {"paired": 7, "segments": [None], "branches": "x", "gate": []},
            "curves": {"a": 1},
        },
        {"metrics": {"candidate": {"ndcg@20": float("nan")}}, "curves": {"loss": [float("inf")]}},
        {"metrics": {"segments": [{"family": 1, "name": None, "ndcg@20": {"candidate": 3}}]}},
        {"metrics": None, "data": [], "curves": None},
    ],
)
def test_what_is_missing_or_foreign_is_left_out(manifest: dict) -> None:
    html = report.render("v", manifest)

    assert _Page(html).open == []
    assert "nan" not in re.sub(r"<style>.*</style>", "", html, flags=re.DOTALL)


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    assert "default-src 'none'" in report.POLICY
    assert "unsafe" not in report.POLICY


def test_a_curve_stays_inside_its_picture() -> None:
    drawn = plots.curve([3.0, 1.0, 2.0], "loss", best=2)

    points = re.search(r'points="([^"]+)"', drawn)
    assert points is not None
    pairs = [tuple(map(float, pair.split(","))) for pair in points[1].split()]
    assert all(0 <= x <= plots.WIDTH and 0 <= y <= plots.HEIGHT for x, y in pairs)
    assert pairs[1][1] > pairs[2][1] > pairs[0][1]  # lower values lie lower


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0], [0.0, 1e-9], [-5.0, 1e6]])
def test_any_curve_can_be_drawn(values: list[float]) -> None:
    drawn = plots.curve(values, "x")

    assert ("<svg" in drawn) == bool(values)
    assert "nan" not in drawn


@pytest.mark.parametrize(
    ("low", "high", "tone"), [(0.1, 0.2, "better"), (-0.2, -0.1, "worse"), (-0.1, 0.1, "same")]
)
def test_an_interval_is_coloured_by_what_it_proves(low: float, high: float, tone: str) -> None:
    assert f'class="{tone}"' in plots.interval(low, (low + high) / 2, high, reach=0.3)


def test_the_scale_of_a_forest_is_round_and_reaches_every_end() -> None:
    assert plots.reach_of([0.012, -0.034]) == pytest.approx(0.04)
    assert plots.reach_of([]) == 1.0
    assert plots.reach_of([0.0]) == 1.0
