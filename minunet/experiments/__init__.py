"""The paper's experiments, repeated: its two models and its claims, each with the scores that the masks allow at best."""
