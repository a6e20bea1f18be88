"""A U-Net's training step, or its forward pass, as one CUDA graph: captured once, then launched again for every batch.

Python only hands over the batches. They are copied from pinned memory on a stream of their own while the step before is running.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_forward import UNetForward
from minunet.fused.unet_step import UNetStep
from minunet.kernels.cuda import devices
from minunet.kernels.machine import Machine
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet

STAGED_BATCHES = 2  # one is copied to the device while another is used


class _StagedBatch:
    """Pinned memory for a batch, its copy on the device, and the events after which each may be used again."""

    def __init__(self, cupy: Any, shapes: Sequence[tuple[int, ...]]):
        self.pinned, self.staged = [], []
        for shape in shapes:
            count = int(np.prod(shape))
            memory = cupy.cuda.alloc_pinned_memory(4 * count)
            self.pinned.append(np.frombuffer(memory, np.float32, count).reshape(shape))
            self.staged.append(cupy.empty(shape, np.float32))
        self.copied, self.used = (cupy.cuda.Event(disable_timing=True) for _ in range(2))


class StepGraph:
    """The step of `UNetStep` on a GPU as a graph.

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

    def __init__(self, model: UNet, optimizer: Adam, shape: tuple[int, ...], plan: StepPlan):
        import cupy

        self._cupy = cupy
        cupy.cuda.get_current_stream().synchronize()  # the parameters are complete
        self.stream, self._copies = _streams(cupy.cuda.Device().id)
        with self.stream:
            self.step = UNetStep(model, optimizer, shape, devices.gpu(), plan)
        self.graph = _capture(self.stream, self.step)
        array = self.step.arena.array
        self._batch = [array(buffer) for buffer in self.step.batch]
        buffers = self.step.loss, self.step.logits, self.step.adam_state
        self._loss, self._logits, self._adam_state = (array(buffer) for buffer in buffers)
        self._staged_batches = [_StagedBatch(cupy, [a.shape for a in self._batch]) for _ in range(STAGED_BATCHES)]
        self._sent, self._used = 0, 0

    @property
    def nbytes(self) -> int:
        """Bytes of device memory of the step's arena."""
        return self.step.arena.nbytes

    def resume(self, updates: int) -> None:
        """Read the parameters again after they were changed from outside; `updates` is the number that the moments are from."""
        self._cupy.cuda.get_current_stream().synchronize()  # the changes are complete
        with self.stream:
            self.step.set_updates(updates)
            self.step.refresh()

    def send(self, *arrays: np.ndarray) -> None:
        """Start to copy a batch to the device, as in `UNetStep.batch`; up to two can be waiting for their `run`."""
        if self._sent - self._used == STAGED_BATCHES:
            raise RuntimeError(f"{STAGED_BATCHES} batches are waiting already; run a step first")
        batch = self._staged_batches[self._sent % STAGED_BATCHES]
        batch.used.synchronize()  # its last batch was read
        batch.copied.synchronize()
        for pinned, values in zip(batch.pinned, arrays, strict=True):
            pinned[...] = values
        self._copies.wait_event(batch.used)
        for staged, pinned in zip(batch.staged, batch.pinned, strict=True):
            staged.set(pinned, stream=self._copies)
        batch.copied.record(self._copies)
        self._sent += 1

    def drop_sent(self) -> None:
        """Drop the batches that were sent and not yet used."""
        self._used = self._sent

    def run(self, lr: float) -> Any:
        """One training step on the oldest batch sent; returns at once.

        Returns
        -------
        CuPy array, 0-d
            The loss, once `stream` has reached this point; the next step overwrites it.
        """
        if self._sent == self._used:
            raise RuntimeError("no batch was sent")
        batch = self._staged_batches[self._used % STAGED_BATCHES]
        with self.stream:
            self.stream.wait_event(batch.copied)
            for array, staged in zip(self._batch, batch.staged, strict=True):
                array[...] = staged
            batch.used.record(self.stream)
            self.step.set_learning_rate(lr)
            self.graph.launch(self.stream)
        self._used += 1
        return self._loss

    def loss(self) -> float:
        """The loss of the last step, waiting for it."""
        with self.stream:
            return float(self._loss.get(stream=self.stream))

    def norm(self) -> float:
        """The norm of the last step's gradient before it was clipped, waiting for it; 0 without clipping."""
        with self.stream:
            return float(self._adam_state.get(stream=self.stream)[-1])

    def logits(self) -> Any:
        """The logits of the last step (N, H, W, out_channels), float32 on the device, waiting for them."""
        self.stream.synchronize()
        return self._logits


class ForwardGraph:
    """The pass of `UNetForward` on a GPU as a graph.

    Parameters
    ----------
    model, shape, machine
        As for `UNetForward`; the parameters are CuPy arrays.
    """

    def __init__(self, model: UNet, shape: tuple[int, ...], machine: Machine):
        import cupy

        self._cupy = cupy
        cupy.cuda.get_current_stream().synchronize()
        self.stream, _ = _streams(cupy.cuda.Device().id)
        with self.stream:
            self.forward = UNetForward(model, shape, devices.gpu(), machine)
        self.graph = _capture(self.stream, self.forward)
        array = self.forward.arena.array
        self._images, self._logits = array(self.forward.images), array(self.forward.logits)

    def refresh(self) -> None:
        """Read the parameters again after they were changed, for example by a step of training."""
        self._cupy.cuda.get_current_stream().synchronize()
        with self.stream:
            self.forward.refresh()

    def run(self, images: Any) -> Any:
        """Logits (N, H, W, out_channels) of NumPy or CuPy images; float32 on the device, overwritten by the next run."""
        self._cupy.cuda.get_current_stream().synchronize()  # the images are complete
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
    """The stream for graphs and the one for copies, of each device: CuPy reuses freed memory only within a stream."""
    import cupy

    return cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(non_blocking=True)


def _capture(stream: Any, work: UNetForward) -> Any:
    """The graph of one run; every kernel must be loaded and every buffer allocated before."""
    with stream:
        stream.synchronize()
        stream.begin_capture()
        try:
            work.run()
        finally:
            graph = stream.end_capture()
    return graph
