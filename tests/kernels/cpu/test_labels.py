"""The names that `minunet.describe` prints for the CPU's algorithms: each is the name of a file or folder of kernels/cpu."""

import pytest

from minunet.kernels.dispatch import primitives

PACKAGE = "minunet.kernels.cpu."


def cpu_candidates():
    for primitive in primitives().values():
        for candidate in primitive.all_candidates():
            function = getattr(candidate.run, "func", candidate.run)  # of a functools.partial
            if function.__module__.startswith(PACKAGE):
                yield primitive.name, candidate.name, function.__module__.removeprefix(PACKAGE)


CANDIDATES = list(cpu_candidates())


def test_the_registry_has_cpu_candidates():
    assert len(CANDIDATES) > 20


@pytest.mark.parametrize(("primitive", "label", "module"), CANDIDATES)
def test_a_label_leads_to_its_file(primitive, label, module):
    """Up to a suffix such as "-6x6", a label is the name of the module that defines `run`, or of its folder."""
    name, _, _ = label.partition("-")
    assert module == name or module.startswith(f"{name}.")
