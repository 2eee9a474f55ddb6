"""Two losses that are added, two parameter groups, a frozen part, and an early break."""

# mypy: ignore-errors

import torch
from torch import nn

torch.manual_seed(5)
X, y = torch.randn(64, 5), torch.randint(0, 3, (64,))


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(5, 8)
        self.classify = nn.Linear(8, 3)
        self.rebuild = nn.Linear(8, 5)
        self.frozen = nn.Linear(2, 2)
        self.frozen.requires_grad_(False)

    def forward(self, x):
        hidden = torch.relu(self.backbone(x))
        return self.classify(hidden), self.rebuild(hidden)


net = TwoHeads()
optim = torch.optim.SGD(
    [
        {"params": net.backbone.parameters(), "lr": 0.01},
        {"params": [*net.classify.parameters(), *net.rebuild.parameters()]},
    ],
    lr=0.1,
)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optim, factor=0.5, patience=0)

history = []
for epoch in range(50):
    for start in range(0, 64, 16):
        optim.zero_grad()
        logits, rebuilt = net(X[start : start + 16])
        class_loss = nn.functional.cross_entropy(logits, y[start : start + 16])
        rebuild_loss = nn.functional.mse_loss(rebuilt, X[start : start + 16])
        total = class_loss + 0.5 * rebuild_loss
        total.backward()
        optim.step()
        history.append(total.item())
    plateau.step(history[-1] + epoch)
    if len(history) >= 12:
        break

state = net.state_dict()
