"""Layout advice: how an array of another shape becomes a batch of images (N, H, W, C), for the errors that refuse it."""

from __future__ import annotations

COLOUR = (1, 3, 4)  # usual numbers of channels: grey, RGB, RGBA


def layout_advice(shape: tuple[int, ...], channels: int | None = None) -> str:
    """The end of a sentence on an x of a wrong shape, as in the example; "" where nothing is likely.

    Parameters
    ----------
    shape : tuple of int
        Of the array that was given as x.
    channels : int, optional
        That the operation takes; None where it takes any number.

    Examples
    --------
    >>> layout_advice((3, 8, 10), 3)
    '; its channels seem to come first: np.moveaxis(x, 0, -1)[None] has shape (1, 8, 10, 3)'
    """
    if len(shape) not in (2, 3, 4) or min(shape) < 1:
        return ""
    text, shape, reasons = "x", tuple(shape), []
    usual = COLOUR if channels is None else (channels, *COLOUR)
    first = len(shape) - 3
    if (
        first >= 0
        and shape[-1] not in usual
        and shape[first] in usual
        and not (first == 0 and channels == shape[0] == 1)
    ):
        reasons.append("its channels seem to come first")
        text, shape = f"np.moveaxis({text}, {first}, -1)", (*shape[:first], *shape[first + 1 :], shape[first])
    elif first == 1 and channels is not None and shape[-1] != channels == shape[1]:
        reasons.append("its channels seem to come first")
        text, shape = f"np.moveaxis({text}, 1, -1)", (shape[0], *shape[2:], shape[1])
    if len(shape) == 2 or (len(shape) == 3 and shape[-1] not in usual):
        reasons.append("it has no axis for the channels")
        text, shape = f"{text}[..., None]", (*shape, 1)
    if channels is not None and shape[-1] != channels:
        if shape[-1] not in COLOUR or channels not in (1, 3):
            return ""
        if shape[-1] == 4:
            reasons.append("the fourth channel of RGBA is transparency")
            text, shape = f"{text}[..., :3]", (*shape[:-1], 3)
        if channels == 1 and shape[-1] == 3:
            reasons.append("a network of one channel takes grey images")
            text = f"{text}.mean(axis=-1, keepdims=True)"
        elif channels == 3 and shape[-1] == 1:
            reasons.append("a network of three channels takes colours")
            text = f"np.repeat({text}, 3, axis=-1)"
        shape = (*shape[:-1], channels)
    if len(shape) == 3:
        if not reasons:
            reasons.append("one image is a batch of one")
        text, shape = f"{text}[None]", (1, *shape)
    return f"; {', and '.join(reasons)}: {text} has shape {shape}" if reasons else ""
