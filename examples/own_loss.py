"""Train with a loss of one's own: the focal loss, written with tensor operations.

Lin et al. 2017, "Focal loss for dense object detection", equation 4: pixels that are right already count less.

    python examples/own_loss.py
"""

import numpy as np

import minunet
from minunet.data.synthetic import draw_smear


def focal_loss(logits, target, gamma=2.0):
    """-(1 - p_t)^gamma log(p_t), the mean over the pixels; p_t is the probability of what is true."""
    p = minunet.functional.sigmoid(logits)
    p_true = target * p + (1 - target) * (1 - p)
    return -((1 - p_true) ** gamma * p_true.clip(1e-7, 1).log()).mean()


rng = np.random.default_rng(0)
truth = rng.integers(0, 2, (1, 3, 5, 1)).astype(float)
minunet.gradcheck(lambda logits: focal_loss(logits, truth), [rng.normal(size=(1, 3, 5, 1))])
print("its gradient agrees with finite differences")

smears = [draw_smear(np.random.default_rng(seed), (64, 64)) for seed in range(8)]
grey = [smear.image.mean(axis=2, keepdims=True) for smear in smears]
images = np.stack(grey).astype(np.float32) / 255  # (8, 64, 64, 1)
masks = np.stack([smear.mask[..., None] for smear in smears]).astype(np.float32)

model = minunet.UNet(base_channels=4, depth=2, rng=rng)
optimizer = minunet.optim.Adam(model.parameters(), lr=3e-3)
for step in range(40):
    optimizer.zero_grad()
    loss = focal_loss(model(images), masks)
    loss.backward()
    optimizer.step()
    if step % 10 == 9:
        print(f"step {step + 1:3}: loss {loss.item():.4f}")
print("saved:", minunet.save_model(model, "focal.safetensors"))
