"""The inspection of a data set before a training: what the files hold, how they are read, and what is unusual."""
