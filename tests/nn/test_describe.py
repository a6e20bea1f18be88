"""The table that `minunet.describe` prints."""

import numpy as np

import minunet


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
