"""The names that users and their scripts rely on: all there, with the promised signatures, and cheap to import."""

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import minunet

NAMES = {
    "": "Tensor no_grad gradcheck functional nn optim UNet ConvNet where maximum minimum fit load_model save_model "
    "set_num_threads get_num_threads describe __version__",
    "functional": "conv2d conv_transpose2d max_pool2d avg_pool2d sum_pool2d relu tanh sigmoid softmax linear flatten concat pad "
    "upsample2d dropout binary_cross_entropy binary_cross_entropy_with_logits cross_entropy dice_loss",
    "nn": "Module Parameter Sequential Conv2d ConvTranspose2d Linear MaxPool2d AvgPool2d SumPool2d ReLU Tanh Sigmoid Softmax "
    "Flatten Dropout UNet ConvNet",
    "optim": "Adam SGD",
    "Tensor": "backward detach item sum mean max min reshape transpose pad "
    "exp log sqrt abs clip __getitem__ __iter__ __eq__ __ne__ __lt__ "
    "__le__ __gt__ __ge__ __abs__ __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ "
    "__rtruediv__ __pow__ __rpow__ __matmul__ __rmatmul__ __neg__",
    "nn.Module": "parameters named_parameters named_modules state_dict load_state_dict train eval to features",
    "optim.Adam": "step zero_grad state_dict load_state_dict",
    "optim.SGD": "step zero_grad state_dict load_state_dict",
}
SIGNATURES = {
    "Tensor": "(data, requires_grad=False)",
    "Tensor.backward": "(self, grad=None)",
    "Tensor.clip": "(self, min=None, max=None)",
    "Tensor.max": "(self, axis=None, keepdims=False)",
    "Tensor.min": "(self, axis=None, keepdims=False)",
    "Tensor.pad": "(self, pad_width, value=0.0)",
    "where": "(condition, a, b)",
    "maximum": "(a, b)",
    "minimum": "(a, b)",
    "gradcheck": "(fn, inputs, *, eps=1e-06, atol=1e-05, rtol=0.001)",
    "functional.conv2d": "(x, weight, bias=None, *, stride=1, padding=0, activation=None)",
    "functional.conv_transpose2d": "(x, weight, bias=None, *, stride=2, padding=0)",
    "functional.max_pool2d": "(x, kernel_size=2, stride=None, padding=0)",
    "functional.avg_pool2d": "(x, kernel_size=2, stride=None, padding=0, count_include_pad=True)",
    "functional.sum_pool2d": "(x, kernel_size=2, stride=None, padding=0)",
    "functional.softmax": "(x, axis=-1)",
    "functional.linear": "(x, weight, bias=None)",
    "functional.concat": "(tensors, axis=-1)",
    "functional.pad": "(x, pad_width, value=0.0)",
    "functional.upsample2d": "(x, scale=2)",
    "functional.dropout": "(x, p, rng, training)",
    "functional.binary_cross_entropy": "(p, target, weight=None)",
    "functional.binary_cross_entropy_with_logits": "(logits, target, weight=None)",
    "functional.cross_entropy": "(logits, labels)",
    "functional.dice_loss": "(logits, target)",
    "optim.Adam": "(params, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0)",
    "optim.SGD": "(params, lr, momentum=0.0)",
    "UNet": "(in_channels=1, out_channels=1, *, base_channels=64, depth=4, variant='paper', activation='relu', pooling='max', "
    "block_end_relu=True, rng=None)",
}


def find(path):
    value = minunet
    for part in filter(None, path.split(".")):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("place", NAMES)
def test_every_name_is_there(place):
    missing = [name for name in NAMES[place].split() if not hasattr(find(place), name)]
    assert not missing


@pytest.mark.parametrize("path", SIGNATURES)
def test_signatures(path):
    signature = inspect.signature(find(path))
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    assert str(inspect.Signature(bare)) == SIGNATURES[path]


@pytest.mark.parametrize("place", ["", "functional", "nn"])
def test_what_is_exported_exists_and_is_documented(place):
    module = find(place)
    for name in module.__all__:
        value = getattr(module, name)
        if callable(value):
            assert value.__doc__, name


@pytest.mark.parametrize("name", ["minunet.functional", "minunet.nn", "minunet.optim"])
def test_the_parts_can_be_imported_by_name(name):
    assert importlib.import_module(name) is find(name.removeprefix("minunet."))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'minunet' has no attribute 'UNett'"):
        minunet.UNett  # noqa: B018
    assert set(minunet.__all__) <= set(dir(minunet))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("relu", "it is minunet.functional.relu"),
        ("Conv2d", "it is minunet.nn.Conv2d"),
        ("Adam", "it is minunet.optim.Adam"),
        ("log", "it is a method of tensors, x.log"),
    ],
)
def test_a_name_of_another_place_is_found(name, place):
    with pytest.raises(AttributeError, match=f"module 'minunet' has no attribute '{name}'; {place}$"):
        getattr(minunet, name)


def test_importing_the_package_imports_nothing_heavy_and_no_device():
    code = (
        "import sys; before = set(sys.modules); import minunet\n"
        "heavy = {'cupy', 'torch', 'PIL', 'matplotlib', 'skimage', 'safetensors', 'tqdm', 'threadpoolctl', 'scipy'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in set(sys.modules) - before}))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "[]"


MODULES = [name for _, name, _ in pkgutil.walk_packages(minunet.__path__, "minunet.")]


@pytest.mark.parametrize("name", ["minunet", *MODULES])
def test_modules_say_what_they_are_and_their_examples_run(name):
    if name == "minunet.exchange.torch_unet":  # a module for PyTorch, which minunet writes but does not use
        pytest.importorskip("torch")
    module = importlib.import_module(name)
    if module is minunet.describe:  # the function, whose examples are those of its own module
        return
    assert module.__doc__
    assert doctest.testmod(module).failed == 0
