"""What the layers of a network make of an image, and how much of it each one sees.

    python examples/look_inside.py

`python -m minunet.show MODEL IMAGE` draws all layers of a trained model as one picture.
"""

import numpy as np
from PIL import Image

import minunet
from minunet.data.synthetic import draw_smear
from minunet.summary.receptive_field import receptive_fields

smear = draw_smear(np.random.default_rng(3), (128, 96))
grey = smear.image.mean(axis=2, keepdims=True).astype(np.float32) / 255  # (96, 128, 1)

model = minunet.UNet(base_channels=8, depth=3)  # untrained: its first filters are random
outputs = model.features(grey[None])  # the name of each layer -> an array (1, h, w, channels)

print(f"{'layer':<30}{'output':>20}{'sees':>8}")
for name, pixels in receptive_fields(model).items():
    if name in outputs:
        print(f"{name:<30}{str(outputs[name].shape):>20}{pixels:>8}")

maps = outputs["contraction.0.convs.0"][0]  # (96, 128, 8)
low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
scaled = (maps - low) / np.maximum(high - low, 1e-6)
row = np.concatenate([grey[..., 0], *np.moveaxis(scaled, 2, 0)], axis=1)
Image.fromarray((255 * row).astype(np.uint8)).save("first_maps.png")
print("open: first_maps.png, the image and the eight maps of the first layer")
