"""L-BFGS, whose step calls a closure several times."""

# mypy: ignore-errors
# ruff: noqa: B007 - as people write them

import torch
from torch import nn

torch.manual_seed(3)
X = torch.linspace(-1, 1, 40).unsqueeze(1)
y = torch.sin(3 * X)
model = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)

losses = []
for step in range(5):

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X), y)
        loss.backward()
        return loss

    losses.append(optimizer.step(closure).item())

state = model.state_dict()
