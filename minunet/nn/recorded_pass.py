"""Recorded passes: the forward and backward pass of a network on small images, made again as chains of NumPy calls.

For small images Python takes a good part of a training step: layers, operations, the choice of algorithms, the order of the
backward pass. All of it is the same in each step. After some steps with inputs of the same shape it is done once more while its
calls are noted, and from then on only these calls are made, in the same order and thus with the same bits. Where anything may
differ, the network computes as usual.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from minunet.autograd import Function, Tensor
from minunet.autograd.engine import execution_order, is_recording
from minunet.autograd.recompute import Recompute
from minunet.autograd.version_counter import arrays_in, memory_of
from minunet.kernels.backend import Array
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.call_chain import CallChain, ChainRecorder
from minunet.kernels.cpu.chain_memory import CannotChain, chain_memory, nobody
from minunet.kernels.dispatch import has_overrides
from minunet.nn.layer_outputs import is_gathering
from minunet.nn.module import Module
from minunet.nn.network_state import NetworkState

SEEN_BEFORE = 5  # passes with the same shape before one is recorded; by then the calls of its kernels are
MOST_PIXELS = 1 << 16  # of an input; with more, Python takes little of the time
MOST_SHAPES = 8  # of a network
MOST_ATTEMPTS = 4  # to record a network, if it changes or has calls that are not recorded


class _OfThread(threading.local):
    """The networks that a thread has trained, with their recorded passes."""

    def __init__(self) -> None:
        self.networks: weakref.WeakKeyDictionary[Module, _Passes] = weakref.WeakKeyDictionary()


_own = _OfThread()


class _Passes(dict[tuple[int, ...], "RecordedNetwork | int"]):
    """Of a network: for each shape of input a recording, or how often it was seen; -1 if it is not to be recorded."""

    attempts = 0

    def try_later(self, shape: tuple[int, ...]) -> None:
        """Count the passes of a shape anew, unless there were too many attempts."""
        self[shape] = -1 if self.attempts >= MOST_ATTEMPTS else 0


def recorded_output(network: Module, compute: Callable[[Tensor], Tensor], x: Tensor) -> Tensor | None:
    """The output of a network by a recorded pass; None if there is none, so that the network has to compute it.

    Parameters
    ----------
    network : Module
        Its class, and those of all its modules, have an attribute `operations_are_fixed` of their own: what they compute depends on
        nothing but their attributes and the shape of the input.
    compute : callable
        The network without recordings.
    x : Tensor
    """
    array = x.data
    if type(array) is not np.ndarray or not is_recording() or x.requires_grad or has_overrides() or is_gathering():
        return None
    if "operations_are_fixed" not in vars(type(network)):
        return None
    passes = _own.networks.get(network)
    if passes is None:
        passes = _own.networks[network] = _Passes()
    known = passes.get(array.shape, 0)
    if array.dtype != np.float32 or known == -1:
        return None
    if isinstance(known, int):
        if math.prod(array.shape[:-1]) > MOST_PIXELS or (known == 0 and len(passes) >= MOST_SHAPES):
            return None
        if known < SEEN_BEFORE:
            passes[array.shape] = known + 1
            return None
        try:
            memory = chain_memory()
        except MemoryError:
            return None
        if memory.user() is not None:
            return None
        passes.attempts += 1
        passes.try_later(array.shape)  # unless all goes well
        try:
            known = passes[array.shape] = RecordedNetwork(network, compute, array)
        except (CannotChain, MemoryError):
            memory.give_back()
            return None
    elif known.memory.user() is not None:
        return None
    elif not known.is_unchanged():
        passes.try_later(array.shape)
        return None
    return RecordedPass(known, compute).apply(x, *known.parameters)


class RecordedPass(Function):
    """A forward pass of a network by a recording, whose memory it occupies until its backward pass has ended.

    y = network(x)
    dx = none
    dparameters_k = the gradient of network at x, by the chains of calls of its operations, the last one first
    """

    returns_fresh_arrays = True

    def __init__(self, recorded: RecordedNetwork, compute: Callable[[Tensor], Tensor]):
        self.recorded, self.compute = recorded, compute
        self._counts = [changes.count for _, changes in recorded.changes]

    def forward(self, x: Array, *parameters: Array) -> Array:
        self.recorded.memory.user = weakref.ref(self)
        return self.recorded.forward(x)

    def check_unchanged(self) -> None:
        # Frozen weights are among the values that are read, though they are no inputs.
        is_elsewhere = not self._is_on_own_thread()
        self._values_to_read = tuple(
            ("network", changes, count)
            for (is_read, changes), count in zip(self.recorded.changes, self._counts, strict=True)
            if is_read or is_elsewhere
        )
        super().check_unchanged()

    def backward(self, grad_output: Array) -> Any:
        self.is_released = True  # however it ends: the calls write to the memory of what they have read
        if self._is_on_own_thread():
            return self.recorded.backward(grad_output)
        # The calls write to the scratch memory of a thread that may be busy: compute as usual instead.
        again = Recompute(self.compute, 1, self.recorded.parameters)
        again.needs_input_grad = self.needs_input_grad
        again.save(self.recorded.images)
        return again.backward(grad_output)

    def _is_on_own_thread(self) -> bool:
        return threading.get_ident() == self.recorded.thread

    def release(self) -> None:
        super().release()
        if self.recorded.memory.user() is self:
            self.recorded.memory.user = nobody


class RecordedNetwork:
    """The chains of calls of a network for inputs of one shape, on one thread.

    Parameters
    ----------
    network, compute
        As for `recorded_output`.
    x : ndarray, float32

    Raises
    ------
    CannotChain
        If some operation is not fixed, or not made of recorded calls, or there are too many values.

    Attributes
    ----------
    memory : ChainMemory
    thread : int
    images : ndarray
        The input, until the backward pass has ended.
    parameters : list of Tensor
        In the order in which their gradients are complete.
    changes : list of (bool, Changes)
        Of all parameters, frozen ones too: whether the backward pass reads their values, and the count of their changes.
    """

    def __init__(self, network: Module, compute: Callable[[Tensor], Tensor], x: np.ndarray):
        self.memory, self.thread = chain_memory(), threading.get_ident()
        self._state = NetworkState(network)
        constants: list[Any] = [parameter.data for parameter in network.parameters()]
        if not all(type(array) is np.ndarray and array.flags.c_contiguous and array.size for array in constants):
            raise CannotChain
        with np.errstate(all="ignore"):
            _check_operations(compute, x)
        recorder = ChainRecorder(self.memory, constants)
        recorder.record(self._record, recorder, compute, x)
        recorder.check()
        self.changes = [(id(memory_of(p.data)) in self._read, p.changes) for p in network.parameters()]
        self.parameters = [parameter for _, parameters in self._backward for parameter in parameters]

    def _record(self, recorder: ChainRecorder, compute: Callable[[Tensor], Tensor], x: np.ndarray) -> None:
        images = self.memory.empty(x.shape, x.dtype)
        np.copyto(images, x)
        self.images = recorder.fixed(images)
        with np.errstate(all="ignore"):
            logits = compute(Tensor(images))
            if logits.creator is None:  # no parameter requires a gradient
                raise CannotChain
            self._logits, root = recorder.fixed(logits.data), logits.creator
            self._forward = recorder.chain()
            del logits
            self._record_backward(recorder, root)

    def _record_backward(self, recorder: ChainRecorder, root: Function) -> None:
        grad_output = self.memory.empty(self._logits.shape, self._logits.dtype)
        grad_output.fill(0)
        self._grad_output = recorder.fixed(grad_output)
        self._backward: list[tuple[CallChain, list[Tensor]]] = []
        order = execution_order(root)
        leaves = [edge for function in order for edge in function.edges if edge is not None and edge.is_leaf]
        if len(set(map(id, leaves))) < len(leaves):
            raise CannotChain  # the gradients of a parameter that is used twice are added up elsewhere
        self._read = {id(memory_of(array)) for function in order for array in arrays_in(function.saved)}
        pending = {id(root): grad_output}
        del root
        while order:
            function = order.pop()
            if not function.returns_fresh_arrays:
                raise CannotChain
            grads = function.gradients(pending.pop(id(function)))
            new: list[np.ndarray] = []
            parameters: list[Tensor] = []
            for edge, grad in zip(function.edges, grads, strict=True):
                if edge is None:
                    continue
                if edge.is_leaf:
                    new.append(cast(np.ndarray, grad))
                    parameters.append(cast(Tensor, edge))
                elif id(edge) in pending:
                    recorder.add(pending[id(edge)], cast(np.ndarray, grad))
                else:
                    pending[id(edge)] = cast(np.ndarray, grad)
            if new:
                self._backward.append((recorder.chain(new), parameters))
            function.release()
            del function, grads, edge, grad, new  # their memory is used again

    def is_unchanged(self) -> bool:
        """Whether the network is what it was, but for the values of its parameters."""
        return self._state.is_unchanged()

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The network's output, a new array."""
        np.copyto(self.images, x)
        self._forward.run()
        return memory_pool.copy(self._logits)

    def backward(self, grad_output: np.ndarray) -> Iterator[np.ndarray | None]:
        """None for the input, and then the gradients of the parameters, each as soon as it is computed."""
        yield None
        np.copyto(self._grad_output, grad_output)
        for chain, _ in self._backward:
            yield from chain.run()


def _check_operations(compute: Callable[[Tensor], Tensor], x: np.ndarray) -> None:
    """CannotChain if an operation does more than to call primitives, also one before which nothing requires a gradient."""
    root = compute(Tensor(x, requires_grad=True)).creator
    if root is None or not all(vars(type(function)).get("only_primitives") for function in execution_order(root)):
        raise CannotChain
