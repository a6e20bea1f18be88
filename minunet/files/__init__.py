"""Writing files: whole or not at all, into folders that can take them."""
