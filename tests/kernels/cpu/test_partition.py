"""How rows of pixels are cut into jobs."""

import pytest

from minunet.kernels.cpu import partition


@pytest.mark.parametrize("count", [0, 1, 5, 15, 16, 17, 24, 31, 32, 33, 100])
def test_jobs_are_neighbours_of_nearly_equal_number_the_small_ones_last(count):
    blocks = [partition.Rows(slice(0, 1), row, row + 1) for row in range(count)]
    jobs = partition.deal(blocks)
    assert len(jobs) == min(count, partition.MOST_JOBS)
    assert sorted(block.first for job in jobs for block in job) == list(range(count))
    assert all(job[-1].last - job[0].first == len(job) for job in jobs)
    sizes = [len(job) for job in jobs]
    assert sizes == sorted(sizes, reverse=True)
    assert not sizes or sizes[0] - sizes[-1] <= 1
