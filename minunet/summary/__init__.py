"""The table of `minunet.describe`: a model's layers, the algorithm of each call, why it is used, and the memory."""
