"""Foreign weights: the named tensors in a file of another program, a safetensors file or one of `torch.save`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minunet.checkpoints.container import KEY, LARGEST_HEADER, LENGTH
from minunet.checkpoints.tensor_table import METADATA, read_table
from minunet.errors import UserError
from minunet.exchange.torch_pickle import StoredTensor, decode_numbers, read_torch_pickle
from minunet.files.reading import open_regular
from minunet.wording import join_names, shorten

# Under which a checkpoint has its weights beside other things.
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "ema")
DEEPEST = 4  # dictionaries within each other that are searched for weights


@dataclass
class ForeignWeights:
    """What is in a file.

    Attributes
    ----------
    tensors : dict of str to ndarray or StoredTensor
        By their names.
    others : dict of str to object
        Plain values beside the tensors.
    metadata : dict of str to str
        Of a safetensors file.
    """

    tensors: dict[str, np.ndarray | StoredTensor]
    others: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    def array(self, path: Path, name: str) -> np.ndarray:
        """A tensor as float32; a UserError where it holds no numbers, or such as float32 doesn't have."""
        tensor = self.tensors[name]
        try:
            values = tensor.array() if isinstance(tensor, StoredTensor) else tensor
        except MemoryError:
            raise
        except Exception as error:  # a damaged zip file raises almost anything
            raise UserError(
                f"{path}: the tensor '{shorten(name, 80)}' is damaged ({shorten(error)}); copy it again."
            ) from error
        with np.errstate(over="ignore"):
            numbers = values.astype(np.float32)
        if values.dtype.kind not in "fiu" or not np.isfinite(numbers).all():
            raise UserError(
                f"{path}: the tensor '{shorten(name, 80)}' holds NaN, infinity or no numbers; give another file."
            )
        return numbers

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return self.tensors[name].shape


def read_foreign_weights(path: Path) -> ForeignWeights:
    """Read a file of weights; its format is recognised by its first bytes.

    Raises
    ------
    UserError
        If it is missing or damaged, of neither format, or holds more than tensors and plain values.
    """
    try:
        with open_regular(path) as file:
            start = file.read(LENGTH + 1)
            length = int.from_bytes(start[:LENGTH], "little")
            if start[LENGTH:] == b"{" and length <= LARGEST_HEADER:
                return _safetensors(path, b"{" + file.read(length - 1), length, file.read())
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; check the path.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if not start:
        raise UserError(f"{path}: this file is empty; copy it again.")
    return _of_pickle(path, read_torch_pickle(path))


def _safetensors(path: Path, header: bytes, length: int, data: bytes) -> ForeignWeights:
    try:
        if len(header) != length:
            raise ValueError("its header ends early")
        entries = json.loads(header.decode("utf-8"))
        table = read_table(entries, len(data))
        tensors: dict[str, np.ndarray | StoredTensor] = {}
        for name, entry in table.items():
            begin, end = entries[name]["data_offsets"]
            if entry.dtype in ("float8", "complex64"):
                raise ValueError(f"the tensor '{shorten(name, 80)}' holds {entry.dtype}")
            tensors[name] = decode_numbers(data[begin:end], entry.dtype).reshape(entry.shape)
        metadata = {str(key): str(value) for key, value in (entries.get(METADATA) or {}).items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise UserError(
            f"{path}: this safetensors file is damaged or cut off ({shorten(error)}); copy it again."
        ) from error
    return ForeignWeights(tensors, metadata=metadata)


def _of_pickle(path: Path, loaded: Any) -> ForeignWeights:
    """The weights in what was pickled: a dictionary of tensors, or one that is an entry of it or of one of its entries.

    The one that is least deep is taken: an optimizer has its tensors further down. Tensors that are no weights may be beside it,
    such as the loss.
    """
    level: dict[tuple[str, ...], Any] = {(): loaded}  # by the names that lead there
    seen: set[int] = set()  # a dictionary may be in several places, or within itself
    for _ in range(DEEPEST):
        mappings: dict[tuple[str, ...], Mapping[Any, Any]] = {}
        for names, value in level.items():
            if isinstance(value, Mapping) and id(value) not in seen:
                seen.add(id(value))
                mappings[names] = value
        if networks := [names for names, value in mappings.items() if _has_weights(value)]:
            return _split(mappings[_chosen(path, networks)])
        level = {(*names, str(name)): inner for names, value in mappings.items() for name, inner in value.items()}
    if isinstance(loaded, Mapping) and any(isinstance(value, StoredTensor) for value in loaded.values()):
        return _split(loaded)  # of another network
    listed = join_names(shorten(name, 40) for name in loaded) if isinstance(loaded, Mapping) else ""
    found = f" (it has {listed})" if listed else ""
    raise UserError(
        f"{path}: this file holds no weights of convolutions{found}; in PyTorch, save the weights alone: "
        "torch.save(model.state_dict(), FILE)."
    )


def _split(loaded: Mapping[Any, Any]) -> ForeignWeights:
    tensors: dict[str, np.ndarray | StoredTensor] = {
        str(name): value for name, value in loaded.items() if isinstance(value, StoredTensor)
    }
    return ForeignWeights(
        tensors, {str(name): value for name, value in loaded.items() if not isinstance(value, StoredTensor)}
    )


def _has_weights(value: Any) -> bool:
    """Whether it is a dictionary of tensors, with one of a convolution among them."""
    return isinstance(value, Mapping) and any(
        isinstance(tensor, StoredTensor) and len(tensor.shape) == 4 for tensor in value.values()
    )


def _chosen(path: Path, networks: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The only one of several networks, or the one under the most usual name."""
    ranks = [WRAPPERS.index(names[-1]) if names[-1:] and names[-1] in WRAPPERS else len(WRAPPERS) for names in networks]
    best = [names for names, rank in zip(networks, ranks, strict=True) if rank == min(ranks)]
    if len(best) == 1:
        return best[0]
    listed = join_names(shorten(".".join(names), 40) for names in best)
    entry = "".join(f"['{shorten(name, 40)}']" for name in best[0])
    raise UserError(
        f"{path}: this file holds the weights of several networks ({listed}); in PyTorch, save one of them: "
        f"torch.save(torch.load(FILE){entry}, OTHER)."
    )


def own_document(weights: ForeignWeights) -> dict[str, Any] | None:
    """The document that minunet wrote into the header of the file; None where it didn't."""
    try:
        document = json.loads(weights.metadata[KEY])
    except (KeyError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
