"""The memory limit of a training: what is chosen for it, in which order, and what is said where nothing fits."""

from dataclasses import replace

import pytest

from minunet.runs.memory_limit import (
    OverMemoryLimit,
    check_weights,
    describe_choice,
    fit_settings,
    rounded_down,
    rounded_up,
)
from minunet.runs.train_config import TrainConfig

MB = 10**6


def peak(config, enough=None):
    """100 MB, and for each image of 256x256 at base 16 another 100 MB, or 70 where activations are computed again."""
    height, width = config.height_and_width
    share = height * width / 256**2 * config.base_channels / 16
    return 100 * MB + config.batch_size * share * (70 if config.recompute else 100) * MB


def limited(megabytes, **settings):
    return TrainConfig(max_memory=megabytes * MB, **settings)


@pytest.mark.parametrize(
    ("megabytes", "batch_size", "recompute"),
    [(900, 8, False), (899, 8, True), (660, 8, True), (659, 4, False), (499, 4, True), (299, 2, True), (170, 1, True)],
)
def test_less_is_chosen_step_by_step_and_first_what_changes_no_number(megabytes, batch_size, recompute):
    given = limited(megabytes)
    chosen, needed = fit_settings(given, peak)
    assert chosen == replace(given, batch_size=batch_size, recompute=recompute)
    assert needed == peak(chosen) <= megabytes * MB


def test_an_odd_batch_is_halved_too():
    assert fit_settings(limited(350, batch_size=5), peak, may_recompute=False)[0].batch_size == 2


def test_what_was_asked_for_is_respected():
    assert fit_settings(limited(350), peak, may_recompute=False)[0] == limited(350, batch_size=2)
    assert fit_settings(limited(350, recompute=True), peak)[0] == limited(350, batch_size=2, recompute=True)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            limited(150),
            "--max-memory 150 MB: with batches of 1 and --recompute this training takes up to 170 MB; give at least --max-memory "
            "180MB, or what would fit: --base-channels 8 (135 MB), or --size 128x128 (118 MB).",
        ),
        (limited(107, size=None, crop=256), "what would fit: --base-channels 1 (104 MB), or --crop 64 (104 MB)."),
        (
            limited(105, base_channels=512, size=(1024, 512), depth=7),
            "what would fit: --base-channels 2 --size 128x128 (102 MB).",
        ),
        (limited(99), "this training takes up to 170 MB, and no smaller network or image would fit; give at least"),
    ],
)
def test_where_nothing_fits_it_is_said_what_would(config, text):
    with pytest.raises(OverMemoryLimit) as error:
        fit_settings(config, peak)
    assert text in str(error.value)


def test_what_is_proposed_fits():
    with pytest.raises(OverMemoryLimit) as error:
        fit_settings(limited(150), peak)
    assert "--base-channels 8" in str(error.value)
    assert fit_settings(limited(150, base_channels=8), peak)[1] <= 150 * MB
    assert fit_settings(limited(150, size=(128, 128)), peak)[1] <= 150 * MB
    assert fit_settings(limited(180), peak)[1] <= 180 * MB


def test_a_network_and_a_size_are_proposed_together_only_where_neither_is_enough():
    def steep(config, enough=None):
        return (10 + 50 * (config.base_channels > 4) + 50 * (config.crop > 16)) * MB

    config = limited(50, size=None, crop=64, depth=2)
    with pytest.raises(OverMemoryLimit, match=r"what would fit: --base-channels 4 --crop 16 \(10 MB\)\."):
        fit_settings(config, steep)
    with pytest.raises(OverMemoryLimit, match=r"what would fit: --base-channels 4 \(60 MB\), or --crop 16 \(60 MB\)\."):
        fit_settings(replace(config, max_memory=100 * MB), steep)


def test_channels_are_proposed_that_the_fused_step_takes():
    with pytest.raises(OverMemoryLimit, match=r"--base-channels 8 \(135 MB\), or"):
        fit_settings(limited(138, base_channels=24), peak, multiple=8)


def test_a_run_that_has_begun_keeps_its_batches():
    assert fit_settings(limited(700), peak, keep_batches=True)[0] == limited(700, recompute=True)
    with pytest.raises(OverMemoryLimit, match="with batches of 8 and --recompute .* 660 MB, and a resumed run keeps"):
        fit_settings(limited(600), peak, keep_batches=True)


def test_the_peak_is_asked_for_only_as_exactly_as_needed():
    """A large one costs memory itself: above the limit it may be rough, but not where it is quoted."""
    asked = []

    def rough(config, enough=None):
        asked.append(enough)
        return peak(config)

    with pytest.raises(OverMemoryLimit):
        fit_settings(limited(99), rough)
    assert asked.count(None) == 1 and set(asked) == {99 * MB, None}


def test_what_was_chosen_is_one_sentence():
    given = limited(500)
    chosen, needed = fit_settings(given, peak)
    assert describe_choice(given, chosen, needed) == (
        "500 MB at most; chosen: batches of 4 in place of 8 (up to 500 MB)"
    )
    chosen = replace(chosen, recompute=True)
    assert "chosen: batches of 4 in place of 8 and --recompute (" in describe_choice(given, chosen, needed)
    assert describe_choice(given, replace(given, recompute=True), 1e8) == (
        "500 MB at most; chosen: --recompute (up to 100 MB)"
    )
    assert describe_choice(given, given, 1e8) == "500 MB at most; batches of 8, as given (up to 100 MB)"


def test_sizes_are_rounded_to_the_safe_side():
    for size in (9.4e6, 123.4e6, 994e6, 1.23e9, 999.9e9):
        assert number(rounded_up(size)) >= size
    for size in (11e6, 123.4e6, 999e6, 1.29e9):
        assert 0 < number(rounded_down(size)) <= size


def number(text):
    return float(text[:-2]) * {"MB": 1e6, "GB": 1e9}[text[-2:]]


@pytest.mark.parametrize("depth", [1, 4])
def test_a_network_whose_weights_do_not_fit_is_refused_before_it_is_built(depth):
    huge = TrainConfig(base_channels=60_000, depth=depth)
    with pytest.raises(
        OverMemoryLimit, match=f"--base-channels 60000 with --depth {depth}: the network has .* parameters"
    ):
        check_weights(huge, 24 * 10**9)
    check_weights(huge, None)
    check_weights(TrainConfig(base_channels=64), 2 * 10**9)
    with pytest.raises(OverMemoryLimit, match="more than --max-memory 100 MB"):
        check_weights(TrainConfig(base_channels=64, max_memory=100 * MB), None)
