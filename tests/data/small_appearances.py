"""Drawn smears whose appearance is measured, and the statistics of a set of them."""

import numpy as np

from minunet.data.appearance import measure_appearance
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.synthetic.smear import draw_smear
from minunet.data.training_images import TrainingImages

SMALL = Preprocessing(size=(96, 96))


def smears(count, first=0, size=(128, 128)):
    return [draw_smear(np.random.default_rng(seed), size).image for seed in range(first, first + count)]


def statistics(images, preprocessing=SMALL):
    return TrainingImages.of([measure_appearance(image, preprocessing) for image in images], [10.0] * len(images))
