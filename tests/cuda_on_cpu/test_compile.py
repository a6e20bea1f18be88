"""Every instance of every kernel compiles for the real targets: no spills, few registers, no note of a lost optimisation.

NVRTC needs neither a GPU nor a driver.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from minunet.kernels.cuda import ampere_tile, ampere_weight_gradient, program, registration  # noqa: F401  registration declares every program
from minunet.kernels.cuda import compile as compiler
from minunet.resources import usable_cpus
from tests.cuda_on_cpu.checks import needs_nvrtc
from tests.cuda_on_cpu.machine_code import complaints, disassembler, instructions, usages

TARGETS = ["sm_80", "sm_90"]
PROGRAMS = {made.source: made for made in program.programs()}


def targets(made):
    """What a program is compiled for."""
    return [f"sm_{made.architecture}a"] if made.architecture_specific else TARGETS


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A function that gives the machine code of a program for a target. All are compiled in parallel; NVRTC releases the GIL."""
    cache = tmp_path_factory.mktemp("cubins")
    pairs = [(made, target) for made in PROGRAMS.values() for target in targets(made)]
    with ThreadPoolExecutor(usable_cpus()) as pool:
        found = {
            pair: pool.submit(compiler.compile_program, *pair, cache)
            for pair in sorted(pairs, key=lambda pair: (-len(pair[0].instances), pair[0].source))
        }
        yield lambda made, target: found[made, target].result()
        pool.shutdown(cancel_futures=True)


def test_every_source_is_a_program():
    assert set(PROGRAMS) == {path.name for path in program.FOLDER.glob("*.cu")}


@needs_nvrtc
@pytest.mark.ci
@pytest.mark.parametrize(
    ("source", "target"), [(s, target) for s, made in PROGRAMS.items() for target in targets(made)]
)
def test_registers_and_spills(source, target, compiled):
    made = PROGRAMS[source]
    result = compiled(made, target)
    assert set(result.names) == set(made.instances)
    assert complaints(result.log) == []
    found = {usage.name: usage for usage in usages(result.log)}
    for instance, name in result.names.items():
        assert found[name].spilled_bytes == 0, f"{instance} spills"
        assert found[name].registers <= made.registers, f"{instance} takes {found[name].registers} registers"


@needs_nvrtc
@pytest.mark.ci
@pytest.mark.skipif(disassembler() is None, reason="cuobjdump is not installed")
@pytest.mark.parametrize("source", PROGRAMS)
def test_machine_code(source, compiled, tmp_path):
    """No kernel touches local memory; the tensor-core ones multiply on tensor cores and copy asynchronously."""
    made = PROGRAMS[source]
    result = compiled(made, targets(made)[-1])
    found = instructions(result.cubin, tmp_path)
    assert set(found) == set(result.names.values())
    for instance, name in result.names.items():
        assert len(found[name]) > 10, f"the disassembly of {instance} was not understood"
        assert not {"LDL", "STL"} & set(found[name]), f"{instance} touches local memory"
        assert not {"RED", "ATOM", "ATOMG", "ATOMS"} & set(found[name]), f"{instance} uses atomics"
        if made.architecture_specific:
            assert {"HGMMA", "UTMALDG"} <= set(found[name]), f"{instance} has no warpgroup products of bulk copies"
        elif made.tensor_cores:
            assert {"HMMA", "LDGSTS"} <= set(found[name]), f"{instance} does not use the tensor cores"
            by_words = "weight_gradient<float" in instance  # ldmatrix cannot turn a matrix of 32-bit elements
            assert ("LDSM" in found[name]) != by_words, instance
            if (
                made is ampere_weight_gradient.WEIGHT_GRADIENT
            ):  # rounding compares with infinity; nothing else here compares floats
                assert ("FSETP" in found[name]) == instance.endswith("true>"), instance


def test_eight_warps_of_tensor_cores_share_a_multiprocessor():
    """Their 256 threads have 65,536 registers, 255 each; their blocks fit the shared memory of sm_90, and one that of sm_86."""
    for tile in ampere_tile.TILES:
        assert tile.threads * tile.blocks == 256 and ampere_weight_gradient.WEIGHT_GRADIENT.registers * 256 <= 65_536
        for itemsize in (2, 4):
            used = tile.shared_bytes(itemsize) + 1024  # of each block, for the system
            assert tile.blocks * used <= 228 << 10 and used <= 100 << 10


@needs_nvrtc
def test_a_single_instance(tmp_path):
    """As the GPU launcher compiles it."""
    made = PROGRAMS["pooling.cu"]
    result = compiler.compile_program(made, "sm_90", tmp_path, ("sum_pool<float>",))
    assert list(result.names) == ["sum_pool<float>"] and result.names["sum_pool<float>"] in result.log


@needs_nvrtc
def test_the_cache(tmp_path, monkeypatch):
    made = PROGRAMS["loss.cu"]
    first = compiler.compile_program(made, "sm_80", tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".cubin", ".json"]
    monkeypatch.setattr(compiler, "_compile", lambda *args: pytest.fail("compiled again"))
    assert compiler.compile_program(made, "sm_80", tmp_path) == first
    (cubin,) = tmp_path.glob("*.cubin")
    cubin.write_bytes(b"cut short")
    monkeypatch.undo()
    again = compiler.compile_program(made, "sm_80", tmp_path)
    assert again.cubin == first.cubin and again.names == first.names


@needs_nvrtc
def test_a_failure_shows_the_log(tmp_path, monkeypatch):
    broken = tmp_path / "broken.cu"
    broken.write_text("__global__ void kernel(float* x) { x[0] = undeclared; }")
    made = undeclared(source=str(broken), instances=("kernel",))
    with pytest.raises(compiler.CompileError, match=r'does not compile for sm_80.*\n.*"undeclared" is undefined'):
        compiler.compile_program(made, "sm_80", tmp_path / "cache")


def undeclared(**fields):
    """A program that is not in the list of programs."""
    made = object.__new__(program.Program)
    for name, value in {"architecture": 70, "architecture_specific": False, **fields}.items():
        object.__setattr__(made, name, value)
    return made


def test_an_old_gpu_is_refused():
    made = undeclared(source="new.cu", instances=(), architecture=80)
    with pytest.raises(compiler.CompileError, match="needs a GPU of at least sm_80, this is sm_75"):
        compiler.compile_program(made, "sm_75")


@pytest.mark.parametrize("gpu", ["sm_80", "sm_100"])
def test_a_program_for_one_architecture_runs_on_no_other(gpu):
    made = undeclared(source="new.cu", instances=(), architecture=90, architecture_specific=True)
    assert made.target("sm_90") == "sm_90a"
    with pytest.raises(compiler.CompileError, match=rf"only on a GPU of sm_90 \(sm_90a\), this is {gpu}a"):
        compiler.compile_program(made, made.target(gpu))
    with pytest.raises(compiler.CompileError, match=r"sm_90 \(sm_90a\), this is sm_90"):
        compiler.compile_program(made, "sm_90")


def test_without_nvrtc(monkeypatch):
    """Any error of CuPy's loader becomes one sentence with the remedy."""
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(sys.modules, "cupy.cuda", raising=False)
    with pytest.raises(compiler.CompileError, match="pip install 'nvidia-cuda-nvrtc"):
        compiler.nvrtc()


def test_registration_needs_no_cupy():
    """Importing the kernels imports neither CuPy nor anything that touches a device."""
    code = (
        "import sys; sys.modules['cupy'] = None\n"
        "import minunet.kernels.cuda\n"
        "from minunet.kernels import dispatch\n"
        "print(*(n for n, p in dispatch.primitives().items() if 'cuda' not in [c.name for c in p.all_candidates()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Only the arrays of a CPU are overwritten, so that only of them signs are kept; matmul is CuPy's own, from cuBLAS.
    assert done.stdout.split() == ["is_positive", "matmul"]
