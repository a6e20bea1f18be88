"""The final test of a training run: its best model scored on the test images, with the settings of cells that suit it.

The scores are written to metrics.json and, with the settings, into the model file; the predictions are drawn.
"""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.cell_packages import missing_packages
from minunet.cells.cell_choice import CellChoice
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.cli.console import FileProgressBar
from minunet.data.batches import Batches
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.split import Split
from minunet.files.json_files import write_json
from minunet.fused.step_plan import Loss
from minunet.inference.cell_calibration import calibrate_cells
from minunet.inference.class_scores import ClassScores
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.scoring import score
from minunet.kernels.machine import Machine
from minunet.runs.memory_plan import peak_so_far
from minunet.runs.run_folder import RunFolder
from minunet.runs.run_pictures import draw_predictions
from minunet.training.events import TrainingProgress
from minunet.version import __version__


@dataclass(frozen=True)
class FinalTest:
    """The test of the best model of a run.

    Parameters
    ----------
    folder : RunFolder
        Holds the best model.
    split : Split
    batches : Batches
        Of the test images.
    preprocessing : Preprocessing
    loss : callable
        Of logits and target.
    machine : Machine
    bar : bool
        Whether to show progress on stderr.
    """

    folder: RunFolder
    split: Split
    batches: Batches
    preprocessing: Preprocessing
    loss: Loss
    machine: Machine
    bar: bool

    def run(self, progress: TrainingProgress) -> tuple[dict[str, Any], CellChoice | None]:
        """Test the best model of a training, and write the files.

        Parameters
        ----------
        progress : TrainingProgress
            Of the training that has ended.

        Returns
        -------
        result : dict
            The content of metrics.json.
        choice : CellChoice or None
            The settings of cells; None without the packages for cells, or without cells.
        """
        folder, machine = self.folder, self.machine
        best = progress.history[progress.best_epoch - 1]
        model = load_model(folder.model, machine.device, machine.precision)
        classes = ClassScores(model.outputs.classes) if model.outputs.classes else None

        def count_classes(logits: np.ndarray, targets: np.ndarray) -> None:
            if classes is not None:
                classes.update(model.outputs.class_index(logits), targets[..., 0])

        metrics, loss = score(model.forward_pass, self.batches, self.loss, outputs=model.outputs, observe=count_classes)
        pooled, rows = metrics.result(), metrics.per_image()
        result = {
            "test": pooled,
            "test_mean_over_images": metrics.mean(),
            "test_trained_loss": loss,
            "test_images": rows,
            "warnings": [warning.to_dict() for warning in progress.warnings],
            "validation": best.to_dict(),
            "best_epoch": best.epoch,
            "epochs": progress.epoch,
            "seconds": sum(record.seconds for record in progress.history),
            "parameters": sum(math.prod(parameter.shape) for parameter in model.model.parameters()),
            "peak_memory_bytes": peak_so_far(),
            "device": machine.device,
            "precision": machine.precision,
            "threads": machine.threads,
            "versions": {"minunet": __version__, "numpy": np.__version__, "python": platform.python_version()},
            "platform": platform.platform(),
        }
        if classes is not None:
            result |= {"test_classes": classes.result(), "test_mean_class_dice": classes.mean_dice()}
        choice = self._choose_cells(model)
        if choice is not None:
            result["cells"] = {**choice.to_dict(), "validation_counts": choice.counts}
        write_model(
            folder.model,
            model.model,
            self.preprocessing,
            metrics={**model.metrics, "test": pooled},
            extra=model.extra,
            cell_choice=choice,
            training_images=model.training_images,
            outputs=model.outputs,
        )
        draw_predictions(folder.predictions, model, self.split.test, {str(row["name"]): row for row in rows})
        write_json(folder.metrics, result)
        return result, choice

    def _choose_cells(self, model: LoadedModel) -> CellChoice | None:
        """The settings of cells that suit the validation images; None without the packages for cells, or without cells."""
        if missing_packages() is not None:
            return None
        with FileProgressBar("choosing the settings of cells", show=self.bar) as progress:
            return calibrate_cells(model, self.split.validation, progress)
