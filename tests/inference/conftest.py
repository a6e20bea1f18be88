"""What the tests of inference share: a model file."""

from tests.checkpoints.conftest import saved  # noqa: F401
