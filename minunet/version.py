"""The version of the package: written in one place, read by setup.cfg and by every file the program saves."""

__version__ = "0.1.0"
