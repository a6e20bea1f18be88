"""What a model on a GPU will do with a batch: its fused step or pass with each layer's kernels, or the primitives op by op."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from minunet.fused.fused_step import why_no_pass
from minunet.fused.step_memory import StepMemory
from minunet.fused.step_table import RecordedForward, RecordedStep, noted
from minunet.fused.unet_layers import whole_sides
from minunet.kernels.cuda import launcher
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from minunet.kernels.cuda.precision import has_tensor_cores, resolved, use_precision
from minunet.kernels.cuda.registration import PORTABLE, TENSOR_CORES
from minunet.kernels.dispatch import only
from minunet.nn.module import Module
from minunet.summary.model import Row, layer_of, op_by_op, parameter_counts
from minunet.summary.table import Description

CLIP = 1.0  # as training clips unless told otherwise; how long a gradient may be decides on nothing here


def on_gpu(model: Module, input_shape: tuple[int, ...], precision: str, gradients: bool) -> Description:
    """The table of a model whose parameters are on a GPU; the parameters are those of `describe`."""
    _primitives(model, input_shape, "fp32", gradients=False)  # a shape that the model refuses is refused in its words
    sides = input_shape[1:3]
    if not gradients and getattr(model, "config", None):
        sides = whole_sides(model.config, *sides)
    problem = why_no_pass(model, *sides)
    taken = resolved(precision, "cuda", gradients and problem is None)
    what = "training" if gradients else "prediction"
    if taken == "fp32" or problem:
        # What tensor cores are asked for op by op is float32.
        taken = "fp32" if taken == "fp32" else "tf32"
        heading = f"{what} in {taken}, op by op: {_why_fp32() if taken == 'fp32' else problem}"
        return Description(_primitives(model, input_shape, taken, gradients), heading)
    shape = (input_shape[0], *sides, input_shape[3])
    laid_out = noted(model.config, shape, launcher.gpu(), precision=taken, training=gradients, clip=CLIP)
    rows, counts = [], parameter_counts(model)
    names = [layer_of(name) for name, _ in model.named_parameters()]
    for product in laid_out.products:
        name = names[product.layer.weight]
        rows.append((name, product.operation, product.shape, counts.pop(name, 0), product.kernel, product.why))
    return Description(rows, f"{what} in {taken}: {_memory(laid_out)}")


def _primitives(model: Module, input_shape: tuple[int, ...], precision: str, gradients: bool) -> list[Row]:
    nowhere = MetaLauncher.like(launcher.gpu())
    with _as_shapes(model), launcher.use(nowhere), only(PORTABLE, TENSOR_CORES), use_precision(precision):
        return op_by_op(model, input_shape, gradients)


@contextlib.contextmanager
def _as_shapes(model: Module) -> Iterator[None]:
    """Within the block the parameters are host memory that is never touched."""
    own = [(parameter, parameter.data) for parameter in model.parameters()]
    try:
        for parameter, array in own:
            parameter.data = np.empty(array.shape, array.dtype)
        yield
    finally:
        for parameter, array in own:
            parameter.data = array


def _why_fp32() -> str:
    return "what is fused computes in bf16 or tf32" + (
        "" if has_tensor_cores() else ", which this GPU does not multiply"
    )


def _memory(laid_out: RecordedForward | RecordedStep) -> str:
    if isinstance(laid_out, RecordedStep):
        plan = StepMemory.of(laid_out)
        parts = {"arena": plan.arena, "parameters and moments": plan.weights, "batches on their way": plan.batches}
        what = "each step is one CUDA graph"
    else:
        parts = {"arena": laid_out.arena.nbytes, "parameters": sum(p.nbytes for p in laid_out.params)}
        what = "the forward pass is one CUDA graph"
    listed = ", ".join(f"{name} {size / 1e6:,.1f}" for name, size in parts.items())
    return f"{what}, in {sum(parts.values()) / 1e6:,.1f} MB ({listed})"
