import os

import pytest

from minunet.workers.frames import read_frame, write_frame


def test_objects_arrive_one_after_the_other():
    reading, writing = os.pipe()
    write_frame(writing, {"a": [1, 2]})
    write_frame(writing, None)
    assert read_frame(reading) == {"a": [1, 2]}
    assert read_frame(reading) is None
    os.write(writing, b"123")
    os.close(writing)
    with pytest.raises(EOFError):
        read_frame(reading)
    os.close(reading)
