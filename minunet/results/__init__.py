"""Pictures and tables of what a model says."""
