"""Code that the commands share: arguments, exit codes, printed lines and signals."""
