"""Shapes of convolutions and pooling that no tile of a kernel divides."""

from __future__ import annotations

# images (N, H, W), channels of each source, output channels, kernel, stride, padding
CONVOLUTIONS = {
    "3x3": ((2, 5, 7), (3,), 16, (3, 3), (1, 1), ((1, 1), (1, 1))),
    "one pixel": ((1, 1, 1), (72,), 130, (3, 3), (1, 1), ((1, 1), (1, 1))),
    "two sources": ((1, 6, 5), (16, 3), 64, (3, 3), (1, 1), ((1, 1), (1, 1))),
    "head": ((2, 9, 4), (64,), 1, (1, 1), (1, 1), ((0, 0), (0, 0))),
    "stride 2, odd padding": ((1, 8, 11), (1,), 5, (3, 2), (2, 3), ((0, 1), (1, 0))),
    "stride over kernel": ((2, 7, 7), (2,), 3, (2, 1), (3, 2), ((0, 0), (0, 1))),
    "wide kernel": ((1, 4, 3), (130,), 3, (5, 7), (1, 1), ((4, 2), (3, 5))),
}
TRANSPOSED_CONVOLUTIONS = {
    "2x2, stride 2": ((2, 3, 5), 16, 3, (2, 2), (2, 2), (0, 0)),
    "one pixel": ((1, 1, 1), 1, 72, (2, 2), (2, 2), (0, 0)),
    "overlap": ((1, 4, 3), 3, 5, (3, 4), (2, 1), (1, 1)),
    "gaps": ((2, 2, 3), 130, 1, (1, 2), (2, 3), (0, 0)),
}
# x (N, H, W, C), window, stride, padding
POOLINGS = {
    "2x2": ((2, 5, 7, 3), (2, 2), (2, 2), (0, 0)),
    "one pixel": ((1, 1, 1, 130), (1, 1), (1, 1), (0, 0)),
    "overlap": ((1, 6, 5, 16), (3, 2), (1, 2), (1, 1)),
    "gaps": ((2, 7, 8, 1), (2, 3), (3, 4), (1, 0)),
    "over 256 pixels": ((1, 20, 19, 2), (17, 16), (2, 3), (8, 5)),
}
