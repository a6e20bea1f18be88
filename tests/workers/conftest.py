"""A model and a folder with cells, as the tests of predict have them."""

from tests.commands.predict.conftest import cell_model, folder

__all__ = ["cell_model", "folder"]
