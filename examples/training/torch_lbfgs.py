"""Logistic regression by L-BFGS, which asks for the loss several times a step."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor(scale(X), dtype=torch.float64)
y = torch.tensor(y, dtype=torch.float64)

w = torch.zeros(X.shape[1], dtype=torch.float64, requires_grad=True)
b = torch.zeros((), dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.LBFGS([w, b], lr=0.5, max_iter=5)


def closure():
    optimizer.zero_grad()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(X @ w + b, y) + 1e-3 * w @ w
    loss.backward()
    return loss


losses = []
for step in range(5):
    loss = optimizer.step(closure)
    losses.append(loss.item())
    print(step, repr(losses[-1]))
