"""Small pyramids for the tests: OME-Zarr folders of both formats, and tiled TIFF files."""

import json

import numpy as np
import tifffile

APERIO = "Aperio Image Library v11.2.1 \r\n{}x{} [0,0 {}x{}] (64x64) JPEG/RGB Q=70|AppMag = 40|MPP = 0.2500"


def picture(height=100, width=130, channels=3, seed=0):
    """An image in which no two regions are equal, smooth enough for JPEG; (H, W) with one channel."""
    coarse = np.random.default_rng(seed).integers(0, 256, (-(-height // 8), -(-width // 8), channels), np.uint8)
    image = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    return image[..., 0] if channels == 1 else image


def write_ome_zarr(
    path, image, axes="tczyx", zarr_format=2, levels=2, unit="micrometer", chunk=64, side=0.25, attributes=None
):
    """An OME-Zarr of an image (H, W) or (H, W, C); returns its levels as arrays."""
    import zarr

    layers = image[..., None] if image.ndim == 2 else image
    made, datasets = [], []
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    for k in range(levels):
        layer = layers[:: 2**k, :: 2**k]
        made.append(layer[..., 0] if image.ndim == 2 else layer)
        shape = {"c": layer.shape[2], "y": layer.shape[0], "x": layer.shape[1]}
        stored = layer.transpose([axis for axis in map("yxc".find, axes) if axis >= 0] if "c" in axes else (0, 1, 2))
        array = group.create_array(
            str(k),
            shape=[shape.get(axis, 1) for axis in axes],
            chunks=[min(chunk, shape[axis]) if axis in "yx" else 1 for axis in axes],
            dtype=image.dtype,
            chunk_key_encoding={"name": "v2", "separator": "/"} if zarr_format == 2 else None,
        )
        array[...] = stored.reshape(array.shape)
        scale = [side * 2**k if axis in "yx" else 1.0 for axis in axes]
        datasets.append({"path": str(k), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    kinds = {"t": "time", "c": "channel"}
    described = [
        {"name": axis, "type": kinds.get(axis, "space"), **({"unit": unit} if axis in "zyx" and unit else {})}
        for axis in axes
    ]
    scales = (
        {"multiscales": [{"version": "0.4", "axes": described, "datasets": datasets}]}
        if attributes is None
        else attributes
    )
    group.attrs.update(scales if zarr_format == 2 else {"ome": {"version": "0.5", **scales}})
    return made


def write_tiled(path, image, levels=3, **options):
    """A TIFF of tiles with smaller copies: as pages, or in a file named .ome.tif as sub-directories; returns its levels."""
    made = [np.ascontiguousarray(image[:: 2**k, :: 2**k]) for k in range(levels)]
    options = {"tile": (64, 64), "photometric": "rgb" if image.ndim == 3 else "minisblack", **options}
    ome, svs = path.name.endswith(".ome.tif"), path.suffix == ".svs"
    with tifffile.TiffWriter(path, bigtiff=options.pop("bigtiff", False)) as file:
        for k, layer in enumerate(made):
            stored = np.moveaxis(layer, -1, 0) if options.get("planarconfig") == "separate" else layer
            extra = {"subifds": levels - 1} if ome and not k else {"subfiletype": 1} if ome else {"metadata": None}
            if svs:
                extra["description"] = APERIO.format(*image.shape[1::-1], *layer.shape[1::-1])
            file.write(stored, **options, **extra)
            if svs and not k:  # as every slide has one
                file.write(picture(40, 48, seed=5), photometric="rgb", metadata=None, description="Aperio thumbnail")
    return made


def write_ndpi(path, image, levels=3):
    """A slide as Hamamatsu's scanners write it: a TIFF whose directories have places of 64 bits; returns its levels."""
    made = [np.ascontiguousarray(image[:: 2**k, :: 2**k]) for k in range(levels)]
    with tifffile.TiffWriter(path) as file:
        for k, layer in enumerate(made):
            options = {"resolution": (40000 / 2**k, 40000 / 2**k), "resolutionunit": "CENTIMETER", "metadata": None}
            tags = [(65420, "I", 1, 1, True), (65421, "f", 1, 40 / 2**k, True)]
            file.write(layer, photometric="rgb", compression="jpeg", rowsperstrip=len(layer), extratags=tags, **options)
    data, directories = bytearray(path.read_bytes()), []
    place = int.from_bytes(data[4:8], "little")
    while place:
        end = place + 2 + 12 * int.from_bytes(data[place : place + 2], "little")
        directories.append(bytes(data[place:end]))
        place = int.from_bytes(data[end : end + 4], "little")
    slot = 4  # where the place of the next directory is written
    for directory in directories:
        data[slot : slot + 8] = len(data).to_bytes(8, "little")
        slot = len(data) + len(directory)
        data += directory + bytes(8) + bytes((len(directory) - 2) // 3)  # four more bytes for each entry
    path.write_bytes(data)
    return made


def metadata_of(path):
    """The metadata file of an OME-Zarr, and its content."""
    file = path / ("zarr.json" if (path / "zarr.json").exists() else ".zattrs")
    return file, json.loads(file.read_text())
