"""A U-Net's training step, or its forward pass, as one CUDA graph: captured once, then replayed.

Nothing is left for Python to do but hand over batches, which travel from pinned memory on a stream of their own while the
step before is still running.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_forward import UNetForward
from minunet.fused.unet_step import UNetStep
from minunet.kernels.cuda import launcher
from minunet.kernels.machine import Machine
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet

SLOTS = 2  # one batch on its way while another is being used


class _Slot:
    """Pinned memory for a batch, its copy on the device, and when each may be used again."""

    def __init__(self, cupy: Any, shapes: Sequence[tuple[int, ...]]):
        self.pinned, self.staged = [], []
        for shape in shapes:
            count = int(np.prod(shape))
            memory = cupy.cuda.alloc_pinned_memory(4 * count)
            self.pinned.append(np.frombuffer(memory, np.float32, count).reshape(shape))
            self.staged.append(cupy.empty(shape, np.float32))
        self.arrived, self.read = (cupy.cuda.Event(disable_timing=True) for _ in range(2))


class StepGraph:
    """The step of `UNetStep` on a GPU, replayed as a graph.

    Parameters
    ----------
    model, optimizer, shape, plan
        As for `UNetStep`; the arrays of the model and the optimizer are CuPy's.

    Examples
    --------
    >>> step = StepGraph(model, optimizer, (16, 256, 256, 1), plan)  # doctest: +SKIP
    >>> step.send(images, targets)  # doctest: +SKIP
    >>> loss = step.run(lr=1e-3)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: UNet,
        optimizer: Adam,
        shape: tuple[int, ...],
        plan: StepPlan,
    ):
        import cupy

        self._cupy = cupy
        cupy.cuda.get_current_stream().synchronize()  # whoever made the parameters is done
        self.stream, self._copies = _streams(cupy.cuda.Device().id)
        with self.stream:
            self.step = UNetStep(model, optimizer, shape, launcher.gpu(), plan)
        self.graph = _capture(self.stream, self.step)
        array = self.step.arena.array
        self._batch = array(self.step.images), array(self.step.targets)
        self._loss, self._logits, self._clock = (array(p) for p in (self.step.loss, self.step.logits, self.step.clock))
        self._slots = [_Slot(cupy, [a.shape for a in self._batch]) for _ in range(SLOTS)]
        self._sent, self._used = 0, 0

    @property
    def nbytes(self) -> int:
        """Bytes of device memory that the step's arena takes."""
        return self.step.arena.nbytes

    def resume(self, updates: int) -> None:
        """Take over parameters that were changed from outside, and how many updates the moments have seen."""
        self._cupy.cuda.get_current_stream().synchronize()  # whoever changed them is done
        with self.stream:
            self.step.set_updates(updates)
            self.step.refresh()

    def send(self, images: np.ndarray, targets: np.ndarray) -> None:
        """Start a batch's way to the device; up to two may be waiting for their `run`."""
        if self._sent - self._used == SLOTS:
            raise RuntimeError(f"{SLOTS} batches are waiting already; run a step first")
        slot = self._slots[self._sent % SLOTS]
        slot.read.synchronize()  # its last batch has left
        slot.arrived.synchronize()
        for pinned, values in zip(slot.pinned, (images, targets), strict=True):
            pinned[...] = values
        self._copies.wait_event(slot.read)
        for staged, pinned in zip(slot.staged, slot.pinned, strict=True):
            staged.set(pinned, stream=self._copies)
        slot.arrived.record(self._copies)
        self._sent += 1

    def forget(self) -> None:
        """Drop the batches that were sent and not used."""
        self._used = self._sent

    def run(self, lr: float) -> Any:
        """One training step on the oldest batch sent; returns at once.

        Returns
        -------
        CuPy array, 0-d
            The loss, once `stream` has got there; the next step overwrites it.
        """
        if self._sent == self._used:
            raise RuntimeError("no batch was sent")
        slot = self._slots[self._used % SLOTS]
        with self.stream:
            self.stream.wait_event(slot.arrived)
            for array, staged in zip(self._batch, slot.staged, strict=True):
                array[...] = staged
            slot.read.record(self.stream)
            self.step.set_learning_rate(lr)
            self.graph.launch(self.stream)
        self._used += 1
        return self._loss

    def loss(self) -> float:
        """The loss of the last step, waiting for it."""
        with self.stream:
            return float(self._loss.get(stream=self.stream))

    def norm(self) -> float:
        """The length of the last step's gradient before it was clipped, waiting for it; 0 without `clip`."""
        with self.stream:
            return float(self._clock.get(stream=self.stream)[-1])

    def logits(self) -> Any:
        """The logits of the last step (N, H, W, out_channels), float32 on the device, waiting for them."""
        self.stream.synchronize()
        return self._logits


class ForwardGraph:
    """The pass of `UNetForward` on a GPU, replayed as a graph.

    Parameters
    ----------
    model, shape, machine
        As for `UNetForward`; the parameters are CuPy arrays.
    """

    def __init__(
        self,
        model: UNet,
        shape: tuple[int, ...],
        machine: Machine,
    ):
        import cupy

        self._cupy = cupy
        cupy.cuda.get_current_stream().synchronize()
        self.stream, _ = _streams(cupy.cuda.Device().id)
        with self.stream:
            self.forward = UNetForward(model, shape, launcher.gpu(), machine)
        self.graph = _capture(self.stream, self.forward)
        array = self.forward.arena.array
        self._images, self._logits = array(self.forward.images), array(self.forward.logits)

    def refresh(self) -> None:
        """Take over parameters that were changed since, such as by a step of training."""
        self._cupy.cuda.get_current_stream().synchronize()
        with self.stream:
            self.forward.refresh()

    def run(self, images: Any) -> Any:
        """Logits (N, H, W, out_channels) of NumPy or CuPy images; float32 on the device, overwritten by the next run."""
        self._cupy.cuda.get_current_stream().synchronize()  # whoever made the images is done
        with self.stream:
            if isinstance(images, np.ndarray):
                self._images.set(np.ascontiguousarray(images, np.float32), stream=self.stream)
            else:
                self._images[...] = images
            self.graph.launch(self.stream)
        self.stream.synchronize()
        return self._logits


@functools.cache
def _streams(device: int) -> tuple[Any, Any]:
    """The device's stream for captured work and that for copies: one each, since CuPy's freed memory stays with its stream."""
    import cupy

    return cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(non_blocking=True)


def _capture(stream: Any, work: UNetForward) -> Any:
    """The graph of one run; every kernel is loaded already, and every buffer has its place."""
    with stream:
        stream.synchronize()
        stream.begin_capture()
        try:
            work.run()
        finally:
            graph = stream.end_capture()
    return graph
