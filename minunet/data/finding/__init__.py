"""Finding images and masks on disk: layouts of folders, listings, and which mask belongs to which image."""
