"""Teach two networks to play against each other: a GAN over points on a circle."""

import math

import torch
from torch import nn

torch.manual_seed(0)

latent_size, batch_size = 4, 64
netG = nn.Sequential(nn.Linear(latent_size, 32), nn.ReLU(), nn.Linear(32, 2))
netD = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))

real_label = torch.ones(batch_size, 1)
fake_label = torch.zeros(batch_size, 1)
D_losses, G_losses = [], []

for i in range(60):
    # Update D: maximize log(D(x)) + log(1 - D(G(z)))
    netD.zero_grad()
    angle = torch.rand(batch_size, 1) * 2 * math.pi
    real = torch.cat([angle.cos(), angle.sin()], dim=1)
    errD_real = criterion(netD(real), real_label)
    errD_real.backward()
    noise = torch.randn(batch_size, latent_size)
    fake = netG(noise)
    errD_fake = criterion(netD(fake.detach()), fake_label)
    errD_fake.backward()
    errD = errD_real + errD_fake
    optimizerD.step()

    # Update G: maximize log(D(G(z)))
    netG.zero_grad()
    errG = criterion(netD(fake), real_label)
    errG.backward()
    optimizerG.step()

    D_losses.append(errD.item())
    G_losses.append(errG.item())
    if i % 20 == 0:
        print(f"[{i}] Loss_D: {D_losses[-1]!r} Loss_G: {G_losses[-1]!r}")

print(netG(torch.zeros(1, latent_size)).tolist())
