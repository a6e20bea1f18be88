// A patch of an image in shared memory, as a bulk copy writes it: lines of 16 pixels, 128 bytes of channels per pixel. A line is two groups of
// 8 rows, the unit of a wgmma operand, so the patch shifted by some lines is again an operand.
#pragma once

constexpr int SIDE = 16, PANEL = 64;  // pixels in a line; channels in an operand
constexpr int ROW_BYTES = 128, GROUP_BYTES = 8 * ROW_BYTES, LINE_BYTES = SIDE * ROW_BYTES;
