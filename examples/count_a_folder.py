"""Count and measure the cells of every image of a folder.

    python examples/count_a_folder.py MODEL FOLDER

`python -m minunet.predict MODEL FOLDER` does the same and more, and writes tables and pictures.
"""

import sys
from pathlib import Path

import numpy as np

import minunet

model_path, folder = sys.argv[1:3]
model = minunet.load_model(model_path)
total = 0
print(f"{'image':<24}{'cells':>6}{'median diameter':>18}{'touching':>10}")
for path in sorted(Path(folder).iterdir()):
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"):
        continue
    labels, table = model.cells(path)
    inside = [row for row in table if not row["touches_edge"]]  # a cell that is cut has no diameter
    median = np.median([row["equivalent_diameter_px"] for row in inside]) if inside else float("nan")
    touching = sum(row["in_clump"] for row in table)
    print(f"{path.name:<24}{len(table):>6}{median:>15.1f} px{touching:>10}")
    for sentence in model.unlike(path):
        print("  note:", sentence)
    total += len(table)
print(f"{'all':<24}{total:>6}")
