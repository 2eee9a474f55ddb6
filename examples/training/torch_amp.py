"""Train in mixed precision, with a scaler, on whatever device there is."""

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)

X, y = load_wine(return_X_y=True)
X = torch.tensor(scale(X), dtype=torch.float32, device=device)
y = torch.tensor(y, device=device)

model = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3)).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler(device)
loss_fn = nn.CrossEntropyLoss()

losses = []
for epoch in range(3):
    for batch in torch.randperm(len(X)).split(32):
        optimizer.zero_grad()
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = loss_fn(model(X[batch]), y[batch])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    print(f"epoch {epoch}: {losses[-1]!r} (scale {scaler.get_scale()})")
