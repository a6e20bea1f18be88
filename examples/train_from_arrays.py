"""Train on arrays, count the cells of a new image, and keep the model in one file.

python examples/train_from_arrays.py [OUT]
"""

import sys

import numpy as np

import minunet
from minunet.data.synthetic import draw_smear

out = sys.argv[1] if len(sys.argv) > 1 else "runs/arrays"

# Your own images: a list of arrays (H, W) or (H, W, 3), and masks (H, W) with a number for each cell, 0 for background.
smears = [draw_smear(np.random.default_rng(seed), (128, 128)) for seed in range(24)]
images = [smear.image for smear in smears]
masks = [smear.instances for smear in smears]

model = minunet.fit(images, masks, out=out, size=(64, 64), base_channels=4, depth=2, batch_size=4, epochs=8)

new = draw_smear(np.random.default_rng(1000), (128, 128))
cells = model.cells(new.image)
diameters = [row["equivalent_diameter_px"] for row in cells.table]
print(
    f"{len(cells.table)} cells found, {new.instances.max()} drawn; median diameter {np.median(diameters or [0]):.1f} px"
)

scores = model.evaluate([new.image], [new.instances])
print(f"Dice {scores['all_pixels']['dice']:.3f} on this image")
print("saved:", model.save(f"{out}/cells.safetensors"))
