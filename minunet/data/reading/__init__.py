"""Image files as arrays: formats, pixels, masks, and what the network sees of them."""
