"""Reading image files: formats, pixels, statistics, resizing, and preprocessing into inputs and targets of a network."""
