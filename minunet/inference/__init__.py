"""A trained model at work: predictions, scores, and the machine that they run on."""
