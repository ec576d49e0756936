"""The model and its optimisers, a step and an epoch at a time; it decides nothing about the fit.

In a small catalogue every weight is a parameter and one Adam moves all. In a large one the two
tables, embeddings and decoder, leave the autograd graph: a step takes the rows that it touches as
leaves, scores a sample of the items, and moves those rows alone.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recsys.learning.fitting import batches
from recsys.learning.fitting.batches import Drawn, Recipe
from recsys.learning.fitting.distributed import Team
from recsys.learning.fitting.optimisers import DenseAdam, RowAdam, learning_rate
from recsys.models import pooling
from recsys.models.histories import Histories
from recsys.models.vae import VAE, Bags, Batch, Room, Touched, low_precision

if TYPE_CHECKING:
    from recsys.learning.fitting.training import TrainingOptions

# From here on Adam over every row costs more than the model itself.
SAMPLED_FROM = 60_000
N_SAMPLED = 4_096


@dataclass(slots=True, kw_only=True)
class Course:
    """How far a fit is; with the weights and their moments, all that a checkpoint holds."""

    epochs: int  # fewer than asked for where time is short
    epoch: int = 0
    seconds: float = 0.0
    best_ndcg: float = -1.0
    best_epoch: int = 0
    losses: list[float] = field(default_factory=list)
    ndcgs: list[float] = field(default_factory=list)


class Stepper:
    """Weights in float32 on one device, and what moves them."""

    def __init__(
        self,
        train: Histories,
        options: "TrainingOptions",
        *,
        seed: int,
        device: str,
        team: Team,
    ) -> None:
        self._train, self._options = train, options
        self._seed, self._device, self._team = seed, device, team
        self._recipe = recipe(options, train.n_items)
        self.model = _model(train, options, seed).to(device)
        self.model.low = low_precision(options.precision, device)
        self._tables: tuple[RowAdam, ...] = ()
        if self._recipe.n_sampled:
            tables = self.model.embedding, self.model.decoder.weight, self.model.decoder.bias
            for table in tables:
                table.requires_grad_(False)  # noqa: FBT003 torch's own signature
            self._tables = tuple(RowAdam(table) for table in tables)
        elif team.size == 1 and pooling.can_write_over(device):
            self.model.room = Room.of(self.model, min(options.batch, len(train)))
        self._module = team.wrap(self.model)
        self._weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        self._adam = DenseAdam(self._weights)

    def epoch(self, epoch: int, epochs: int) -> float:
        """Take every step of an epoch; the mean loss of its batches over the whole team."""
        steps = math.ceil(len(self._train) / self._options.batch)
        share = self._team.share
        total = torch.zeros((), device=self._device)
        drawn = batches.of_epoch(
            self._train, self._recipe, seed=self._seed, epoch=epoch, share=share
        )
        for number, batch in enumerate(drawn, start=epoch * steps):
            rate = learning_rate(
                number,
                epochs * steps,
                peak=self._options.learning_rate,
                warmup_steps=self._options.warmup_steps,
            )
            total += self._step(batch, rate)  # read once an epoch: a card need not be waited for
        return float(self._team.average(total)) / steps

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "adam": self._adam.state_dict(),
            "tables": [table.state_dict() for table in self._tables],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self._adam.load_state_dict(state["adam"])
        for table, held in zip(self._tables, state["tables"], strict=True):
            table.load_state_dict(held)

    def _step(self, drawn: Drawn, rate: float) -> Tensor:
        self._forget_gradients()
        touched = self._touched(drawn)
        loss: Tensor = self._module(
            Batch(
                inputs=self._there(drawn.inputs),
                targets=self._there(drawn.targets),
                noise=drawn.noise.to(self._device),
                scale=drawn.scale.to(self._device),
                touched=touched,
            ),
            gamma=self._options.gamma,
        )
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step([w.grad for w in self._weights if w.grad is not None], rate)
        if touched is not None:
            leaves = touched.embedding, touched.decoder, touched.bias
            rows = drawn.rows, drawn.scored, drawn.scored
            for table, of, leaf in zip(self._tables, rows, leaves, strict=True):
                if of is not None and leaf.grad is not None:
                    gradient = self._team.average(leaf.grad)
                    table.step(of.to(self._device), gradient, rate)
        return loss.detach()

    def _forget_gradients(self) -> None:
        """All but those that the next step writes over."""
        room = self.model.room
        for weight in self.model.parameters():
            if room is None or (
                weight.grad is not room.embedding and weight.grad is not room.head.weight
            ):
                weight.grad = None

    def _touched(self, drawn: Drawn) -> Touched | None:
        if drawn.rows is None or drawn.scored is None or drawn.correction is None:
            return None
        of = drawn.rows, drawn.scored, drawn.scored
        pairs = zip(self._tables, of, strict=True)
        embedding, decoder, bias = (
            adam.table.index_select(0, rows.to(self._device)).requires_grad_()
            for adam, rows in pairs
        )
        correction = drawn.correction.to(self._device)
        return Touched(embedding=embedding, decoder=decoder, bias=bias, correction=correction)

    def _there(self, bags: Bags) -> Bags:
        if self._device == "cpu":
            return bags
        return Bags(
            items=bags.items.to(self._device),
            offsets=bags.offsets.to(self._device),
            weights=bags.weights.to(self._device),
        )


def recipe(options: "TrainingOptions", n_items: int) -> Recipe:
    """How batches are made; `sampled=None` is decided here, by the size of the catalogue."""
    sampled = options.sampled
    if sampled is None:
        sampled = N_SAMPLED if n_items >= SAMPLED_FROM else 0
    return Recipe(
        batch=options.batch,
        latent=options.latent,
        dropout=options.dropout,
        user_power=options.user_power,
        input=options.input,
        future=options.future,
        n_sampled=sampled,
    )


def _model(train: Histories, options: "TrainingOptions", seed: int) -> VAE:
    counts = np.bincount(train.items, minlength=train.n_items).astype(np.float32)
    return VAE(
        torch.from_numpy(counts),
        hidden=options.hidden,
        latent=options.latent,
        depth=options.depth,
        seed=seed,
    )
