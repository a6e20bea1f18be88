"""The largest image whose cells are found."""

from minunet.runs import cell_results


def test_large_images_get_cells_where_the_memory_is_enough(monkeypatch):
    for memory, pixels in ((None, 2**25), (0, 2**25), (2**30, 2**25), (50 * 10**9, 10**9)):
        monkeypatch.setattr(cell_results, "available_memory", lambda memory=memory: memory)
        assert cell_results.most_pixels() == pixels
