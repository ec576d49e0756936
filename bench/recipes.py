"""The one place where a set has settings of its own: where the search of our branches starts.

Chosen on each set's validation shoppers, by hand or by grid; the test had no say. What
`learning.branches` chooses by itself goes on from here.
"""

from dataclasses import dataclass, field

from recsys.learning.blending.tuning import (
    LINEAR_GRID,
    NEIGHBOUR_GRID,
    Grid,
    LinearSettings,
    NeighbourSettings,
)
from recsys.learning.fitting.training import TrainingOptions
from recsys.models.histories import InputWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Where the search starts on one set."""

    dense: TrainingOptions
    epochs: int
    linear: LinearSettings = field(default_factory=LinearSettings)
    neighbours: NeighbourSettings = field(default_factory=NeighbourSettings)
    linear_grid: Grid = LINEAR_GRID
    neighbour_grid: Grid = NEIGHBOUR_GRID
    searched_again: bool = True  # settings move once more upon the other branches
    side_by_side: bool = False  # the seeds fused as one vector (TrainingOptions.seeds), not apart


# EASE of eleven thousand items takes a minute a setting, and the regressed neighbours hold the same.
QUICK_GRID = tuple(tried for tried in LINEAR_GRID if tried[0] not in {"method", "penalty"})

_REVIEWS = Recipe(  # a department's reviews: short histories of which the next is asked
    dense=TrainingOptions(batch=500, input=InputWeights(decay=0.8), future=True, gamma=0.005),
    epochs=20,
    linear=LinearSettings(rank=256),
    linear_grid=QUICK_GRID,
    side_by_side=True,
)

RECIPES: dict[str, Recipe] = {
    "ml1m": Recipe(
        dense=TrainingOptions(hidden=600, latent=200, gamma=0.005),
        epochs=70,
        linear=LinearSettings(method="ease", penalty=800.0),
        side_by_side=True,
    ),
    "gowalla": Recipe(
        dense=TrainingOptions(hidden=400, latent=200, gamma=0.005, batch=500),
        epochs=14,
        linear=LinearSettings(rank=256, popularity_power=0.5, user_power=0.5),
        linear_grid=(),
        neighbours=NeighbourSettings(regressed=3.0, penalty=50.0),
        # a list of forty thousand items takes half a minute to make
        neighbour_grid=(("regressed", (1.0,)),),
        searched_again=False,
    ),
    "videogames": _REVIEWS,
    "beauty": _REVIEWS,
    "ml100k": Recipe(
        dense=TrainingOptions(batch=100, gamma=0.005, input=InputWeights(decay=0.95)),
        epochs=60,
        linear=LinearSettings(method="ease", penalty=200.0),
    ),
    "ml1mdiffrec": Recipe(
        dense=TrainingOptions(hidden=600, latent=200, gamma=0.005),
        epochs=60,
        linear=LinearSettings(method="ease", penalty=800.0),
        side_by_side=True,
    ),
    "retailrocket": Recipe(dense=TrainingOptions(batch=100), epochs=30),
    "onlineretail": Recipe(
        dense=TrainingOptions(), epochs=40, linear=LinearSettings(method="ease", penalty=800.0)
    ),
    "grocery": Recipe(
        dense=TrainingOptions(), epochs=40, linear=LinearSettings(method="ease", penalty=400.0)
    ),
}
