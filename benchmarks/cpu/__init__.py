"""The parts of the benchmarks on the CPU: contestants, calls of primitives with their times, tables."""
