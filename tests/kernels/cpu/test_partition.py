"""How blocks are shared out to jobs."""

import pytest

from minunet.kernels.cpu import partition


@pytest.mark.parametrize("count", [0, 1, 5, 15, 16, 17, 24, 31, 32, 33, 100])
def test_jobs_are_neighbours_of_nearly_equal_number_the_small_ones_last(count):
    blocks = [partition.RowBlock(slice(0, 1), slice(row, row + 1)) for row in range(count)]
    jobs = partition.group_into_jobs(blocks)
    assert len(jobs) == min(count, partition.MAX_JOBS)
    assert sorted(block.rows.start for job in jobs for block in job) == list(range(count))
    assert all(job[-1].rows.stop - job[0].rows.start == len(job) for job in jobs)
    sizes = [len(job) for job in jobs]
    assert sizes == sorted(sizes, reverse=True)
    assert not sizes or sizes[0] - sizes[-1] <= 1
