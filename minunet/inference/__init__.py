"""Inference: the predictions of a trained model, and their scores."""
