"""Ctrl-C at a chosen moment: an exception at one of the points where Python lets a signal handler run."""

import opcode
import sys
from collections.abc import Callable
from types import CodeType, FrameType, ModuleType
from typing import Any

# Python handles signals at the beginning of a function, after a call, and where a loop begins anew.
AFTER = ("CALL", "JUMP_BACKWARD", "JUMP_ABSOLUTE")


def interrupt(
    function: Callable[[], Any], moment: int, modules: tuple[ModuleType, ...], error: type = KeyboardInterrupt
) -> bool:
    """Call the function and raise an exception at the moment of this number, from 0, within the code of some modules.

    Returns
    -------
    bool
        Whether there was such a moment.

    Raises
    ------
    BaseException
        What the function makes of the exception.
    """
    files = {module.__file__ for module in modules}
    moments, reached = iter(range(moment)), False
    last: dict[FrameType, int] = {}

    def pass_moment() -> None:
        nonlocal reached
        if not reached and next(moments, None) is None:
            reached = True
            raise error

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True
        if event == "call":
            pass_moment()
        elif event == "opcode":
            before = last.get(frame)
            last[frame] = frame.f_lasti
            if before is not None and _name(frame.f_code, before).startswith(AFTER):
                pass_moment()
        elif event == "return":
            last.pop(frame, None)
        return trace

    tracer_before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(tracer_before)
        last.clear()
    return reached


def _name(code: CodeType, instruction: int) -> str:
    return opcode.opname[code.co_code[instruction]]
