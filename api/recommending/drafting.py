"""One slate of two rankers: for an answer, and for the same answer made again."""

from collections.abc import Sequence
from dataclasses import replace

from recsys.merchandising.types import Rule
from recsys.outcomes.interleaving import team_draft
from recsys.serving import ranking
from recsys.serving.assortment import Assortment
from recsys.types import Query, Slate


def drawn(
    assortment: Assortment,
    query: Query,
    slates: Sequence[Slate],
    teams: Sequence[str],
    rules: tuple[Rule, ...],
) -> tuple[Slate, list[str]]:
    """Two slates drawn into one by team draft, and whose each item is; the rules hold for it."""
    found = {pick.item_id: pick for slate in slates for pick in slate.recommendations}
    numbers = {item_id: number for number, item_id in enumerate(found)}
    orders = [[numbers[pick.item_id] for pick in one.recommendations] for one in slates]
    drafted = team_draft(orders[0], orders[1], len(found), seed=query.seed)
    item_ids = list(found)
    team_of = {
        item_ids[number]: teams[team]
        for number, team in zip(drafted.order, drafted.teams, strict=True)
    }
    kept = ranking.ruled(assortment, query, list(team_of), rules)
    picks = tuple(found[item_id]._replace(rank=rank) for rank, item_id in enumerate(kept, start=1))
    return replace(slates[0], recommendations=picks), [team_of[item_id] for item_id in kept]
