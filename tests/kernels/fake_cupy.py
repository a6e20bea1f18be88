"""A stand-in for CuPy on NumPy: its arrays refuse to meet NumPy's, as CuPy's do, and anything from `numpy` refuses them.

Code that runs on it asks `array_module` everywhere and moves nothing between devices unasked. It knows no CUDA.
"""

import operator
import types

import numpy as np


class ndarray:
    """An array "on the GPU"; like CuPy's it is 0-d where NumPy's functions give scalars."""

    __hash__ = None

    def __init__(self, values):
        self._values = np.asarray(values)

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, *args, **kwargs):
        raise TypeError("a function of NumPy was called with an array of the GPU")

    def __array_function__(self, *args, **kwargs):
        raise TypeError("a function of NumPy was called with an array of the GPU")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._values, name)
        if isinstance(value, np.ndarray):
            return ndarray(value)  # .T
        return _on_device(value) if callable(value) and name not in ("item", "tolist") else value

    def __getitem__(self, index):
        return ndarray(self._values[_unwrap(index)])

    def __setitem__(self, index, value):
        self._values[_unwrap(index)] = _unwrap(value)

    def __len__(self):
        return len(self._values)

    def __bool__(self):
        return bool(self._values)

    def __float__(self):
        return float(self._values)


def _unwrap(value):
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, ndarray):
        return value._values
    if isinstance(value, (tuple, list)):
        return type(value)(_unwrap(item) for item in value)
    return value


def _on_device(function):
    def run(*args, **kwargs):
        result = function(*_unwrap(args), **{name: _unwrap(value) for name, value in kwargs.items()})
        return ndarray(result) if isinstance(result, (np.ndarray, np.generic)) else result

    return run


def _binary(name):
    def run(self, other):
        return ndarray(getattr(operator, name)(self._values, _unwrap(other)))

    def reflected(self, other):
        return ndarray(getattr(operator, name)(_unwrap(other), self._values))

    def in_place(self, other):
        self._values[...] = getattr(operator, name)(self._values, _unwrap(other)).astype(self._values.dtype)
        return self

    return run, reflected, in_place


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul", "floordiv", "mod", "and_", "or_"):
    _short = _name.rstrip("_")
    _run, _reflected, _in_place = _binary(_name)
    setattr(ndarray, f"__{_short}__", _run)
    setattr(ndarray, f"__r{_short}__", _reflected)
    setattr(ndarray, f"__i{_short}__", _in_place)
for _name in ("lt", "le", "eq", "ne", "gt", "ge"):
    setattr(ndarray, f"__{_name}__", _binary(_name)[0])


def _unary(name):
    return lambda self: ndarray(getattr(operator, name)(self._values))


for _name in ("neg", "invert", "abs"):
    setattr(ndarray, f"__{_name}__", _unary(_name))


class _Module(types.ModuleType):
    ndarray = ndarray

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(np, name)
        return _on_device(value) if callable(value) and not isinstance(value, type) else value

    @staticmethod
    def asarray(value, dtype=None, order=None):
        values = value._values if isinstance(value, ndarray) else np.array(value)
        converted = np.asarray(values, dtype=dtype, order=order)
        return value if isinstance(value, ndarray) and converted is values else ndarray(converted)

    @staticmethod
    def array(value, dtype=None, order="K", copy=True):
        return ndarray(
            np.array(value._values if isinstance(value, ndarray) else value, dtype=dtype, order=order, copy=copy)
        )

    @staticmethod
    def asnumpy(value):
        return value._values.copy()


def module(*, devices=1):
    """The module to put in place of `cupy`; `devices` is a number, or the exception that asking for it raises."""

    def device_count():
        if isinstance(devices, Exception):
            raise devices
        return devices

    made = _Module("cupy")
    made.synchronised = []
    stream = types.SimpleNamespace(synchronize=lambda: made.synchronised.append(True))
    made.cuda = types.SimpleNamespace(
        runtime=types.SimpleNamespace(getDeviceCount=device_count), get_current_stream=lambda: stream
    )
    return made
