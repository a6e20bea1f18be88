"""The training loop: a step for each batch, and a validation after each epoch. It reads no files or flags, and prints nothing.

Callbacks get a record of each event. `TrainingProgress` holds what a resumed training needs to go on exactly.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minunet.data.batches import Batches, ImageBatch
from minunet.data.outputs import Outputs
from minunet.fused.fused_step import BatchArrays
from minunet.fused.step_plan import Loss, StepPlan
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.metrics import ConfusionCounts, SegmentationMetrics, count_examples
from minunet.inference.scoring import BatchSource, score
from minunet.nn.module import Module
from minunet.nn.optim import Optimizer
from minunet.ranks import Ranks
from minunet.training.divergence import Diverged, Exploded
from minunet.training.divided_step import DividedResult, DividedStep
from minunet.training.events import Callback, EpochRecord, StartRecord, StepRecord, TrainingProgress
from minunet.training.step import make_step
from minunet.training.watch import TrainingWatch
from minunet.training.watch_failure import explain_step, explain_validation
from minunet.training.watch_record import TrainingWarning
from minunet.training.watch_rules import slower

# The measures that an epoch's record has as val_...
VALIDATION_MEASURES = ("dice", "iou", "precision", "recall", "accuracy", "keras_accuracy", "baseline")

# Numbers that are too large or no numbers are looked for after each step and each validation, and said in one sentence; NumPy's
# warnings on the way there, several for one cause, would only stand beside it.
_SILENT = partial(np.errstate, over="ignore", invalid="ignore", divide="ignore")


class Interrupted(KeyboardInterrupt):
    """Training stopped early, on request or by Ctrl-C, after the callbacks were called.

    Attributes
    ----------
    resumable : bool
        Whether the callbacks could save a state to resume from.
    """

    def __init__(self, resumable: bool):
        super().__init__()
        self.resumable = resumable


class _StopRequested(KeyboardInterrupt):
    pass


class Trainer:
    """A training, from the first step or from `progress` to the last.

    Parameters
    ----------
    model : Module
        Called with a Tensor (N, H, W, C), it returns logits (N, H, W, channels).
    optimizer : Adam or SGD
        Over the model's parameters.
    schedule : callable
        The learning rate of a step, counted from 0.
    loss : callable
        Takes logits and target; returns a scalar Tensor that is a mean over images.
    training, validation : BatchSource
    epochs : int
    monitor : {"dice", "loss"}
        The validation measure that makes an epoch the best: the highest Dice, or the lowest loss.
    plan : StepPlan, optional
        The machine, of training and validation, and the clipping of gradients; None is the CPU without clipping.
    callbacks : sequence of Callback
        Called in this order.
    progress : TrainingProgress, optional
        Of a training to resume; the model and the optimizer must have the state that belongs to it.
    watch : TrainingWatch, optional
        Looks at the training after each epoch; what it notices goes to `on_warning` of the callbacks. Without it nothing is looked
        at, and an exploded loss does not end the training.
    outputs : Outputs, optional
        Of the model; one logit, cell or not, unless given. The measures are those of cell against background.
    micro_batch : int, optional
        Samples whose gradients are computed together (see `minunet.training.micro_batches`); by default those of a batch.
    ranks : Ranks, optional
        Processes that share out the micro-batches and the validation, each with such a Trainer. Then there is a `micro_batch`,
        the sources are `minunet.data.batches.Batches`, and what rank 0 decides holds for all: callbacks and a watch of the others
        would do everything again.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        schedule: Callable[[int], float],
        loss: Loss,
        training: BatchSource,
        validation: BatchSource,
        *,
        epochs: int,
        monitor: str = "dice",
        plan: StepPlan | None = None,
        callbacks: Sequence[Callback] = (),
        progress: TrainingProgress | None = None,
        watch: TrainingWatch | None = None,
        outputs: Outputs | None = None,
        micro_batch: int | None = None,
        ranks: Ranks | None = None,
    ):
        if monitor not in ("dice", "loss"):
            raise ValueError(f'monitor {monitor!r} is not known; choose "dice" or "loss"')
        self.model, self.optimizer, self.schedule, self.loss = model, optimizer, schedule, loss
        plan = StepPlan() if plan is None else plan
        self.ranks = Ranks() if ranks is None else ranks
        self.step = make_step(model, optimizer, loss, plan, outputs, micro_batch=micro_batch, ranks=self.ranks)
        self.forward_pass = ForwardPass(model, plan.machine)
        self.training, self.validation = training, validation
        self.epochs, self.monitor = epochs, monitor
        self.outputs = Outputs() if outputs is None else outputs
        self.callbacks = list(callbacks)
        self.progress = TrainingProgress() if progress is None else progress
        self.watch = watch
        self._stop_requested = False
        self._resumable = True

    def request_stop(self) -> None:
        """Stop after the current step; safe to call from a signal handler."""
        self._stop_requested = True

    def fit(self) -> TrainingProgress:
        """Train until the last epoch is done.

        Raises
        ------
        Interrupted
            After a requested stop, or a KeyboardInterrupt.
        Diverged
            If the loss or the gradient is no longer finite, and nothing was saved after that. As its subclass `Exploded`, if the
            watch finds the loss so large that it is not worth going on.
        """
        self._emit("on_start", StartRecord(self.epochs, len(self.training), self.progress.step))
        try:
            self._stop_if_hopeless()
            while self.progress.epoch < self.epochs:
                self._train()
                self._finish_epoch(*self._validate())
                self._stop_if_hopeless()
                self._stop_if_requested()
        except KeyboardInterrupt as error:
            # A second Ctrl-C, after a stop was requested, means "at once": there is no time for saving. Of several ranks one alone
            # has not the whole state.
            requested = isinstance(error, _StopRequested)
            resumable = self._resumable and (requested or not self._stop_requested and self.ranks.size == 1)
            if requested:
                self._complete_state()
            self._emit("on_interrupt", resumable)
            raise Interrupted(resumable) from error
        except Exception as error:
            if isinstance(error, Diverged) and not isinstance(error, Exploded):
                lr = self.optimizer.lr if self.watch is None else self.watch.lr
                self._warn(TrainingWarning("not finite", error.epoch, f"{error}: {slower(lr)}"))
            self._emit("on_interrupt", False)
            raise
        self._emit("on_end")
        return self.progress

    def _train(self) -> None:
        """The rest of the current epoch."""
        progress = self.progress
        self.model.train()
        started, spent = time.perf_counter(), progress.seconds
        for batch, next_batch in self._batches():
            lr = self._step(batch, next_batch)
            progress.seconds = spent + time.perf_counter() - started
            record = StepRecord(
                epoch=progress.epoch + 1,
                batch=progress.batch,
                step=progress.step,
                loss=progress.loss / max(1, progress.images),
                dice=progress.overlap.dice,
                lr=lr,
            )
            self._emit("on_step", record)
            self._stop_if_requested()

    def _batches(self) -> Iterator[tuple[ImageBatch, BatchArrays | None]]:
        """The rest of the current epoch: each batch and, for a step that prefetches, the arrays of the one after it."""
        if self.ranks.size > 1:
            yield from ((batch, None) for batch in self._shared_batches())
            return
        batches = self.training.epoch(self.progress.epoch, self.progress.batch)
        if not self.step.prefetches:
            yield from ((batch, None) for batch in batches)
            return
        batch = next(batches, None)
        while batch is not None:
            next_batch = next(batches, None)
            yield batch, None if next_batch is None else next_batch[:2]
            batch = next_batch

    def _shared_batches(self) -> Iterator[ImageBatch]:
        """The samples of this rank, of each batch of the rest of the current epoch."""
        assert isinstance(self.training, Batches) and isinstance(self.step, DividedStep)
        progress, step = self.progress, self.step
        sizes = self.training.batch_sizes(progress.epoch)
        batches = self.training.epoch(progress.epoch, progress.batch, share=step.division.samples)
        for batch in batches:
            step.samples = sizes[progress.batch]
            yield batch

    def _step(self, batch: ImageBatch, next_batch: BatchArrays | None) -> float:
        """One optimizer step; returns its learning rate."""
        progress, (images, masks, _) = self.progress, batch
        self.optimizer.lr = lr = self.schedule(progress.step)
        with _SILENT():
            result = self.step(images, masks, next_batch=next_batch, before_update=self._before_update)
        for value, what in ((result.loss, "loss"), (result.norm, "gradient")):
            if value is not None and not math.isfinite(value):
                where = self._explain(batch, gradient=what == "gradient")
                error = Diverged(progress.epoch + 1, progress.batch + 1, len(self.training), value, lr, what, where)
                raise self.ranks.of_all(error)
        progress.step += 1
        progress.batch += 1
        if isinstance(result, DividedResult):
            examples, overlap = result.examples, result.overlap
        else:
            cells = self.outputs.cell_target(masks)
            assert result.predicted is not None  # as its numbers are finite
            examples, overlap = count_examples(cells), ConfusionCounts.over_counted(result.predicted, cells)
        progress.images += examples
        progress.loss += result.loss * examples
        progress.overlap += overlap
        self._resumable = True
        return lr

    def _explain(self, batch: ImageBatch, *, gradient: bool) -> str:
        """Where the numbers of a step stop being finite, which only rank 0 says."""
        if not self.ranks.is_first:
            return ""
        if self.ranks.size > 1:  # the whole batch, not a share of it
            batch = next(self.training.epoch(self.progress.epoch, self.progress.batch))
        images, masks, samples = batch
        names = [sample.name for sample in samples]
        return explain_step(self.model, self.loss, images, masks, names, gradient=gradient)

    def _before_update(self) -> None:
        self._resumable = False

    def _validate(self) -> tuple[SegmentationMetrics, float, float]:
        """The measures and the loss over the validation images, and the seconds that this took."""
        started = time.perf_counter()
        with _SILENT():
            metrics, loss = score(
                self.forward_pass,
                self.validation,
                self.loss,
                self._stop_if_requested if self.ranks.size == 1 else lambda: None,
                outputs=self.outputs,
                ranks=self.ranks,
            )
        self._stop_if_requested()
        if not math.isfinite(loss):
            where = explain_validation(self.model, self.loss, self.validation) if self.ranks.is_first else ""
            error = Diverged(self.progress.epoch + 1, 0, len(self.training), loss, self.optimizer.lr, where=where)
            raise self.ranks.of_all(error)
        return metrics, loss, time.perf_counter() - started

    def _finish_epoch(self, metrics: SegmentationMetrics, loss: float, seconds: float) -> None:
        progress, measured = self.progress, metrics.result()
        value = loss if self.monitor == "loss" else measured["dice"]
        best = progress.best_value is None or (
            value < progress.best_value if self.monitor == "loss" else value > progress.best_value
        )
        record = EpochRecord(
            epoch=progress.epoch + 1,
            step=progress.step,
            lr=self.optimizer.lr,
            train_loss=progress.loss / max(1, progress.images),
            train_dice=progress.overlap.dice,
            train_iou=progress.overlap.iou,
            val_loss=loss,
            **{f"val_{name}": measured[name] for name in VALIDATION_MEASURES},
            seconds=progress.seconds + seconds,
            best=best,
        )
        said = progress.warnings
        warnings = [] if self.watch is None else self.watch.warnings([*progress.history, record], said)
        # An interruption from here on finds the files of the epoch half written: only what was saved before can be used.
        self._resumable = False
        progress.epoch += 1
        progress.begin_epoch()
        progress.history.append(record)
        progress.warnings = [
            *said,
            *warnings,
        ]  # before the state is saved, so that a resumed training does not repeat them
        if best:
            progress.best_epoch, progress.best_value = record.epoch, value
        self._complete_state()
        self._emit("on_epoch_end", record)
        for warning in warnings:
            self._emit("on_warning", warning)
        self._resumable = True

    def _complete_state(self) -> None:
        """Bring the state of the optimizer together, of which each rank has a share."""
        if isinstance(self.step, DividedStep):
            self.step.complete_state()

    def _warn(self, warning: TrainingWarning) -> None:
        self.progress.warnings = [*self.progress.warnings, warning]
        self._emit("on_warning", warning)

    def _stop_if_hopeless(self) -> None:
        """End a training whose loss has exploded, unless it has done its last epoch: the best model can still be tested then."""
        left = self.progress.epoch < self.epochs
        hopeless = left and self.watch is not None and self.watch.is_hopeless(self.progress.history)
        if self.ranks.share(hopeless):
            raise self.ranks.of_all(Exploded(self.progress.history[-1], len(self.training)))

    def _stop_if_requested(self) -> None:
        if self.ranks.share(self._stop_requested):
            raise self.ranks.of_all(_StopRequested())

    def _emit(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(*arguments)
