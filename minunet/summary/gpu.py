"""The kernels that a model on a GPU uses for a batch: those of its fused step or forward pass, or of each operation."""

from __future__ import annotations

from minunet.functional.loss import binary_cross_entropy_with_logits
from minunet.fused.kernel_choices import KernelChoice, recorded_forward, recorded_step
from minunet.fused.step_memory import StepMemory
from minunet.fused.step_plan import StepPlan, why_no_fused_forward
from minunet.kernels.cuda import devices
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from minunet.kernels.cuda.registration import PORTABLE, TENSOR_CORES
from minunet.kernels.dispatch import only
from minunet.kernels.machine import Machine
from minunet.kernels.precision import use_precision
from minunet.nn.module import Module
from minunet.nn.unet import UNet
from minunet.summary.op_by_op import Row, layer_of, op_by_op, parameter_counts
from minunet.summary.table import Description

CLIP = 1.0  # the default of training; its value changes nothing in the table


def describe_on(model: Module, input_shape: tuple[int, ...], precision: str, gradients: bool) -> Description:
    """The table of a model for a given precision, "auto" among them; the parameters are those of `describe`."""
    if model.device == "cpu":
        Machine.choose("cpu", precision)
        return Description(op_by_op(model, input_shape, gradients))
    _primitives(model, input_shape, "fp32", gradients=False)  # a wrong shape is refused by the model itself
    return _training(model, input_shape, precision) if gradients else _prediction(model, input_shape, precision)


def _training(model: Module, shape: tuple[int, ...], precision: str) -> Description:
    plan = StepPlan.choose(
        model, binary_cross_entropy_with_logits, (shape[1], shape[2]), precision=precision, clip=CLIP
    )
    heading = f"training in {plan.precision}"
    if not (plan.fused and isinstance(model, UNet)):
        rows = _primitives(model, shape, plan.precision, gradients=True)
        return Description(rows, f"{heading}, op by op: {plan.why_not_fused}")
    step = recorded_step(model, shape, devices.gpu(), plan)
    memory = StepMemory.of(step)
    parts = {"arena": memory.arena, "parameters and moments": memory.weights, "batches on their way": memory.batches}
    return Description(_rows(model, step.choices), f"{heading}: each step is one CUDA graph, in {_megabytes(parts)}")


def _prediction(model: Module, shape: tuple[int, ...], precision: str) -> Description:
    machine = Machine.choose(model.device, precision)
    size = shape[1], shape[2]
    if isinstance(model, UNet):
        size = model.padded_size(*size)
    problem = why_no_fused_forward(model, size, machine)
    if problem or not isinstance(model, UNet):
        rows = _primitives(model, shape, machine.unfused_precision, gradients=False)
        return Description(rows, f"prediction in {machine.unfused_precision}, op by op: {problem}")
    forward = recorded_forward(model, (shape[0], *size, shape[3]), devices.gpu(), machine)
    parts = {"arena": forward.arena.nbytes, "parameters": sum(p.nbytes for p in forward.params)}
    heading = f"prediction in {machine.precision}: the forward pass is one CUDA graph, in {_megabytes(parts)}"
    return Description(_rows(model, forward.choices), heading)


def _primitives(model: Module, input_shape: tuple[int, ...], precision: str, gradients: bool) -> list[Row]:
    shapes_only = MetaLauncher.like(devices.gpu())
    with devices.use(shapes_only), only(PORTABLE, TENSOR_CORES), use_precision(precision):
        return op_by_op(model, input_shape, gradients)


def _rows(model: Module, choices: list[KernelChoice]) -> list[Row]:
    counts = parameter_counts(model)
    names = [layer_of(name) for name, _ in model.named_parameters()]
    rows = []
    for choice in choices:
        name = names[choice.layer.weight]
        rows.append((name, choice.operation, choice.shape, counts.pop(name, 0), choice.kernel, choice.why))
    return rows


def _megabytes(parts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {size / 1e6:,.1f}" for name, size in parts.items())
    return f"{sum(parts.values()) / 1e6:,.1f} MB ({listed})"
