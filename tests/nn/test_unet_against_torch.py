"""A whole small U-Net in PyTorch, written from its description: the same loss, gradients and training steps."""

import numpy as np
import pytest
from minunet.optim import Adam

from minunet import Tensor, UNet
from minunet import functional as F
from tests.sample_arrays import distinct

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # its pool of threads costs more than these small tensors
TF = torch.nn.functional


def there(name, array):
    """Channels-last weights in PyTorch's layout: (out, in, kh, kw), or (in, out, kh, kw) for the up-convolution."""
    if array.ndim == 4:
        array = array.transpose((2, 3, 0, 1) if ".up." in name else (3, 2, 0, 1))
    return torch.tensor(array.copy(), requires_grad=True)


def back(name, tensor):
    array = tensor.detach().numpy()
    return array.transpose((2, 3, 0, 1) if ".up." in name else (2, 3, 1, 0)) if array.ndim == 4 else array


def unet(x, weights, variant, depth):
    """`weights` is an iterator over tensors in the order of use, weight then bias."""
    weights = iter(weights)

    def convolve(x, times):
        for _ in range(times):
            x = TF.relu(TF.conv2d(x, next(weights), next(weights), padding=1))
        return x

    height, width = x.shape[2:]
    multiple = 2**depth
    x = TF.pad(x, (0, -width % multiple, 0, -height % multiple))
    skips = []
    for _ in range(depth):
        skips.append(convolve(x, 3 if variant == "paper" else 2))
        x = TF.max_pool2d(skips[-1], 2)
    x = convolve(x, 2)
    for skip in reversed(skips):
        x = TF.conv_transpose2d(x, next(weights), next(weights), stride=2)
        x = convolve(torch.cat([skip, x], 1), 2)
    x = TF.conv2d(x, next(weights), next(weights), padding=1 if variant == "paper" else 0)
    return x[:, :, :height, :width]


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
def test_loss_and_every_gradient(variant, size):
    model = UNet(2, 2, base_channels=3, depth=2, variant=variant).astype(np.float64)
    for k, (name, p) in enumerate(model.named_parameters()):
        if name.endswith("bias"):
            p.data = distinct(p.shape, k) / 5
    theirs = [there(name, p.data) for name, p in model.named_parameters()]
    images, target = distinct((2, *size, 2)), (distinct((2, *size, 2), 1) > 0).astype(float)
    x, z = Tensor(images, requires_grad=True), torch.tensor(np.moveaxis(images, -1, 1).copy(), requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(model(x), target)
    logits = unet(z, theirs, variant, 2)
    peer = TF.binary_cross_entropy_with_logits(logits, torch.tensor(np.moveaxis(target, -1, 1).copy()))
    loss.backward()
    peer.backward()
    assert loss.item() == pytest.approx(peer.item(), rel=1e-12)
    np.testing.assert_allclose(x.grad, np.moveaxis(z.grad.numpy(), 1, -1), rtol=1e-9, atol=1e-14)
    for (name, p), q in zip(model.named_parameters(), theirs, strict=True):
        np.testing.assert_allclose(p.grad, back(name, q.grad), rtol=1e-9, atol=1e-14, err_msg=name)


def test_ten_steps_of_adam_in_float32():
    model = UNet(base_channels=2, depth=2)
    theirs = [there(name, p.data) for name, p in model.named_parameters()]
    images, target = distinct((2, 8, 8, 1), dtype=np.float32), (distinct((2, 8, 8, 1), 1) > 0).astype(np.float32)
    z, t = (torch.tensor(np.moveaxis(a, -1, 1).copy()) for a in (images, target))
    ours, peer = Adam(model.parameters(), lr=1e-2), torch.optim.Adam(theirs, lr=1e-2)
    losses = []
    for _ in range(10):
        ours.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(images), target)
        loss.backward()
        ours.step()
        peer.zero_grad()
        other = TF.binary_cross_entropy_with_logits(unet(z, theirs, "paper", 2), t)
        other.backward()
        peer.step()
        losses.append((loss.item(), other.item()))
    np.testing.assert_allclose(*zip(*losses, strict=True), rtol=1e-3)
    assert losses[-1][0] < losses[0][0]
