"""What `minunet.describe` shows: a model's layers, the algorithm that each call takes, why, and the memory."""
