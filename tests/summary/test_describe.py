"""The table that `minunet.describe` prints."""

import sys

import numpy as np
import pytest

import minunet
from minunet.fused.step_memory import step_memory
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from tests.cuda_on_cpu.shim import cupy_on_cpu
from tests.fused.example_step import fused_plan


def test_rows_follow_the_order_of_execution_and_count_each_parameter_once():
    model = minunet.UNet(base_channels=4, depth=2, variant="classic")
    table = minunet.describe(model, (2, 16, 24, 1))
    assert table.parameters == sum(p.size for p in model.parameters())
    assert table.rows[0][:3] == ("contraction.0.convs.0", "conv2d", (2, 16, 24, 4))
    forward = [row[0] for row in table.rows if row[1] in ("conv2d", "conv_transpose2d")]
    named = [name.removesuffix(".weight") for name, _ in model.named_parameters() if name.endswith(".weight")]
    assert forward == named
    backward = [row[0] for row in table.rows if row[1] in ("conv2d_grads", "conv_transpose2d_grads")]
    assert backward == named[::-1]


def test_the_algorithm_is_the_one_that_runs():
    model = minunet.UNet(base_channels=4, depth=1)
    with minunet.kernels.dispatch.prefer("reference"):
        table = minunet.describe(model, (1, 8, 8, 1), gradients=False)
    assert {row[4] for row in table.rows} == {"reference"}


def test_without_gradients_it_lists_what_a_prediction_calls():
    model = minunet.UNet(base_channels=4, depth=1)
    called = []

    def noting(primitive, args):
        candidate = primitive.choose(*args)
        called.append((primitive.name, candidate.name))
        return candidate.run(*args)

    with minunet.no_grad(), minunet.kernels.dispatch.intercept_calls(noting):
        model(np.zeros((1, 8, 8, 1), np.float32))
    table = minunet.describe(model, (1, 8, 8, 1), gradients=False)
    assert [(row[1], row[4]) for row in table.rows] == called
    assert ("max_pool2d_values", "pooling_2x2") in called


def test_text_is_a_table_with_one_line_per_row_and_the_total():
    model = minunet.UNet(base_channels=2, depth=1)
    table = minunet.describe(model, (1, 8, 8, 1))
    lines = str(table).splitlines()
    assert lines[0].split()[0] == "layer"
    assert len(lines) == len(table.rows) + 3
    assert lines[-1] == f"{table.parameters:,} parameters"


def test_it_leaves_the_model_as_it_was():
    model = minunet.UNet(base_channels=2, depth=1)
    grads = [np.ones_like(p.data) for p in model.parameters()]
    for p, grad in zip(model.parameters(), grads, strict=True):
        p.grad = grad
    minunet.describe(model, (1, 8, 8, 1))
    assert all(p.grad is grad and (grad == 1).all() for p, grad in zip(model.parameters(), grads, strict=True))


@pytest.fixture
def gpu(monkeypatch):
    """Makes models land "on a GPU" of some capability, where nothing may be allocated or run from then on."""

    def there(model, capability="90", sm_90a=False):
        host = cupy_on_cpu.install(monkeypatch, capability)
        host.sm_90a = sm_90a
        model.to("cuda")

        def refused(*arguments, **options):
            assert arguments == (1,), "the device was asked to do something"  # one element asks whether a GPU answers

        for name in ("empty", "launch", "prepare"):
            monkeypatch.setattr(host, name, refused)
        for name in ("empty", "zeros", "ones", "asarray"):
            monkeypatch.setattr(sys.modules["cupy"], name, refused, raising=False)
        return model

    return there


def operations(table):
    return {row[1] for row in table.rows}


@pytest.mark.parametrize("sm_90a", [False, True])
def test_on_a_gpu_it_says_first_what_the_fused_step_takes(gpu, sm_90a):
    model = gpu(minunet.UNet(base_channels=64, depth=1, variant="classic"), sm_90a=sm_90a)
    own = [p.data for p in model.parameters()]
    table = minunet.describe(model, (2, 32, 48, 1))
    device = MetaLauncher(None if sm_90a else "the test does without wgmma")
    memory = step_memory(model, (2, 32, 48, 1), device, fused_plan("bf16", 1.0))
    first = str(table).splitlines()[0]
    assert (
        first
        == table.heading
        == (
            f"training in bf16: each step is one CUDA graph, in {memory.total / 1e6:.1f} MB (arena {memory.arena / 1e6:.1f}, "
            f"parameters and moments {memory.weights / 1e6:.1f}, batches on their way {memory.batches / 1e6:.1f})"
        )
    )
    assert operations(table) == {"forward", "forward again", "input gradient", "weight gradient"}
    assert table.parameters == sum(p.size for p in own)
    forward = [row[0] for row in table.rows if row[1] == "forward"]
    assert forward == [name.removesuffix(".weight") for name, _ in model.named_parameters() if name.endswith("weight")]
    assert any(row[4].startswith("sm_90a wgmma") for row in table.rows) == sm_90a
    assert all(p.data is array for p, array in zip(model.parameters(), own, strict=True))


def test_on_a_gpu_each_precision_is_as_train_takes_it(gpu):
    model = gpu(minunet.UNet(base_channels=8, depth=1, variant="classic"))
    assert minunet.describe(model, (2, 16, 16, 1), "auto").heading == minunet.describe(model, (2, 16, 16, 1)).heading
    assert minunet.describe(model, (2, 16, 16, 1), "tf32").heading.startswith("training in tf32: each step is one CUDA")
    table = minunet.describe(model, (2, 16, 16, 1), "fp32")
    assert table.heading == "training in fp32, op by op: the fused kernels compute in bf16 or tf32"
    assert {row[4] for row in table.rows} == {"cuda"} and "conv2d_grads" in operations(table)
    assert table.parameters == sum(p.size for p in model.parameters())
    # Sides that the network must continue: why there is no step, and what runs on tensor cores all the same.
    table = minunet.describe(model, (2, 15, 16, 1), "bf16")
    assert table.heading.startswith(
        "training in tf32, op by op: the fused step needs images whose sides are multiples of 2"
    )
    assert {row[4] for row in table.rows if row[1].startswith("conv")} == {"cuda-tensor-cores"}


def test_on_a_gpu_predictions_have_a_pass_at_any_size(gpu):
    model = gpu(minunet.UNet(base_channels=8, depth=2))
    table = minunet.describe(model, (2, 15, 17, 1), gradients=False)
    assert table.heading.startswith("prediction in tf32: the forward pass is one CUDA graph, in ")
    assert operations(table) == {"forward"} and table.rows[0][2] == (2, 16, 20, 8)


def test_on_a_gpu_what_is_no_unet_runs_op_by_op(gpu):
    model = gpu(minunet.nn.Sequential(minunet.nn.Conv2d(3, 8, 3, padding=1), minunet.nn.ReLU()))
    table = minunet.describe(model, (1, 8, 8, 3))
    assert table.heading == "training in tf32, op by op: the fused kernels are those of a UNet, not of a Sequential"
    assert [row[4] for row in table.rows] == ["cuda-tensor-cores", "cuda", "cuda", "cuda-tensor-cores"]


def test_an_old_gpu_has_no_fused_step(gpu):
    model = gpu(minunet.UNet(base_channels=8, depth=1), capability="75")
    heading = minunet.describe(model, (1, 8, 8, 1)).heading
    assert (
        heading
        == "training in fp32, op by op: the fused kernels compute in bf16 or tf32, for which this GPU has no tensor cores"
    )
    with pytest.raises(ValueError, match=r"precision \"bf16\": this needs a GPU of compute capability 8\.0 or newer"):
        minunet.describe(model, (1, 8, 8, 1), "bf16")


def test_what_cannot_be_described_is_refused(gpu):
    model = minunet.UNet(base_channels=8, depth=1)
    assert minunet.describe(model, (1, 8, 8, 1), "fp32") == minunet.describe(model, (1, 8, 8, 1))
    with pytest.raises(ValueError, match='precision "tf32": the CPU computes only in fp32'):
        minunet.describe(model, (1, 8, 8, 1), "tf32")
    with pytest.raises(ValueError, match='precision "half" is not known; choose one of auto, fp32, tf32, bf16'):
        minunet.describe(model, (1, 8, 8, 1), "half")
    gpu(model)
    for shape in ((1, 8, 8, 3), (8, 8, 1), (1, 0, 8, 1)):
        with pytest.raises(ValueError, match="UNet: x must have shape"):
            minunet.describe(model, shape)


@pytest.mark.parametrize("shape", [(1, -4, 4, 1), (1, 4.0, 4, 1), "1441", None, 4, (1, True, 4, 1)])
def test_what_is_no_shape_is_refused(shape):
    with pytest.raises(ValueError, match="describe: input_shape must be whole numbers such as"):
        minunet.describe(minunet.UNet(base_channels=4, depth=1), shape)
