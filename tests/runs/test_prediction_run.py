"""The folder of a prediction: which images have results there, and which results may not be written."""

from minunet.data.finding.input_images import InputFiles, InputImage
from minunet.results.prediction import result_files
from minunet.runs.prediction_run import has_results, result_problems


def problems(image, out, masks=(), **flags):
    inputs = InputFiles(images=[image], masks=list(masks))
    return result_problems(inputs, [image], out, **{"overwrite": False, "skip_existing": False, **flags})


def test_an_image_has_results_when_all_its_pictures_are_there(tmp_path):
    image, out = InputImage(tmp_path / "a.png", "a"), tmp_path / "out"
    out.mkdir()
    assert problems(image, out) == []
    for path in result_files(out / "a"):
        assert not has_results(image, out)
        path.write_bytes(b"")
    assert has_results(image, out)
    assert "add --skip-existing to keep them, --overwrite to replace them" in problems(image, out)[0]
    assert "these are incomplete" in problems(image, out, skip_existing=True)[0]
    assert problems(image, out, overwrite=True) == []


def test_results_are_not_written_beside_images_or_masks(tmp_path):
    (tmp_path / "masks").mkdir()
    image = InputImage(tmp_path / "images" / "a.png", "a")
    for out in (tmp_path / "images", tmp_path / "masks"):
        (problem,) = problems(image, out, masks=[tmp_path / "masks"], overwrite=True)
        assert "results would mix with the images or masks" in problem
