"""Fit a regression with accumulated gradients, clipped, and a learning rate set at every step."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Regressor(nn.Module):
    def __init__(self, n_features, n_hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_features, n_hidden), nn.GELU())
        self.head = nn.Linear(n_hidden, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


def main():
    torch.manual_seed(1)
    X, y = load_diabetes(return_X_y=True)
    data = TensorDataset(
        torch.tensor(scale(X), dtype=torch.float32), torch.tensor(scale(y), dtype=torch.float32)
    )
    loader = DataLoader(data, batch_size=16, shuffle=True, drop_last=True)

    epochs, accumulate = 3, 4
    model = Regressor(X.shape[1], 32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    steps = epochs * (len(loader) // accumulate)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps + 1)

    losses = []
    for epoch in range(epochs):
        total = 0.0
        for i, (x, target) in enumerate(loader):
            loss = F.mse_loss(model(x), target) / accumulate
            loss.backward()
            total += loss.item()
            if (i + 1) % accumulate == 0:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad(set_to_none=True)
                losses.append(total)
                total = 0.0
        print(f"epoch {epoch} | loss {losses[-1]!r} | lr {scheduler.get_last_lr()[0]!r}")
        optimizer.zero_grad(set_to_none=True)
    return losses


if __name__ == "__main__":
    losses = main()
