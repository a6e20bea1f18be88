"""`python -m minunet.train`: train a U-Net on a folder of images and masks, or on smears that it draws itself."""

from __future__ import annotations

import functools
import sys

from minunet.cli.command import command
from minunet.cli.interruption import StoppedBySignal
from minunet.errors import UserError
from minunet.runs import train_flags
from minunet.runs.run_messages import announce_data, announce_finished, announce_resume
from minunet.runs.training_data import draw_smears, find_training_data, write_split
from minunet.runs.training_run import TrainingRun


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    say = functools.partial(print, flush=True)  # so that each line appears at once in a log file
    request = train_flags.read(argv)
    config, folder = request.config, request.folder
    data = None
    if not config.drawn:
        data = find_training_data(config, folder, resume=request.resume, known_problems=request.problems)
    elif request.problems:
        raise UserError(request.problems)
    if not request.resume:
        folder.path.mkdir(parents=True, exist_ok=True)
        config.write(folder.config)
    try:
        if data is None:
            draw_smears(folder, config.drawn_size, config.seed)
            data = find_training_data(config, folder, resume=request.resume)
        write_split(data.split, folder)
        announce_data(say, config, folder, data)
        run = TrainingRun(config, folder, data.split, resume=request.resume, say=say)
        if run.finished():
            announce_finished(say, config, folder)
            return 0
        # A resumed run may refuse its settings; the precision "auto" is stored as the one that it stands for here.
        run.config.write(folder.config)
        run.load()
        run.describe()
        run.fit()
        run.finish()
    except StoppedBySignal as stopped:
        return stopped.exit_code
    except KeyboardInterrupt:
        announce_resume(say, folder)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
