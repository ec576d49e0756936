"""The peer that bench/training.py trains: Mult-VAE as it is usually written in PyTorch, all dense.

Liang et al., "Variational Autoencoders for Collaborative Filtering" (WWW 2018), with the settings
of its authors' notebook: normalised multi-hot input, dropout .5, tanh, KL annealed to .2.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

KL_CAP, ANNEAL_STEPS = 0.2, 200_000 / 10  # the notebook's 200,000 steps are for ML-20M's 100 epochs
BATCH, LEARNING_RATE = 500, 1e-3


class DenseVAE(nn.Module):
    """I -> 600 -> 200 -> 600 -> I."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.hidden_in = nn.Linear(n_items, 600)
        self.posterior = nn.Linear(600, 400)
        self.hidden_out = nn.Linear(200, 600)
        self.decoder = nn.Linear(600, n_items)

    def forward(self, taken: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Multi-hot (B, I) -> logits (B, I), KL (B,)."""
        h = functional.dropout(functional.normalize(taken), 0.5, training=self.training)
        mean, log_variance = self.posterior(torch.tanh(self.hidden_in(h))).chunk(2, dim=1)
        noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
        z = mean + noise * torch.exp(log_variance / 2)
        kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1)
        return self.decoder(torch.tanh(self.hidden_out(z))), kl

    def scores(self, matrix: Any) -> np.ndarray:
        self.eval()
        with torch.no_grad():
            return self(torch.from_numpy(matrix.toarray()))[0].numpy()


def fit_dense(model: DenseVAE, matrix: Any, *, epochs: int) -> None:
    model.train()
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    draw = np.random.default_rng(0)
    step = 0
    for _ in range(epochs):
        order = draw.permutation(matrix.shape[0])
        for start in range(0, len(order), BATCH):
            taken = torch.from_numpy(matrix[order[start : start + BATCH]].toarray())
            logits, kl = model(taken)
            likelihood = (functional.log_softmax(logits, dim=1) * taken).sum(dim=1)
            step += 1
            loss = (min(KL_CAP, step / ANNEAL_STEPS) * kl - likelihood).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
