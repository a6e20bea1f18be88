"""The two checkpoints of a run: its best model, and its last state, from which it can be resumed."""

from __future__ import annotations

import os
from typing import Any

from minunet.checkpoints.model_writing import write_model
from minunet.checkpoints.pretrained import PRETRAINED
from minunet.checkpoints.training_state import load_state, save_state
from minunet.data.training_images import TrainingImages
from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.runs.run_folder import RunFolder
from minunet.runs.setting_checks import DATA_PATHS, MAY_CHANGE
from minunet.runs.stored_progress import differing, read_progress
from minunet.runs.train_config import TrainConfig
from minunet.training.events import EpochRecord, TrainingProgress
from minunet.wording import join_names, shorten


class CheckpointFiles:
    """Writes the checkpoints of a model in training, and restores it.

    Parameters
    ----------
    config : TrainConfig
    folder : RunFolder
    model : UNet
    optimizer : Adam or SGD
    """

    def __init__(self, config: TrainConfig, folder: RunFolder, model: UNet, optimizer: Any):
        self.config, self.folder, self.model, self.optimizer = config, folder, model, optimizer
        self.preprocessing = config.preprocessing()
        self.training_images: TrainingImages | None = None

    def restore(self, steps: int) -> TrainingProgress:
        """Copy the last state, if there is one, into model and optimizer; returns its progress.

        Where the run is to have more epochs than when it was stopped, `config` then says how it was made longer.

        Parameters
        ----------
        steps : int
            Steps in an epoch.

        Raises
        ------
        UserError
            If the file cannot be used, or has more epochs than the run is to have.
        """
        if not os.path.lexists(self.folder.last):
            return TrainingProgress()
        state = load_state(self.folder.last, self.model, self.optimizer)
        try:
            progress = read_progress(state, self.config.monitor)
            self.config = self.config.extend(state.config, progress.step / steps)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise UserError(
                f"{self.folder.last}: this state was not written by minunet.train, or is damaged ({shorten(error)}); "
                "start a new run."
            ) from error
        others = differing(state.architecture, self.model.config, ())
        others += differing(state.config, self.config.to_dict(), (*DATA_PATHS, *MAY_CHANGE, "extended"))
        if others:
            raise UserError(
                f"{self.folder.last}: this state is of a training with other settings than {self.folder.config} has "
                f"({join_names(dict.fromkeys(others))}); restore the file that was changed, or start a new run."
            )
        if progress.epoch > self.config.epochs:
            raise UserError(
                f"--epochs {self.config.epochs}: this run has done {progress.epoch} epochs already; give more, or start a new run."
            )
        return progress

    def save_best(self, record: EpochRecord) -> None:
        """Write model.safetensors, with the record of the epoch as its metrics."""
        # The file may be given to others, so it does not contain the paths of the data on this machine.
        settings = {name: value for name, value in self.config.to_dict().items() if name not in DATA_PATHS}
        if settings.get("init", PRETRAINED) != PRETRAINED:
            settings["init"] = os.path.basename(settings["init"])
        metrics = {"validation": record.to_dict()}
        write_model(
            self.folder.model,
            self.model,
            self.preprocessing,
            metrics=metrics,
            extra={"training": settings},
            training_images=self.training_images,
            outputs=self.config.outputs,
        )

    def save_last(self, progress: TrainingProgress) -> None:
        """Write last.safetensors."""
        save_state(
            self.folder.last,
            self.model,
            self.optimizer,
            epoch=progress.epoch,
            step=progress.step,
            config=self.config,
            history=[record.to_dict() for record in progress.history],
            preprocessing=self.preprocessing,
            extra={
                "progress": progress.to_dict(),
                "warnings": [warning.to_dict() for warning in progress.warnings],
            },
            training_images=self.training_images,
            outputs=self.config.outputs,
        )

    def describe(self, progress: TrainingProgress) -> str:
        """A sentence about the model that was saved."""
        if not progress.best_epoch:
            return f"No epoch was finished; {self.folder.path} holds no model."
        return f"{self.folder.model} holds the best model so far, of epoch {progress.best_epoch}."
