"""minunet: a U-Net for blood-cell images, written from scratch on NumPy (CPU) and CuPy (GPU).

Importing it touches no device; CuPy is loaded only when a GPU is used.
"""

# isort: off
from minunet import startup as _startup  # noqa: F401  before what takes time

# isort: on
import importlib as _importlib
import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minunet import functional, nn
from minunet.autograd import Tensor, gradcheck, no_grad
from minunet.nn import UNet, optim
from minunet.version import __version__

if _TYPE_CHECKING:
    from minunet.autograd.comparisons import where as where
    from minunet.autograd.extremes import maximum as maximum
    from minunet.autograd.extremes import minimum as minimum
    from minunet.nn.convnet import ConvNet as ConvNet
    from minunet.summary.describe import describe as describe

_sys.modules[f"{__name__}.optim"] = optim  # so that `from minunet.optim import Adam` works

# Imported at their first use: the U-Net needs neither these nor Pillow, which some of them import.
_LATER = {
    "ConvNet": "minunet.nn.convnet",
    "describe": "minunet.summary.describe",
    "maximum": "minunet.autograd.extremes",
    "minimum": "minunet.autograd.extremes",
    "where": "minunet.autograd.comparisons",
    "fit": "minunet.fitting",
    "load_model": "minunet.checkpoints.model_file",
    "save_model": "minunet.checkpoints.trained_model",
    "get_num_threads": "minunet.kernels.cpu.threads",
    "set_num_threads": "minunet.kernels.cpu.threads",
}

__all__ = [
    "Tensor",
    "UNet",
    "__version__",
    "functional",
    "gradcheck",
    "nn",
    "no_grad",
    "optim",
    *_LATER,
]


def __getattr__(name: str) -> _Any:
    if name in _LATER:
        return getattr(_importlib.import_module(_LATER[name]), name)
    places = {
        f"it is minunet.functional.{name}": name in functional.__all__,
        f"it is minunet.nn.{name}": name in nn.__all__,
        f"it is minunet.optim.{name}": name in optim.__all__,
        f"it is a method of tensors, x.{name}": not name.startswith("_") and hasattr(Tensor, name),
    }
    remedy = next((f"; {place}" for place, is_there in places.items() if is_there), "")
    raise AttributeError(f"module 'minunet' has no attribute {name!r}{remedy}")


def __dir__() -> list[str]:
    return sorted(__all__)
