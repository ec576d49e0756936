"""What others published on the same files, and what was asked of us; nothing here is measured.

A goal that is missed is reported with what was tried; it is never lowered here.
"""

from typing import Any

Row = dict[str, Any]

# Source: openbenchmark/BARS, "Matching" leaderboard on the LightGCN split.
_GOWALLA = {
    "MultVAE": (0.1641, 0.1335),
    "EASE": (0.1765, 0.1467),
    "LightGCN": (0.1820, 0.1547),
    "GF-CF": (0.1849, 0.1518),
    "UltraGCN": (0.1862, 0.1580),
    "SimpleX": (0.1872, 0.1557),
}
# Source: Chin, Chen, Cong (WSDM 2022), "The datasets dilemma"; none of them reads the order.
_VIDEOGAMES = {
    "Mult-VAE": (0.02844, 0.05699),
    "WMF": (0.03506, 0.06954),
    "ItemKNN": (0.03600, 0.07127),
    "UserKNN": (0.03637, 0.07135),
    "RP3beta": (0.03827, 0.07448),
}
_ML100K = {  # as above
    "UserKNN": (0.05587, 0.10923),
    "RP3beta": (0.06457, 0.12407),
    "ItemKNN": (0.06473, 0.12195),
    "Mult-VAE": (0.06486, 0.12831),
    "WMF": (0.06995, 0.13680),
}
# Source: one repository's table of RecBole runs (SASRec, FEARec), unmasked as far as RecBole's
# sequential loader tells; the S3-Rec repository's all_rank.
_BEAUTY = {
    "S3-Rec": (0.0327, 0.0647),
    "SASRec (RecBole)": (0.0391, 0.0736),
    "FEARec (RecBole)": (0.0433, 0.0854),
}
# Source: Wang et al. (SIGIR 2023), "Diffusion recommender model", table 2, as quoted
# in the notes beside the files; the paper was not looked up again.
_ML1MDIFFREC = {
    "LightGCN": (0.1707, 0.1083),
    "MultiVAE": (0.1726, 0.1076),
    "MultiDAE": (0.1753, 0.1067),
    "DiffRec": (0.1787, 0.1148),
    "L-DiffRec": (0.1809, 0.1122),
}

PUBLISHED = {
    "gowalla": (("recall@20", "ndcg@20"), _GOWALLA),
    "videogames": (("ndcg@10", "recall@10"), _VIDEOGAMES),
    "ml100k": (("ndcg@10", "recall@10"), _ML100K),
    "beauty": (("ndcg@10", "recall@10"), _BEAUTY),
    "ml1mdiffrec": (("recall@20", "ndcg@20"), _ML1MDIFFREC),
}

# (set, metric, model): at least
GOALS = {
    ("ml1m", "ndcg@100", "fused"): 0.415,
    ("ml1m", "recall@20", "fused"): 0.338,
    ("ml1m", "recall@50", "fused"): 0.450,
    ("ml1m", "ndcg@100", "vae"): 0.402,
    ("gowalla", "recall@20", "fused"): 0.1880,
    ("gowalla", "ndcg@20", "fused"): 0.1590,
    ("videogames", "ndcg@10", "fused"): 0.0400,
    ("videogames", "recall@10", "fused"): 0.0770,
    ("beauty", "ndcg@10", "fused"): 0.048,
    ("beauty", "recall@10", "fused"): 0.086,
    ("ml100k", "ndcg@10", "fused"): 0.070,
    ("ml1mdiffrec", "recall@20", "fused"): 0.185,
    ("ml1mdiffrec", "ndcg@20", "fused"): 0.119,
}
# By more than two paired standard errors before every named peer, in these metrics' first.
AHEAD = ("retailrocket", "onlineretail", "grocery")


def rows(data: str) -> list[Row]:
    """The published rows of one table, marked as not ours."""
    if data not in PUBLISHED:
        return []
    names, models = PUBLISHED[data]
    return [
        {"data": data, "model": f"{model}, published", **dict(zip(names, values, strict=True))}
        for model, values in models.items()
    ]


def goals(figures: dict[str, float | None], first: dict[str, str]) -> list[Row]:
    """Each goal beside what was reached; `first` names each set's leading metric."""
    found: list[Row] = []
    for (data, metric, model), goal in GOALS.items():
        reached = figures.get(f"{data}_{metric.replace('@', '')}_{model}")
        found.append(_goal(data, f"{metric} of {model}", goal, reached))
    for data in AHEAD:
        metric = first[data]
        key = f"{data}_{metric.replace('@', '')}_fused_minus_best_baseline"
        gain, error = figures.get(key), figures.get(f"{key}_se")
        found.append(
            _goal(
                data,
                f"{metric} ahead of the best baseline, in paired standard errors",
                2.0,
                None if gain is None or not error else gain / error,
            )
        )
    return found


def _goal(data: str, of: str, goal: float, reached: float | None) -> Row:
    verdict = "not run"
    if reached is not None:
        verdict = "reached" if reached >= goal else f"missed by {goal - reached:.4f}"
    return {
        "data": "goals",
        "set": data,
        "of": of,
        "goal": goal,
        "reached": None if reached is None else round(reached, 4),
        "verdict": verdict,
    }
