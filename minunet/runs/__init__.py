"""A training run on disk: its settings, folder, history and messages, and the plan of its time and memory."""
