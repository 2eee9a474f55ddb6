"""A GAN with two optimizers, as in the DCGAN tutorial."""

# mypy: ignore-errors
# ruff: noqa: B007, N816 - as people write them

import torch
from torch import nn

torch.manual_seed(2)
dataset = torch.randn(64, 4) * 0.5 + 1.0
dataloader = torch.utils.data.DataLoader(dataset, batch_size=16, shuffle=True)

netG = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4))
netD = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Sigmoid())
criterion = nn.BCELoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))

losses_d, losses_g = [], []
for epoch in range(2):
    for real in dataloader:
        netD.zero_grad()
        label = torch.full((len(real), 1), 1.0)
        errD_real = criterion(netD(real), label)
        errD_real.backward()
        fake = netG(torch.randn(len(real), 3))
        label.fill_(0.0)
        errD_fake = criterion(netD(fake.detach()), label)
        errD_fake.backward()
        optimizerD.step()

        netG.zero_grad()
        label.fill_(1.0)
        errG = criterion(netD(fake), label)
        errG.backward()
        optimizerG.step()
        losses_d.append((errD_real.item(), errD_fake.item()))
        losses_g.append(errG.item())

state = {**netG.state_dict(prefix="G."), **netD.state_dict(prefix="D.")}
