"""The trained model: a `LoadedModel` that is saved into a file, and scored on images whose masks are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel
from minunet.nn.unet import UNet
from minunet.wording import count_noun

if TYPE_CHECKING:
    from pathlib import Path

    from minunet.data.pairs import Survey


class TrainedModel(LoadedModel):
    """A trained model, ready to predict; `minunet.fit` and `minunet.load_model` make it.

    Attributes
    ----------
    model : UNet
        In evaluation mode.
    preprocessing : Preprocessing
        Turns an image into the model's input.
    metrics : dict
        The scores of the model when it was saved.
    config : dict
        The architecture: `UNet(**config)` builds it.
    extra : dict
        Other values stored with the model, such as the training configuration.
    path : Path or None
        The file it came from.
    machine : Machine
        The device and the precision; `to` changes them.
    cell_choice : CellChoice or None
        How cells are cut out, chosen at the end of the training; None for models of older versions.
    training_images : TrainingImages or None
        How the images look that the model was trained on; None for models of older versions.
    outputs : Outputs
        What the channels of the network's logits mean.

    Examples
    --------
    >>> import numpy as np
    >>> model = TrainedModel(UNet(base_channels=2, depth=1), Preprocessing())  # of a network that a program has trained
    >>> model.predict(np.zeros((30, 40), np.uint8)).shape
    (30, 40)
    """

    def save(self, path: str | Path) -> Path:
        """Write the model into a file, which `minunet.load_model` and every command read.

        Parameters
        ----------
        path : str or Path
            Such as "cells.safetensors"; written completely or not at all. An existing file is replaced.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UserError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> model = TrainedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/cells.safetensors").name
        'cells.safetensors'
        """
        return save_model(self, path)

    def evaluate(
        self, images: Any, masks: Any = None, *, native: bool = False, diameter: float | None = None
    ) -> dict[str, Any]:
        """The scores of the model on images whose masks are known.

        Nothing is known of where the images come from: on those of the training the scores are too good.

        Parameters
        ----------
        images, masks
            As for `minunet.fit`: lists or arrays, or folders; one folder may hold both.
        native : bool
            Score pixels at the images' own size, not at that of the model's input. Cells always are at the images' own.
        diameter : float, optional
            Of the cells in all images, as for `predict`; pixels are then scored at the images' own size.

        Returns
        -------
        dict
            As metrics.json of `python -m minunet.evaluate`: "all_pixels" (Dice, IoU, precision, recall, accuracy, loss of all
            pixels together), "mean_over_images", "cells" (F1, AP, panoptic quality, AJI, count error; None without the packages for
            cells), "native_pixels", "classes" (for a model with classes the scores of each, and "mean_class_dice"), and "images", a
            dictionary for each image with its name.

        Raises
        ------
        UserError
            With everything that cannot be read, and where the masks do not fit the way in which those of the training were read.

        Examples
        --------
        >>> import numpy as np
        >>> image = np.zeros((40, 40), np.uint8)
        >>> image[10:25, 8:30] = 200
        >>> model = TrainedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> scores = model.evaluate([image, image.T], [image > 100, image.T > 100])
        >>> 0 <= scores["all_pixels"]["dice"] <= 1
        True
        """
        # Prediction needs nothing of this, and should not wait until it is imported.
        import tempfile
        from pathlib import Path

        from minunet.data.given_images import is_path, write_given
        from minunet.data.pairs import survey

        if is_path(images) and (masks is None or is_path(masks)):
            data = {"data": images} if masks is None else {"images": images, "masks": masks}
            return self._scores(survey(**data, contents=False), native, diameter)
        if masks is None or is_path(images) or is_path(masks):
            raise UserError("images and masks: give two lists of the same length, two folders, or one that holds both.")
        with tempfile.TemporaryDirectory(prefix="minunet-") as folder:
            places = write_given(images, masks, Path(folder))
            found = survey(None, images=str(places[0]), masks=str(places[1]), contents=False)
            return self._scores(found, native, diameter)

    def _scores(self, found: Survey, native: bool, diameter: float | None) -> dict[str, Any]:
        from minunet.cell_packages import missing_packages
        from minunet.data.reading.mask_choice import MaskChoice
        from minunet.inference.evaluation_reading import model_for_masks
        from minunet.inference.scored_pairs import score_pairs

        pairs = list(found.require().pairs)
        model, _ = model_for_masks(self, pairs, MaskChoice())
        scores = score_pairs(model, pairs, cells=not missing_packages(), native=native, diameter=diameter)
        of_cells = scores.cells_of_images()
        return {
            **scores.totals(),
            "images": [{**row, **of_cells.get(str(row["name"]), {})} for row in scores.pixels.per_image()],
        }


def save_model(
    model: LoadedModel | UNet,
    path: str | Path,
    *,
    preprocessing: Preprocessing | None = None,
    outputs: Outputs | None = None,
) -> Path:
    """Write a model into a file, which `minunet.load_model` and every command read.

    Parameters
    ----------
    model : TrainedModel or UNet
        What `minunet.fit` or `minunet.load_model` returned; or a network that was trained by a program.
    path : str or Path
        Such as "cells.safetensors"; written completely or not at all. An existing file is replaced.
    preprocessing : Preprocessing, optional
        For a UNet: how an image becomes its input. By default images keep their size, and become grey for a network of one
        channel and rgb for one of three.
    outputs : Outputs, optional
        For a UNet: what the channels of its logits mean; one logit, cell or not, unless given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        If the file cannot be written, or a network has channels for which there is no default.
    TypeError
        If it is no model.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(UNet(3, base_channels=2, depth=1), f"{folder}/cells.safetensors").name
    'cells.safetensors'
    """
    from minunet.checkpoints.model_writing import write_model  # prediction does not need it

    if isinstance(model, UNet):
        return write_model(
            path, model, preprocessing or _default_preprocessing(model), outputs=_fitting_outputs(model, outputs)
        )
    if not isinstance(model, LoadedModel):
        raise TypeError(
            f"save_model: a model is what minunet.fit or load_model returned, or a UNet, not {type(model).__name__}"
        )
    if preprocessing is not None or outputs is not None:
        raise UserError("preprocessing and outputs: this model has its own; leave them out.")
    return write_model(
        path,
        model.model,
        model.preprocessing,
        metrics=model.metrics,
        extra=model.extra,
        cell_choice=model.cell_choice,
        training_images=model.training_images,
        outputs=model.outputs,
    )


def _default_preprocessing(model: UNet) -> Preprocessing:
    channels = {1: "grey", 3: "rgb"}.get(model.config["in_channels"])
    if channels is None:
        raise UserError(
            f"a network of {model.config['in_channels']} channels: give preprocessing=Preprocessing(channels='0,1'), with the "
            "channels of an image that it takes."
        )
    return Preprocessing(channels=channels)


def _fitting_outputs(model: UNet, outputs: Outputs | None) -> Outputs:
    outputs = outputs or Outputs()
    if model.config["out_channels"] != outputs.channels:
        raise UserError(
            f"a network of {count_noun(model.config['out_channels'], 'output channel')}: give outputs=Outputs(...), which says "
            f"what they mean; {'one logit' if outputs == Outputs() else outputs} has {outputs.channels}."
        )
    return outputs
