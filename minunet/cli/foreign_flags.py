"""Flags of other programs, and what they are called here: a user who types one is told ours.

They are those of milesial's Pytorch-UNet, of common Keras and PyTorch scripts, nnU-Net, Cellpose, StarDist and YOLO.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

OURS = "it is {flag} here"


class ForeignFlag(NamedTuple):
    """A thing that other programs have flags for.

    Attributes
    ----------
    names : str
        The flags of others, between spaces, with hyphens in place of underscores.
    ours : str
        Our flags or arguments for it, between spaces: the first that the command has is named.
    otherwise : str
        The sentence where the command has none of these.
    """

    names: str
    ours: str
    otherwise: str


FOREIGN = (
    ForeignFlag("-e --num-epochs --n-epochs --nepochs --epoch --max-epochs", "--epochs", "only train has --epochs"),
    ForeignFlag(
        "-l --learning-rate --learningrate --lr0 --init-lr --initial-lr -lr",
        "--lr",
        "only train has a learning rate, --lr",
    ),
    ForeignFlag(
        "-b --batch --batchsize --bs --train-batch-size --val-batch-size -bs",
        "--batch-size",
        "images are taken one by one here",
    ),
    ForeignFlag(
        "-s --scale --image-scale --resize --img-size --imgsz --img --image-size --input-size --input-shape --img-height "
        "--img-width --height --width --patch-size --tile-size --rescale",
        "--size --native",
        "the size is that of the model",
    ),
    ForeignFlag(
        "-i --input --inputs --source --input-dir --input-folder --image-path --image-dir --img-dir --dir --data-dir "
        "--dataset --train-dir --data-path --root --data -d --dataset-path --data-root --folder",
        "DATA PATH",
        "give the folder without a flag",
    ),
    ForeignFlag(
        "--mask-dir --label-dir --labels --gt --masks-dir --annotations --targets", "--masks", "no masks are needed"
    ),
    ForeignFlag("--imgs --image-folder --img --image", "--images", "give the images without a flag"),
    ForeignFlag(
        "-o --output --outputs --output-dir --output-folder --out-dir --outdir --savedir --save-dir --save-path --save "
        "--project --log-dir --logdir --results-dir --result-dir --dest --name --run-name --output-name --outname",
        "--out OUT",
        "nothing is written to a folder",
    ),
    ForeignFlag(
        "-m --model --weights --checkpoint --ckpt --model-path --pretrained-model --model-dir --weights-path -chk --model-file "
        "--load -f --pretrained --load-model",
        "MODEL --resume",
        "no model is needed",
    ),
    ForeignFlag(
        "--val --validation --validation-split --val-split --val-percent --validation-data --val-size --test-size --test-split "
        "--folds --fold --train-split -f",
        "--split --side",
        "the images are divided when a model is trained: train --split 0.8,0.1,0.1",
    ),
    ForeignFlag(
        "-t --mask-threshold --conf --conf-thres --prob-thresh --prob-threshold --cellprob-threshold --thresh --confidence",
        "--threshold",
        "the threshold is given to predict and evaluate, as --threshold",
    ),
    ForeignFlag(
        "--iou --iou-thres --nms-thresh --nms-threshold --flow-threshold --stitch-threshold --min-size --niter",
        "",
        "what separates cells is chosen in the training and stored in the model (docs/cells.md)",
    ),
    ForeignFlag(
        "--diam --diam-mean --cell-diameter --cell-size", "--diameter", "the size of cells is that of the model"
    ),
    ForeignFlag(
        "--chan --chan2 --channel --channel-axis --n-channels --in-channels --input-channels --all-channels --num-channels "
        "--color --rgb --gray --grey --grayscale",
        "--channels",
        "the channels are those of the model",
    ),
    ForeignFlag(
        "-c --classes --n-classes --num-classes --nc --nclass --class",
        "--classes --cell",
        "the classes are those of the model",
    ),
    ForeignFlag(
        "--filters --base-filters --features --init-features --n-filters --width-multiplier --start-filters --channels-base",
        "--base-channels",
        "the network is that of the model",
    ),
    ForeignFlag(
        "--levels --n-levels --num-layers --n-depth --stages --unet-n-depth --layers",
        "--depth",
        "the network is that of the model",
    ),
    ForeignFlag(
        "--arch --architecture --backbone --encoder --cfg --bilinear --network -tr -p",
        "--variant",
        "the network is that of the model",
    ),
    ForeignFlag(
        "--gpu --gpus --cuda --use-gpu --cpu --no-cuda --gpu-device --gpu-id --num-gpus -num-gpus -device --use-cuda --mps",
        "--device",
        "no GPU is used",
    ),
    ForeignFlag(
        "-j --workers --num-workers --jobs --n-jobs --num-threads --nproc -npp -nps --cpus --processes -np",
        "--threads",
        "the number of threads is not chosen here",
    ),
    ForeignFlag(
        "--amp --fp16 --half --mixed-precision --bf16 --tf32 --dtype", "--precision", "there is no choice of precision"
    ),
    ForeignFlag(
        "--augmentation --augmentations --aug --aug-level --data-augmentation --hflip --flip --rotate --no-augment",
        "--augment",
        "only train varies its images, with --augment",
    ),
    ForeignFlag("--criterion --loss-function --loss-fn --objective", "--loss", "only train has a choice, with --loss"),
    ForeignFlag(
        "--scheduler --lr-scheduler --lr-schedule --cos-lr --lr-policy --lrf", "--schedule", "only train has --schedule"
    ),
    ForeignFlag(
        "--grad-clip --gradient-clipping --max-norm --clip-grad --clipnorm --max-grad-norm",
        "--clip",
        "only train has --clip",
    ),
    ForeignFlag(
        "--optimizer --optim --opt --momentum --weight-decay --wd --beta1 --adam --sgd",
        "",
        "the optimizer is always Adam, without weight decay",
    ),
    ForeignFlag(
        "--dropout --batch-norm --bn --batchnorm --norm --normalization",
        "",
        "the network has no dropout and no normalisation layers",
    ),
    ForeignFlag(
        "--patience --early-stopping --early-stop",
        "--epochs",
        "the best epoch is kept, however many follow",
    ),
    ForeignFlag(
        "--steps-per-epoch --validation-steps --iterations --max-steps --steps", "--epochs", "only train has steps"
    ),
    ForeignFlag("--random-seed --random-state --manual-seed --rng-seed", "--seed", "nothing is random here"),
    ForeignFlag(
        "--continue --continue-training --c --restart --resume-from --continue-prediction",
        "--resume --skip-existing",
        "only train goes on, with --resume",
    ),
    ForeignFlag(
        "--force --exist-ok --force-overwrite --replace -y --yes",
        "--overwrite",
        "nothing is ever overwritten: choose another --out",
    ),
    ForeignFlag(
        "--save-txt --save-rois --save-tif --save-flows --save-outlines --save-geojson --save-coco --format",
        "--export",
        "predict writes files for other programs, with --export",
    ),
    ForeignFlag(
        "-n --no-save --nosave --save-png --no-npy --viz --view-img --show --plot --save-probabilities --npz --save-mpl "
        "--visualize --save-conf --save-crop --tensorboard --wandb",
        "",
        "the pictures are always written, and nothing is shown on the screen",
    ),
    ForeignFlag(
        "-q --quiet --silent --verbose --verbosity --debug --progress --log-level -v",
        "",
        "there is one level of output; --version prints the version, and > /dev/null makes it silent",
    ),
    ForeignFlag(
        "--normalize --norm-percentile --no-norm --pnorm --mean --std --percentile --intensity-range",
        "--range",
        "which values are black and white is stored in the model",
    ),
    ForeignFlag("--invert --inverse --invert-mask", "--invert-masks", "which values are cell is stored in the model"),
    ForeignFlag("--ignore-index --ignore-label --ignore-value", "--ignore", "masks are read as in the training"),
    ForeignFlag(
        "--pixel-width --pixelsize --resolution --microns-per-pixel --mpp --spacing --um",
        "--pixel-size",
        "predict has --pixel-size",
    ),
    ForeignFlag("--n-images --num-images --n-samples --num-samples --number -n", "--count", "every image is taken"),
    ForeignFlag(
        "--tta --disable-tta -step-size --step-size --n-tiles --overlap --tile-overlap --no-tile --tile --do-3d --axes --stride",
        "",
        "large images are cut into pieces as memory allows, without seams (docs/memory.md)",
    ),
    ForeignFlag("--list --info --summary --describe", "", "python -m minunet lists the commands"),
    ForeignFlag(
        "--memory --max-mem --ram --mem --vram --memory-limit",
        "--max-memory",
        "images are cut into pieces as memory allows",
    ),
)


def advice(flag: str, parser: argparse.ArgumentParser) -> str:
    """What a flag that a command does not have is called here, as a phrase; else the flag most like it, or an empty text."""
    name = "-" * (len(flag) - len(flag.lstrip("-"))) + flag.lstrip("-").replace("_", "-")
    name = name if re.fullmatch(r"-\w", name) else name.lower()
    arguments = dict(_arguments(parser))
    for own in (name, "--" + name.lstrip("-")):  # --batch_size, -epochs
        if own in arguments and len(own) > 3 and own != flag:
            return OURS.format(flag=arguments[own])
    for foreign in _foreign(name):
        for own in foreign.ours.split():
            if own in arguments:
                return _named(own, arguments[own])
    for foreign in _foreign(name):
        return foreign.otherwise
    close = difflib.get_close_matches(name, [own for own in arguments if own.startswith("--")], n=1, cutoff=0.75)
    return f"did you mean {arguments[close[0]]}?" if close else ""


def key_advice(text: str, parser: argparse.ArgumentParser) -> str:
    """The same for a setting that is written as key=value, as YOLO's are; an empty text where that is not what it is."""
    key, equals, value = text.partition("=")
    if not equals or not value or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return ""
    arguments, flag = dict(_arguments(parser)), "--" + key.replace("_", "-").lower()
    if flag in arguments:
        return OURS.format(flag=arguments[flag])
    return advice("--" + key, parser) if _foreign(flag) else ""


def _foreign(name: str) -> list[ForeignFlag]:
    doubled = "-" + name if re.fullmatch(r"-\w[\w-]+", name) else name  # nnU-Net's flags have one hyphen
    flags = {name, doubled}
    return [foreign for foreign in FOREIGN if flags & {*foreign.names.split(), *foreign.ours.split()}]


def _named(own: str, shown: str) -> str:
    if own.startswith("--"):
        return OURS.format(flag=shown)
    return f"give it without a flag, as {shown}"


def _arguments(parser: argparse.ArgumentParser) -> Iterable[tuple[str, str]]:
    """(name, how it is typed) of each argument of a parser; those without a flag by their names in the help."""
    for action in parser._actions:
        value = action.metavar if isinstance(action.metavar, str) else ""
        if not action.option_strings:
            yield from ((word.strip("[]"), word.strip("[]")) for word in value.split())
        for option in action.option_strings:
            takes_value = action.nargs != 0 and value
            yield option, f"{option} {value}" if takes_value else option


def unknown_flags(argv: Iterable[str], parser: argparse.ArgumentParser) -> Mapping[str, str]:
    """The flags of a command line that a parser does not have, with the advice on each.

    Parameters
    ----------
    argv : iterable of str
    parser : ArgumentParser

    Returns
    -------
    dict of str to str
        The flag, without its value, to a phrase that may be empty.
    """
    known = [name for name, _ in _arguments(parser) if name.startswith("-")]
    found: dict[str, str] = {}
    for text in argv:
        if text == "--":
            break
        flag = text.partition("=")[0]
        is_value = not re.match(r"--?[A-Za-z]", text) or " " in text
        if is_value or flag in known or (flag.startswith("--") and any(own.startswith(flag) for own in known)):
            continue
        if re.match(r"-[A-Za-z]", text) and text[:2] in known:  # -h and what may follow it
            continue
        found[flag] = advice(flag, parser)
    return found
