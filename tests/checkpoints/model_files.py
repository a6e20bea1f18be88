"""Model files for tests: a small network and its preprocessing, the document of a file, changed files, and errors about them."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from minunet import UNet
from minunet.checkpoints.model_file import load_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError

SIZE = Preprocessing(size=(16, 12))


def unet(seed=0, **options):
    """A network of two channels and depth 1, but for the options."""
    return UNet(**{"base_channels": 2, "depth": 1, **options}, rng=np.random.default_rng(seed))


def header(path):
    """The document in the header of a file."""
    with safe_open(path, "np") as file:
        return json.loads(file.metadata()["minunet"])


def rewritten(path, change):
    """Change a file's tensors and document, as a faulty program would that knows of no checksum."""
    tensors, document = dict(load_file(path)), header(path)
    document.pop("checksum", None)
    change(tensors, document)
    save_file(tensors, path, metadata={"minunet": json.dumps(document)})
    return path


def error_of(path, load=load_model):
    """The problems that loading ends with, each of which names the file."""
    with pytest.raises(UserError) as caught:
        load(path)
    problems = caught.value.problems
    assert all(str(path) in problem for problem in problems)
    return problems
