"""Parameters: the tensors that training adjusts, and what a module does with all of its own: it stores, loads and moves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.autograd import Tensor
from minunet.autograd.conversion import is_float
from minunet.kernels.backend import device_of, resolve_device, to_device, to_numpy

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Self


class Parameter(Tensor):
    """A tensor that training adjusts; it requires a gradient.

    Parameters
    ----------
    data : array_like
        As for `Tensor`.

    Examples
    --------
    >>> Parameter([1.0, 2.0])
    Parameter([1., 2.], dtype=float32, requires_grad=True)
    """

    def __init__(self, data: Any):
        super().__init__(data, requires_grad=True)


class ParameterOwner:
    """What a `Module` does with the values of all its parameters."""

    if TYPE_CHECKING:

        def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]: ...  # those of the module

    def parameters(self) -> list[Parameter]:
        """Every parameter, in the order of `named_parameters`.

        Returns
        -------
        list of Parameter

        Examples
        --------
        >>> from minunet import nn
        >>> sum(p.size for p in nn.Linear(3, 2).parameters())
        8
        """
        return [parameter for _, parameter in self.named_parameters()]

    def state_dict(self) -> dict[str, np.ndarray]:
        """The values of all parameters, as `load_state_dict` takes them.

        Returns
        -------
        dict of str to ndarray
            Copies in host memory, by the names of the parameters.

        Examples
        --------
        >>> from minunet import nn
        >>> {name: array.shape for name, array in nn.Linear(3, 2).state_dict().items()}
        {'weight': (3, 2), 'bias': (2,)}
        """
        return {name: np.array(to_numpy(parameter.data)) for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy arrays (or Tensors) into the parameters of the same names, in the parameters' dtype and device.

        Parameters
        ----------
        state : mapping of str to array
            As `state_dict` returns it.

        Raises
        ------
        ValueError
            If a name is missing or unexpected, a shape differs, or an array does not hold real numbers that the parameter's dtype
            can hold; the message lists every one, and nothing is loaded.

        Examples
        --------
        >>> from minunet import nn
        >>> one, other = nn.Linear(3, 2), nn.Linear(3, 2, rng=np.random.default_rng(1))
        >>> other.load_state_dict(one.state_dict())
        >>> bool((other.weight == one.weight).all())
        True
        """
        if not isinstance(state, Mapping):
            raise ValueError(f"load_state_dict: the state must map names to arrays, got {type(state).__name__}")
        from minunet.nn.state_dict_checks import fitting_arrays  # a model file is checked in another place

        own = dict(self.named_parameters())
        problems: list[str] = []
        arrays = fitting_arrays(state, {name: p.data for name, p in own.items()}, "a parameter here", problems)
        if problems:
            raise ValueError("load_state_dict: " + "; ".join(problems))
        for name, parameter in own.items():
            parameter.data[...] = arrays[name]
            parameter.mark_changed()

    def to(self, device: str) -> Self:
        """Move every parameter and its gradient to a device.

        Parameters
        ----------
        device : {"cpu", "cuda", "auto"}
            "auto" is the GPU if there is one.

        Returns
        -------
        Module
            The module itself.

        Raises
        ------
        UserError
            For "cuda" without a usable GPU, or an unknown name.

        Examples
        --------
        >>> from minunet import nn
        >>> nn.Linear(3, 2).to("cpu").device
        'cpu'
        """
        device = resolve_device(device)
        for parameter in self.parameters():
            if device_of(parameter.data) != device:
                parameter.data = to_device(parameter.data, device)
            if parameter.grad is not None:
                parameter.grad = to_device(parameter.grad, device)
        return self

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert every parameter to a floating-point dtype, dropping gradients.

        Parameters
        ----------
        dtype : dtype
            Such as "float64", for exact derivatives.

        Returns
        -------
        Module
            The module itself.

        Raises
        ------
        ValueError
            If the dtype is not floating-point.

        Examples
        --------
        >>> from minunet import nn
        >>> nn.Linear(3, 2).astype("float64").weight.dtype
        dtype('float64')
        """
        if not is_float(np.empty(0, dtype)):
            raise ValueError(f"astype: dtype must be floating-point, such as float32, got {np.dtype(dtype)}")
        for parameter in self.parameters():
            parameter.data = parameter.data.astype(dtype)
            parameter.grad = None
        return self

    @property
    def device(self) -> str:
        """The device of the parameters, "cpu" or "cuda"."""
        for _, parameter in self.named_parameters():
            return device_of(parameter.data)
        return "cpu"

    def zero_grad(self) -> None:
        """Forget every gradient.

        Examples
        --------
        >>> from minunet import nn
        >>> layer = nn.Linear(3, 2)
        >>> layer(np.ones((1, 3))).sum().backward()
        >>> layer.zero_grad()
        >>> layer.weight.grad is None
        True
        """
        for parameter in self.parameters():
            parameter.grad = None
