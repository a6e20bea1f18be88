"""A training script as a PyTorch user would write it for the same data: images in memory, flips, brightness and contrast, Adam."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

import minunet
from benchmarks.peers.torch_unet import TorchUNet


class Smears(Dataset):
    """Images and masks in memory, augmented one by one when they are used.

    Parameters
    ----------
    images, masks : ndarray
        (N, H, W, 1) float32 in [0, 1].
    augment : bool
    """

    def __init__(self, images: np.ndarray, masks: np.ndarray, augment: bool):
        self.images = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        self.masks = torch.from_numpy(np.ascontiguousarray(masks.transpose(0, 3, 1, 2)))
        self.augment = augment

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, mask = self.images[k], self.masks[k]
        if self.augment:
            axes = [axis for axis in (1, 2) if torch.rand(()) < 0.5]
            image, mask = torch.flip(image, axes), torch.flip(mask, axes)
            contrast, brightness = 0.9 + 0.2 * torch.rand(()), 0.2 * torch.rand(()) - 0.1
            image = ((image - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)
        return image, mask


class TorchTraining:
    """One model in training, an epoch at a time.

    Parameters
    ----------
    model : minunet.UNet
        Gives architecture and initial weights.
    training, validation : (images, masks)
    batch_size : int
    mode : {"NCHW", "channels_last"}
    """

    def __init__(self, model: minunet.UNet, training, validation, batch_size: int, mode: str):
        self.layout = torch.channels_last if mode == "channels_last" else torch.contiguous_format
        self.net = TorchUNet(model.config).load(model).to(memory_format=self.layout)
        self.optimizer = torch.optim.Adam(self.net.parameters(), 1e-4)
        self.training = DataLoader(Smears(*training, augment=True), batch_size, shuffle=True)
        self.validation = DataLoader(Smears(*validation, augment=False), batch_size)

    def epoch(self) -> float:
        """Train on every image once, then validate; returns the Dice on validation."""
        self.net.train()
        for images, masks in self.training:
            self.optimizer.zero_grad()
            logits = self.net(images.to(memory_format=self.layout))
            F.binary_cross_entropy_with_logits(logits, masks).backward()
            self.optimizer.step()
        self.net.eval()
        overlap = size = 0.0
        with torch.inference_mode():
            for images, masks in self.validation:
                predicted = self.net(images.to(memory_format=self.layout)) > 0
                overlap += 2 * float((predicted * masks).sum())
                size += float(predicted.sum() + masks.sum())
        return overlap / size
