// A patch: 16 pixels across and some lines down, as a bulk copy leaves them in shared memory, 128 bytes of channels a pixel. A line is
// two of the groups that products count in, so that the same patch some lines further on is again one of their operands.
#pragma once

constexpr int SIDE = 16, PANEL = 64;  // pixels across, and the channels that an operand's rows stand for
constexpr int ROW_BYTES = 128, GROUP_BYTES = 8 * ROW_BYTES, LINE_BYTES = SIDE * ROW_BYTES;
