"""Recorded passes: the bits of the network itself, and the network itself wherever anything may differ."""

import gc
import threading
import weakref

import numpy as np
import pytest

import minunet
from minunet.autograd import engine, function
from minunet.kernels.cpu import call_chain, chain_memory, recording, scratch, threads
from minunet.kernels.dispatch import has_overrides, prefer
from minunet.nn import recorded_pass
from minunet.training.watch_layers import watched_layers
from tests.kernels.cpu.interrupted import interrupt
from tests.nn.recorded_steps import (
    SHAPE,
    STEPS,
    assert_same_bits,
    batch,
    gradients,
    is_recorded,
    network,
    step,
    trained,
    unrecorded_step,
)

pytestmark = pytest.mark.usefixtures("nothing_recorded")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        pytest.param({"variant": "paper", "base_channels": 4}, marks=pytest.mark.ci),
        pytest.param({"block_end_relu": False}, marks=pytest.mark.ci),
        pytest.param({"in_channels": 3, "out_channels": 2, "base_channels": 4}, marks=pytest.mark.ci),
    ],
    ids=lambda settings: ",".join(settings) or "plain",
)
def test_a_recorded_pass_has_the_bits_of_the_network(settings):
    model, other = network(**settings), network(**settings)
    optimizers = [minunet.optim.Adam(m.parameters(), 0.01) for m in (model, other)]
    shape = (2, 20, 12, settings.get("in_channels", 1))
    used = []
    for seed in range(STEPS + 3):
        found, expected = step(model, seed, shape), unrecorded_step(other, seed, shape)
        assert_same_bits(found, expected)
        used.append(found[0])
        for optimizer in optimizers:
            optimizer.step()
    assert used == [False] * recorded_pass.SEEN_BEFORE + [True] * 6


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.ci), 2])
def test_calls_that_are_not_recorded_are_made_between_those_that_are(monkeypatch, count):
    costs = [150_000.0, 250_000.0]
    before = threads.get_num_threads()
    threads.set_num_threads(count)
    monkeypatch.setattr(call_chain, "LEAST_RECORDED", 0)
    try:
        for longest in costs:
            monkeypatch.setattr(recording, "LONGEST", longest)
            monkeypatch.setattr(recording, "LONGEST_ALONE", longest)
            monkeypatch.setattr(recording, "_own", recording._OfThread())
            model = trained(network())
            assert_same_bits(step(model, 50), unrecorded_step(model, 50))
    finally:
        threads.set_num_threads(before)


def test_shapes_have_recordings_of_their_own_in_the_same_memory():
    model = network()
    shapes = [SHAPE, (1, 8, 24, 1), (3, 4, 4, 1)]
    for seed in range(STEPS):
        for shape in shapes:
            found = step(model, seed, shape)
            assert_same_bits(found, unrecorded_step(model, seed, shape))
    assert found[0]


def test_without_memory_for_a_recording_the_network_computes_as_usual(monkeypatch):
    def refuse(*args):
        raise MemoryError

    monkeypatch.setattr(chain_memory, "address_space", refuse)
    model = network()
    assert not any(step(model, seed)[0] for seed in range(STEPS))


def test_outputs_and_gradients_of_earlier_steps_stay_as_they_are():
    model = trained(network())
    kept = []
    for seed in range(4):
        model.zero_grad()
        output = model(batch(seed))
        assert is_recorded(output)
        output.sum().backward()
        arrays = [output.data, *[parameter.grad for parameter in model.parameters()]]
        kept.append((arrays, [array.copy() for array in arrays]))
        del output
    for arrays, copies in kept:
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy)


def test_gradients_of_several_passes_add_up():
    model, other = trained(network()), network()
    for m in (model, other):
        m.zero_grad()
        for seed in range(3):
            m(batch(seed)).sum().backward()
    assert_same_bits((True, batch(0), gradients(model)), (False, batch(0), gradients(other)))


def test_while_one_pass_waits_for_its_backward_pass_another_one_is_computed_as_usual():
    model = trained(network())
    model.zero_grad()
    first, second = model(batch(1)), model(batch(2))
    assert is_recorded(first) and not is_recorded(second)
    (first * second).sum().backward()
    found = gradients(model)
    other = network()
    (other(batch(1)) * other(batch(2))).sum().backward()
    for array, right in zip(found, gradients(other), strict=True):
        np.testing.assert_allclose(array, right, rtol=1e-4, atol=1e-6)
    del first, second
    assert step(model, 3)[0]


def test_a_pass_without_backward_pass_is_over_when_nobody_holds_its_output():
    model = trained(network())
    output = model(batch(0))
    assert not is_recorded(model(batch(1)))
    del output
    assert is_recorded(model(batch(1)))


def test_values_changed_in_place_are_those_that_are_read():
    model = trained(network())
    for parameter in model.parameters():
        parameter.data *= 0.5
    found = step(model, 80)
    assert found[0]
    assert_same_bits(found, unrecorded_step(model, 80))


def test_weights_changed_between_the_passes_are_refused():
    model = trained(network())
    output = model(batch(0))
    assert is_recorded(output)
    model.head.weight.data *= 2
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        output.sum().backward()
    del output
    output = model(batch(0))
    model.head.bias.data *= 2  # which the backward pass does not read
    output.sum().backward()


def test_a_frozen_weight_changed_between_the_passes_is_refused():
    model = network()
    model.head.weight.requires_grad = False
    output = trained(model)(batch(0))
    assert is_recorded(output)
    model.head.weight.data *= 2
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        output.sum().backward()


def test_a_backward_pass_that_was_interrupted_is_not_made_again(monkeypatch):
    output = trained(network())(batch(0))
    assert is_recorded(output)
    ends = iter([None] * 6)

    def accumulate(*args, **settings):
        if next(ends, "now") == "now":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(minunet.Tensor, "accumulate", accumulate)
        output.backward(batch(1))
    with pytest.raises(RuntimeError, match="backward has already run"):
        output.backward(batch(1))


def test_backward_runs_once():
    model = trained(network())
    loss = model(batch(0)).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="backward has already run"):
        loss.backward()


def test_operations_that_do_more_than_primitives_compute_as_usual_also_in_frozen_layers():
    model, other = (network(pooling="average", depth=2) for _ in range(2))  # which divides the sums of windows in place
    for parameter in (p for m in (model, other) for block in m.contraction for p in block.parameters()):
        parameter.requires_grad = False
    for seed in range(STEPS):
        assert_same_bits(step(model, seed), unrecorded_step(other, seed))


def test_other_inputs_and_blocks_compute_as_usual(monkeypatch):
    model = trained(network())
    x = batch(0)
    assert not is_recorded(model(minunet.Tensor(x, requires_grad=True)))
    assert not is_recorded(model(batch(0, (1, 18, 16, 1))))
    with minunet.no_grad():
        assert model(x).creator is None
    with prefer("reference"):
        assert not is_recorded(model(x))
    seen = []
    with watched_layers(model, lambda name, layer, output: seen.append(name)):
        assert not is_recorded(model(x))
    assert "head" in seen
    assert len(model.features(x)) > 5
    monkeypatch.setattr(recorded_pass, "MOST_PIXELS", 10)
    model = network()
    for seed in range(STEPS):
        assert not step(model, seed)[0]


def test_too_little_memory(monkeypatch):
    monkeypatch.setattr(chain_memory, "MEMORY", 20_000)
    model = network()
    for seed in range(2 * STEPS):
        found = step(model, seed)
        assert not found[0]
    assert_same_bits(found, unrecorded_step(model, seed))


def test_a_backward_pass_on_another_thread():
    model = trained(network())
    model.zero_grad()
    output = model(batch(3))
    assert is_recorded(output)
    thread = threading.Thread(target=output.sum().backward)
    thread.start()
    thread.join()
    found = gradients(model)
    model.zero_grad()
    model(batch(3)).sum().backward()
    for array, right in zip(found, gradients(model), strict=True):
        assert array.tobytes() == right.tobytes()


def test_a_backward_pass_on_another_thread_computes_with_the_values_of_the_forward_pass():
    output = trained(model := network())(batch(0))
    assert is_recorded(output)
    model.head.bias.data *= 2  # the network is computed again there
    errors = []

    def backward():
        try:
            output.sum().backward()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=backward)
    thread.start()
    thread.join()
    assert "changed after the forward pass" in errors[0]


def test_two_threads_record_for_themselves():
    models = [network(), network()]
    found = [None, None]

    def train(number):
        for seed in range(2 * STEPS):
            found[number] = step(models[number], seed)

    both = [threading.Thread(target=train, args=(number,)) for number in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    expected = unrecorded_step(network(), 2 * STEPS - 1)
    for one in found:
        assert one[0]
        assert_same_bits(one, expected)


def test_a_recording_keeps_no_network_alive():
    model = trained(network())
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert len(recorded_pass._own.networks) == 0


def test_gradients_are_complete_one_after_the_other():
    model = trained(network())
    output = model(batch(0))
    assert is_recorded(output)
    runs, complete = [], []
    parts = output.creator.recorded._backward
    for chain, _ in parts:
        chain._parts.insert(0, lambda arrays: runs.append(len(complete)))
    try:
        engine.backpropagate(output.creator, np.ones_like(output.data), complete.append)
    finally:
        for chain, _ in parts:
            del chain._parts[0]
    assert [id(p) for p in complete] == [id(p) for _, parameters in parts for p in parameters]
    assert {id(p) for p in complete} == {id(p) for p in model.parameters()}
    assert complete[0] in model.head.parameters()
    assert runs == sorted(set(runs))  # each chain after the gradients of the one before were given on


@pytest.mark.ci
def test_ctrl_c_at_any_moment_leaves_passes_that_are_right():
    modules = (recorded_pass, call_chain, chain_memory, recording, scratch, function, engine)
    expected = unrecorded_step(network(), 90)
    for ready in (False, True):
        moment = 0
        while True:
            model = network()
            for seed in range(recorded_pass.SEEN_BEFORE + ready):
                step(model, seed)
            try:
                if not interrupt(lambda: step(model, 90), moment, modules):  # noqa: B023
                    break
            except KeyboardInterrupt:
                assert not has_overrides()
                assert scratch.scratch_memory().used == 0
                for _ in range(2):
                    assert_same_bits(step(model, 90), expected)
            moment += 301
        assert moment > 1000
