"""The paper's experiments: its two models and its claims, trained side by side, each beside what its masks allow at best."""
