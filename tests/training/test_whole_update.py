"""The update of all parameters by each rank: the numbers of an optimizer that has the gradients of the whole batch."""

import numpy as np

from minunet import Tensor
from minunet.nn.optim import SGD
from minunet.ranks import Ranks
from minunet.training.gradient_sum import GradientSum
from minunet.training.micro_batches import MicroBatches
from minunet.training.shared_update import update_for
from minunet.training.whole_update import WholeUpdate


def test_the_sum_of_the_gradients_is_clipped_and_taken():
    p = Tensor([1.0, 2.0], requires_grad=True)
    optimizer, division = SGD([p], lr=1.0, momentum=0.5), MicroBatches(1, 0, 1)
    gradients = GradientSum([p], division, Ranks())
    update = update_for(optimizer, gradients, Ranks())
    assert isinstance(update, WholeUpdate)
    gradients.begin(2)
    for part in ([3.0, 0.0], [3.0, 16.0]):  # of one example each: their mean is (3, 8)
        p.grad = np.array(part, np.float32)
        gradients.complete(p)
        gradients.end_part()
    gradients.end()
    gradients.finish(2)
    update.take_gradients()
    assert np.isclose(update.clip(73**0.5 / 2), 73**0.5)
    update.step()
    update.complete_state()
    np.testing.assert_allclose(p.data, [1 - 1.5, 2 - 4], rtol=1e-6)
    np.testing.assert_allclose(optimizer.state["velocity"][0], [1.5, 4], rtol=1e-6)
