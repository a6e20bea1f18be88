"""An update that ranks share: the bits of one process, a rank for each value, a state that is whole when it is asked for."""

import numpy as np
import pytest

from minunet.autograd.tensor import Tensor
from minunet.nn.optim import SGD, Adam
from minunet.training import gradient_sum, shared_memory
from minunet.training.gradient_sum import GradientSum
from minunet.training.micro_batches import MicroBatches
from minunet.training.shared_update import SharedUpdate, can_share, update_for
from minunet.training.whole_update import WholeUpdate
from tests.mpi_programs import run_ranks
from tests.threads_as_ranks import in_ranks, thread_window, values_of

SHAPES = [(3, 3, 8, 16), (7,), (41, 700), (1,), (3, 3, 32, 40), ()]  # two of them have several leaves
OPTIMIZERS = {
    "Adam": lambda params: Adam(params, lr=0.01),
    "Adam with decay": lambda params: Adam(params, lr=0.01, weight_decay=0.1, eps=1e-3),
    "SGD": lambda params: SGD(params, lr=0.1),
    "SGD with momentum": lambda params: SGD(params, lr=0.1, momentum=0.9),
}


def make_parameters():
    rng = np.random.default_rng(3)
    return [Tensor(rng.standard_normal(shape).astype(np.float32), requires_grad=True) for shape in SHAPES]


def add_gradients(gradients, parameters, batch, division, samples=8):
    gradients.begin(samples)
    for part in division.own(samples):
        for place in reversed(range(len(SHAPES))):
            rng = np.random.default_rng((batch, part, place))
            parameters[place].grad = np.asarray(rng.standard_normal(SHAPES[place]), np.float32)
            gradients.complete(parameters[place])
        gradients.end_part()
    gradients.end()
    gradients.finish(samples)


def updated(ranks, make, *, limit=None, steps=3):
    """Parameters, state, norms, and the shares of the state before it is brought together."""
    parameters = make_parameters()
    division = MicroBatches(1, ranks.rank, ranks.size)
    gradients = GradientSum(parameters, division, ranks, bucket=30_000)
    optimizer = make(parameters)
    update = update_for(optimizer, gradients, ranks)
    assert isinstance(update, SharedUpdate if ranks.size > 1 else WholeUpdate)
    norms = []
    for batch in range(steps):
        optimizer.lr = 0.1 / (batch + 1)
        add_gradients(gradients, parameters, batch, division)
        update.take_gradients()
        norms += [] if limit is None else [update.clip(limit)]
        update.step()
    before = {name: np.concatenate([a.reshape(-1) for a in arrays]) for name, arrays in optimizer.state.items()}
    update.complete_state()
    return [p.data for p in parameters], optimizer.state_dict(), norms, before


@pytest.fixture(params=["messages", "shared memory"])
def way(request, monkeypatch):
    if request.param == "shared memory":
        monkeypatch.setattr(shared_memory, "allocate_window", thread_window)
        monkeypatch.setattr(gradient_sum, "fits_shared_memory", lambda ranks, size: True)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("name", "ranks"), [("Adam", 2), ("Adam with decay", 8), ("SGD", 3), ("SGD with momentum", 3)])
def test_any_number_of_ranks_gives_the_same_bits(name, ranks):
    make = OPTIMIZERS[name]
    ((parameters, state, norms, _),) = values_of(in_ranks(1, lambda own: updated(own, make, limit=2.0)))
    assert min(norms) > 2.0  # so that gradients are scaled
    for found, own_state, own_norms, _ in values_of(in_ranks(ranks, lambda own: updated(own, make, limit=2.0))):
        assert [array.tobytes() for array in found] == [array.tobytes() for array in parameters]
        assert own_norms == norms
        assert own_state.keys() == state.keys()
        assert all(np.array_equal(own_state[key], state[key]) for key in state)


@pytest.mark.usefixtures("way")
def test_the_state_of_a_resumed_training_is_whole_before_its_first_step():
    def work(ranks):
        parameters = make_parameters()
        optimizer = SGD(parameters, lr=0.1, momentum=0.9)
        optimizer.state["velocity"][1] += 3
        gradients = GradientSum(parameters, MicroBatches(1, ranks.rank, ranks.size), ranks)
        SharedUpdate(optimizer, gradients, ranks).complete_state()
        return [array.sum() for array in optimizer.state["velocity"]]

    assert values_of(in_ranks(2, work)) == [[0, 21, 0, 0, 0, 0]] * 2


def test_each_value_is_updated_by_one_rank():
    shares = [before for _, _, _, before in values_of(in_ranks(3, lambda own: updated(own, OPTIMIZERS["Adam"])))]
    for name in ("exp_avg", "exp_avg_sq"):
        changed = np.array([share[name] != 0 for share in shares])
        assert (changed.sum(axis=0) == 1).all()
        assert changed.sum(axis=1).max() < 0.5 * changed.shape[1]


def test_a_norm_that_is_not_finite_scales_nothing_on_any_rank():
    def work(ranks):
        parameters = make_parameters()
        division = MicroBatches(1, ranks.rank, ranks.size)
        gradients = GradientSum(parameters, division, ranks)
        update = SharedUpdate(SGD(parameters, lr=1.0), gradients, ranks)
        add_gradients(gradients, parameters, 0, division)
        if ranks.rank == 1:
            gradients.buckets[0].total[-1] = np.inf
        before = gradients.buckets[0].total.copy()
        norm = update.clip(1e-3)
        return norm, np.array_equal(gradients.buckets[0].total, before)

    assert values_of(in_ranks(2, work)) == [(np.inf, True)] * 2


def test_an_optimizer_that_mixes_values_is_not_shared():
    class Normalising:
        def step(self):
            for p in self.params:
                p.grad /= np.abs(p.grad).max()
            super().step()

    class Normalised(SGD):
        step = Normalising.step

    class Renamed(SGD):
        pass

    class Mixed(Normalising, SGD):
        pass

    class Whole(Renamed):
        is_elementwise = False

    class Other(Whole):
        pass

    kinds = SGD, Renamed, Normalised, Mixed, Whole, Other

    def work(ranks):
        parameters = make_parameters()
        return [can_share(kind(parameters, 0.1), ranks) for kind in kinds]

    assert values_of(in_ranks(2, work)) == [[True, True, False, False, False, False]] * 2
    assert values_of(in_ranks(1, work)) == [[False] * 6]


def test_a_step_that_was_replaced_is_not_shared():
    def work(ranks):
        optimizer = SGD(make_parameters(), 0.1)
        optimizer.step = optimizer.step  # as by a program that counts the calls
        return can_share(optimizer, ranks)

    assert values_of(in_ranks(2, work)) == [False] * 2


def test_parameters_of_two_dtypes_are_updated_by_every_rank():
    def work(ranks):
        parameters = [Tensor(np.ones(3, dtype), requires_grad=True) for dtype in (np.float32, np.float64)]
        return [can_share(SGD(given, 0.1), ranks) for given in (parameters, parameters[1:])]

    assert values_of(in_ranks(2, work)) == [[False, True]] * 2


BOTH_WAYS = """\
import hashlib, sys
import numpy as np
from minunet.ranks import Ranks, find_ranks
from minunet.training import gradient_sum
from minunet.training.gradient_exchange import MessageExchange
from minunet.training.shared_memory import FOLDER, SharedMemoryExchange
from tests.training.test_shared_update import OPTIMIZERS, updated

def digest(ranks):
    parameters, state, norms, _ = updated(ranks, OPTIMIZERS["Adam with decay"], limit=2.0)
    arrays = [*parameters, *(np.asarray(state[key]) for key in sorted(state)), np.array(norms)]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()

ranks, used, connect = find_ranks(), [], gradient_sum.GradientSum._connect

def connected(self, *arguments):
    connect(self, *arguments)
    used.append(type(self.buckets[0].exchange))

gradient_sum.GradientSum._connect = connected
found = ranks.gather(digest(ranks))
gradient_sum.fits_shared_memory = lambda ranks, size: False
found += ranks.gather(digest(ranks))
assert used == [SharedMemoryExchange if FOLDER.is_dir() else MessageExchange, MessageExchange]
if ranks.is_first:
    print(*{digest(Ranks()), *found})
"""


@pytest.mark.ci
def test_mpi_gives_these_bits_in_shared_memory_and_with_messages():
    done = run_ranks(3, program=BOTH_WAYS)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 1
