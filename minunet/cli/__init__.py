"""What all commands share: their arguments, exit codes, printed lines and signals."""
