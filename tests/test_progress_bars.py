"""Progress bars: no thread watches them. `tests/commands/test_start.py` has when they are imported."""

import io
import threading

from minunet.progress_bars import bar_class


def test_a_bar_starts_no_thread():
    before = threading.active_count()
    stream = io.StringIO()
    with bar_class()(total=2, file=stream) as bar:
        bar.update()
        assert threading.active_count() == before
    assert "1/2" in stream.getvalue()
