"""What the benchmarks on the CPU are made of: contestants, calls of primitives with their times, tables."""
