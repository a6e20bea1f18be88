"""A trained model at work: its predictions, and their scores."""
