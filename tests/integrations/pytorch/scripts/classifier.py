"""Digits, the way the tutorials do it: epochs of training and evaluation, a scheduler per epoch."""

# mypy: ignore-errors

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)

X, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(X[:600], dtype=torch.float32) / 16, torch.tensor(y[:600]))
train_set, test_set = random_split(data, [480, 120])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=60)


class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(64, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.2)
        )
        self.head = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.head(self.body(x))


model = Net(24)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)


def train(epoch):
    model.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()


@torch.no_grad()
def evaluate():
    model.eval()
    correct = 0
    for images, labels in test_loader:
        correct += (model(images).argmax(1) == labels).sum().item()
    return correct / len(test_set)


losses, accuracies = [], []
for epoch in range(3):
    train(epoch)
    accuracies.append(evaluate())

state = model.state_dict()
