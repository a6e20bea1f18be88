"""The NumPy fast paths; importing this package registers them."""
