"""Flags of other programs, and what they are called here.

They are those of milesial's Pytorch-UNet, of common Keras and PyTorch scripts, nnU-Net, Cellpose, StarDist and YOLO.
"""

from __future__ import annotations

import re
from typing import NamedTuple


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
    ForeignFlag("--imgs --image-folder --img --image", "--images --check", "give the images without a flag"),
    ForeignFlag(
        "-o --output --outputs --output-dir --output-folder --out-dir --outdir --savedir --save-dir --save-path --save "
        "--project --log-dir --logdir --results-dir --result-dir --dest --name --run-name --output-name --outname",
        "--out OUT --onnx",
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
        "--export --onnx",
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
    ForeignFlag(
        "--opset --opset-version --dynamic --dynamic-axes --dynamic-batch --simplify --optimize",
        "",
        "python -m minunet.export writes a model for other programs, for any number and any size of images",
    ),
    ForeignFlag("--list --info --summary --describe", "", "python -m minunet lists the commands"),
    ForeignFlag(
        "--memory --max-mem --ram --mem --vram --memory-limit",
        "--max-memory",
        "images are cut into pieces as memory allows",
    ),
)


def foreign_flags(name: str) -> list[ForeignFlag]:
    """What a flag may stand for, with hyphens in place of underscores: the flags of others that have this name, and ours."""
    doubled = "-" + name if re.fullmatch(r"-\w[\w-]+", name) else name  # nnU-Net's flags have one hyphen
    flags = {name, doubled}
    return [foreign for foreign in FOREIGN if flags & {*foreign.names.split(), *foreign.ours.split()}]
