"""What a run keeps of itself on disk: its best model, and its latest state to go on from."""

from __future__ import annotations

from typing import Any

from minunet.checkpoints.model_file import save_model
from minunet.checkpoints.training_state import load_state, save_state
from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.runs.config import TrainConfig
from minunet.runs.run_folder import RunFolder
from minunet.runs.setting_checks import DATA_PATHS
from minunet.training.events import EpochRecord, TrainingProgress


class CheckpointFiles:
    """Saves and restores a model in training.

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

    def restore(self) -> TrainingProgress:
        """Put the latest state, if there is one, into model and optimizer; returns how far it had come.

        Raises
        ------
        UserError
            Where the file is unusable, or the run is longer already than it shall be.
        """
        if not self.folder.last.is_file():
            return TrainingProgress()
        state = load_state(self.folder.last, self.model, self.optimizer)
        try:
            progress = TrainingProgress.from_dict(state.extra["progress"], state.history)
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{self.folder.last}: this state was not written by minunet.train ({error}); start a new run."
            ) from error
        if progress.epoch > self.config.epochs:
            raise UserError(
                f"--epochs {self.config.epochs}: this run has {progress.epoch} epochs behind it; give more, or start a new run."
            )
        return progress

    def save_best(self, record: EpochRecord) -> None:
        """Write model.safetensors, with the epoch's record as its metrics."""
        # The file is made to be handed on: where the data lay on this machine is nobody's business.
        settings = {name: value for name, value in self.config.to_dict().items() if name not in DATA_PATHS}
        metrics = {"validation": record.to_dict()}
        save_model(self.folder.model, self.model, self.preprocessing, metrics=metrics, extra={"training": settings})

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
            extra={"progress": progress.to_dict()},
        )

    def kept(self, progress: TrainingProgress) -> str:
        """A sentence on what there is to use."""
        if not progress.best_epoch:
            return f"No epoch was finished; {self.folder.path} holds no model."
        return f"{self.folder.model} holds the best model so far, of epoch {progress.best_epoch}."
