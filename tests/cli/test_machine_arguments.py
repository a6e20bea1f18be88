"""--device, --precision and --threads: their defaults, and a command that has no precision."""

import pytest

from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.parser import Parser
from minunet.errors import UserError


def test_the_machine_is_chosen_unless_it_is_given():
    parser = Parser(prog="thing")
    add_machine_arguments(parser)
    assert vars(parser.parse_args([])) == {"device": "auto", "precision": "auto", "threads": None}
    with pytest.raises(UserError, match="--device tpu: choose one of auto, cpu, cuda"):
        parser.parse_args(["--device", "tpu"])


def test_a_command_may_have_no_precision():
    parser = Parser(prog="thing")
    add_machine_arguments(parser.add_argument_group("machine"), precision=None)
    assert vars(parser.parse_args(["--threads", "2"])) == {"device": "auto", "threads": 2}
    with pytest.raises(UserError, match="unknown argument: --precision"):
        parser.parse_args(["--precision", "fp32"])
