"""A module: a part of a network that owns its parameters and its sub-modules, in the order in which they were assigned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minunet.autograd import no_grad
from minunet.nn.layer_outputs import gather, note
from minunet.nn.parameters import Parameter, ParameterOwner

if TYPE_CHECKING:
    from minunet.kernels.backend import Array


class Module(ParameterOwner):
    """Base of every layer and network: assign Parameters and Modules (or lists of them) as attributes, write `forward`.

    Attributes
    ----------
    training : bool
        Whether the module is in training mode; `train` and `eval` set it.

    Examples
    --------
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = Parameter([2.0])
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> [name for name, parameter in Scale().named_parameters()]
    ['factor']
    """

    training = True
    # True in a class of its own, not inherited, if what it computes depends on its attributes and its inputs' shapes only.
    operations_are_fixed = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        output = self.forward(*args, **kwargs)
        note(self, output)
        return output

    def __repr__(self) -> str:
        from minunet.nn.model_text import model_text  # a prediction shows no model

        return model_text(self)

    def extra_repr(self) -> str:
        """The settings that `print` shows in parentheses; subclasses may return others.

        Returns
        -------
        str
            By default the arguments of the constructor that are attributes of the module, without those that are the default.

        Examples
        --------
        >>> from minunet import nn
        >>> nn.Conv2d(1, 4, 3, padding=1).extra_repr()
        '1, 4, 3, padding=1'
        """
        from minunet.nn.model_text import arguments_text

        return arguments_text(self)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; subclasses define it."""
        raise TypeError(f"{type(self).__name__} does not define forward")

    def children(self) -> Iterator[tuple[str, Module]]:
        """The direct sub-modules, in the order of assignment; the items of a list are named by their index.

        Returns
        -------
        iterator of (str, Module)
            Name and module.

        Examples
        --------
        >>> from minunet import nn
        >>> [name for name, child in nn.Sequential(nn.ReLU(), nn.Tanh()).children()]
        ['0', '1']
        """
        for name, value in self._attributes():
            if isinstance(value, Module):
                yield name, value

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """The parameters with their names, in the order of assignment, sub-modules included; each parameter once.

        Parameters
        ----------
        prefix : str
            Put before each name.

        Returns
        -------
        iterator of (str, Parameter)
            Such as ("contraction.0.convs.1.weight", parameter).

        Examples
        --------
        >>> from minunet import nn
        >>> [(name, p.shape) for name, p in nn.Sequential(nn.Linear(3, 2)).named_parameters()]
        [('0.weight', (3, 2)), ('0.bias', (2,))]
        """
        seen: set[int] = set()
        for name, parameter in self._all_parameters(prefix):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield name, parameter

    def _all_parameters(self, prefix: str) -> Iterator[tuple[str, Parameter]]:
        for name, value in self._attributes():
            if isinstance(value, Parameter):
                yield prefix + name, value
            elif isinstance(value, Module):
                yield from value._all_parameters(f"{prefix}{name}.")

    def _attributes(self) -> Iterator[tuple[str, Any]]:
        """The attributes with their names; instead of a list its items, such as "convs.0"."""
        for name, value in vars(self).items():
            if isinstance(value, (list, tuple)):
                for k, item in enumerate(value):
                    yield f"{name}.{k}", item
            else:
                yield name, value

    def modules(self) -> Iterator[Module]:
        """This module and all below it.

        Returns
        -------
        iterator of Module

        Examples
        --------
        >>> from minunet import nn
        >>> [type(m).__name__ for m in nn.Sequential(nn.ReLU()).modules()]
        ['Sequential', 'ReLU']
        """
        for _, module in self.named_modules():
            yield module

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their names.

        Parameters
        ----------
        prefix : str
            The name of this module.

        Returns
        -------
        iterator of (str, Module)
            Such as ("contraction.0.convs.1", module).

        Examples
        --------
        >>> from minunet import nn
        >>> [name for name, module in nn.Sequential(nn.ReLU()).named_modules()]
        ['', '0']
        """
        yield prefix, self
        for name, child in self.children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def features(self, *inputs: Any) -> dict[str, Array]:
        """The outputs of all layers for an input, by the names of the layers, in the order in which they are computed.

        Parameters
        ----------
        *inputs : Tensor or array
            What the module takes, such as images (N, H, W, C).

        Returns
        -------
        dict of str to array
            A name such as "contraction.0.convs.1", as in `named_parameters`, and what the layer gave: for a layer on images
            (N, h, w, channels), where h and w are those of its level. A part whose output is not just that of its last layer has an
            entry too; the module itself has the name "output". A layer that is used again has the names "relu", "relu:2", and so
            on. The arrays are on the module's device, and must not be written to.

        Notes
        -----
        Nothing is recorded for gradients, and the mode (`train` or `eval`) is left as it is. A UNet pads images whose sides are no
        multiples of 2**depth at the bottom and right, so its layers are larger than such an image, and "output" is cropped.

        Examples
        --------
        >>> import minunet
        >>> import numpy as np
        >>> model = minunet.UNet(base_channels=2, depth=1)
        >>> outputs = model.features(np.zeros((1, 8, 6, 1), np.float32))
        >>> outputs["contraction.0.convs.0"].shape, outputs["bottleneck.convs.1"].shape
        ((1, 8, 6, 2), (1, 4, 3, 4))
        """
        names = {id(module): name or "output" for name, module in reversed([*self.named_modules()])}
        with no_grad(), gather(names) as outputs:
            self(*inputs)
        return dict(outputs)

    def train(self, mode: bool = True) -> Module:
        """Set training mode, in which dropout is active, here and below.

        Parameters
        ----------
        mode : bool
            False sets evaluation mode.

        Returns
        -------
        Module
            The module itself.

        Examples
        --------
        >>> from minunet import nn
        >>> nn.Dropout(0.5).eval().train().training
        True
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Set evaluation mode, in which dropout does nothing, here and below.

        Returns
        -------
        Module
            The module itself.

        Examples
        --------
        >>> from minunet import nn
        >>> nn.Dropout(0.5).eval().training
        False
        """
        return self.train(False)
