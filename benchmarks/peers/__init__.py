"""The frameworks we measure ourselves against; the only place, beside tests, where one is imported."""
