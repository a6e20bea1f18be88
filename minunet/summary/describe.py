"""`minunet.describe`: how a model processes an input, layer by layer, on the CPU or the GPU that the model is on."""

from __future__ import annotations

from minunet.functional.validation import is_whole_number
from minunet.nn.module import Module
from minunet.summary.op_by_op import op_by_op
from minunet.summary.table import Description


def describe(
    model: Module, input_shape: tuple[int, ...], precision: str | None = None, *, gradients: bool = True
) -> Description:
    """The layers of a model for one input shape, with the algorithm that will run each, and why.

    Nothing is computed, and nothing allocated on a GPU: the model runs over shapes only.

    Parameters
    ----------
    model : Module
    input_shape : tuple of int
        (N, H, W, C).
    precision : {"auto", "fp32", "tf32", "bf16"}, optional
        Of a GPU's convolutions, as --precision of the commands; None and "auto" are what `minunet.train` would use, or, without
        `gradients`, `minunet.predict`.
    gradients : bool
        Whether to list the backward pass too: a step of training with binary cross-entropy and Adam.

    Returns
    -------
    Description
        Printable; its `rows` hold (layer, operation, output shape, parameters, algorithm, why). For a model on a GPU its
        `heading` says first whether the step (or the forward pass) is fused into one CUDA graph and in how much memory, or why
        it is not; the operations of a fused one are "forward", "input gradient" and "weight gradient".

    Raises
    ------
    ValueError
        If `input_shape` is not a shape, or the precision is not known or not available on the model's device.

    Examples
    --------
    >>> import minunet
    >>> table = describe(minunet.UNet(base_channels=4, depth=1), (1, 32, 32, 1))
    >>> table.rows[0][:3]
    ('contraction.0.convs.0', 'conv2d', (1, 32, 32, 4))
    """
    if not (
        isinstance(input_shape, (tuple, list))
        and all(is_whole_number(length) and length >= 0 for length in input_shape)
    ):
        raise ValueError(f"describe: input_shape must be whole numbers such as (N, H, W, C), got {input_shape!r}")
    if model.device == "cpu" and precision is None:
        return Description(op_by_op(model, input_shape, gradients))
    from minunet.summary.gpu import describe_on  # importing CUDA's launch code takes a while

    return describe_on(model, input_shape, "auto" if precision is None else precision, gradients)
