"""Runs and their files: of trainings (settings, folder, history, plan of time and memory), of predictions, of evaluations."""
