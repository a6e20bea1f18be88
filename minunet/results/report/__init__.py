"""The report of a folder: one HTML file that shows results to a reader, and loads nothing from anywhere."""
