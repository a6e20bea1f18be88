"""Pictures and tables of what a model predicts and of how its training went."""
