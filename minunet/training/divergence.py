"""Divergence: the errors by which a training ends whose loss or gradient is no longer finite, or has become far too large."""

from __future__ import annotations

from minunet.training.events import EpochRecord


class Diverged(ArithmeticError):
    """The loss, or the gradient, is no longer finite.

    Attributes
    ----------
    epoch, batch, batches : int
        Where it happened, from 1; `batch` is 0 for the validation after the epoch.
    value, lr : float
    what : str
        What has that value: the loss, or the norm of the gradient.
    where : str
        The layer and the images at which it begins, as a clause; empty where that is not known.
    """

    def __init__(
        self, epoch: int, batch: int, batches: int, value: float, lr: float, what: str = "loss", where: str = ""
    ):
        self.epoch, self.batch, self.batches, self.value, self.lr, self.what = epoch, batch, batches, value, lr, what
        self.where = where
        moment = f"step {batch} of {batches}" if batch else "validation"
        clause = f" ({where})" if where else ""
        super().__init__(
            f"the {what} became {value:.3g} in epoch {epoch}, {moment}, at a learning rate of {lr:.3g}{clause}"
        )


class Exploded(Diverged):
    """The loss is finite, but so large that the training is not worth going on with.

    Parameters
    ----------
    record : EpochRecord
        Of the last epoch.
    batches : int
        In an epoch.
    """

    def __init__(self, record: EpochRecord, batches: int):
        super().__init__(record.epoch, 0, batches, max(record.train_loss, record.val_loss), record.lr)
        self.args = (
            f"the training was ended after epoch {self.epoch}: its loss has grown to {self.value:.3g}, and none recovers from that",
        )
