"""Times the inference of the classic U-Net in TensorRT, where it is installed, from the ONNX file that minunet exports.

Written against TensorRT 10; it has not run yet.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from typing import Any

import numpy as np

import minunet
from minunet.data.reading.preprocessing import Preprocessing

PRECISIONS = ("bf16", "tf32")


def tensorrt_inference(shape: tuple[int, int, int, int], config: dict[str, Any], rounds: int = 15) -> dict[str, Any]:
    """Milliseconds of a forward pass for images (N, H, W, C) on the device, in each precision; or why it was skipped."""
    missing = [name for name in ("tensorrt", "onnx") if importlib.util.find_spec(name) is None]
    if missing:
        return {"skipped": f"{' and '.join(missing)} not installed"}
    from minunet.exchange.onnx_model import onnx_model
    from minunet.inference.loaded_model import LoadedModel

    preprocessing = Preprocessing(channels="grey" if shape[3] == 1 else "rgb")
    network = onnx_model(LoadedModel(minunet.UNet(shape[3], 1, **config), preprocessing), any_size=False)
    return {
        f"tensorrt inference {precision}": _measure(network.SerializeToString(), shape, precision, rounds)
        for precision in PRECISIONS
    }


def _measure(network: bytes, shape: tuple[int, int, int, int], precision: str, rounds: int) -> dict[str, float]:
    import cupy
    import tensorrt

    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    definition = builder.create_network(0)
    parser = tensorrt.OnnxParser(definition, logger)
    if not parser.parse(network):
        raise RuntimeError(str(parser.get_error(0)))
    settings = builder.create_builder_config()
    settings.set_flag(getattr(tensorrt.BuilderFlag, precision.upper()))
    batch, height, width, channels = shape
    fixed = (batch, channels, height, width)
    profile = builder.create_optimization_profile()
    profile.set_shape(definition.get_input(0).name, fixed, fixed, fixed)
    settings.add_optimization_profile(profile)
    engine = tensorrt.Runtime(logger).deserialize_cuda_engine(builder.build_serialized_network(definition, settings))
    context = engine.create_execution_context()
    images = cupy.asarray(np.random.default_rng(0).random(fixed, np.float32))
    probability = cupy.empty((batch, 1, height, width), np.float32)
    names = [engine.get_tensor_name(k) for k in range(engine.num_io_tensors)]
    context.set_input_shape(names[0], fixed)
    for name, array in zip(names, (images, probability), strict=True):
        context.set_tensor_address(name, array.data.ptr)
    stream = cupy.cuda.Stream(non_blocking=True)
    times = []
    for k in range(rounds + 5):
        began = time.perf_counter()
        context.execute_async_v3(stream.ptr)
        stream.synchronize()
        if k >= 5:
            times.append(1e3 * (time.perf_counter() - began))
    return {"ms": statistics.median(times), "bytes": float(engine.device_memory_size_v2)}
