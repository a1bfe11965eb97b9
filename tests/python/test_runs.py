"""Runs from Python: the bits of a GPU's recordings, and the bytes of the command line."""

import json

import numpy as np
import pytest

import ulpscope
from conftest import CAPTURES, SDPA

PROBLEM = {"format": "bf16", "layout": "bhsd", "causal": True}
WORDS = ["--format", "bf16", "--layout", "bhsd", "--causal"]
GEMM = CAPTURES / "h200_torch2.11_gemm" / "gemm_e4m3_128x128x128.npz"
OPERANDS = ("q", "k", "v", "do")


def bits(array):
    return array.view(f"u{array.itemsize}")


def operands(recorded):
    return {role: recorded[role] for role in OPERANDS if role in recorded}


def small():
    """A head of 32 rows; a scale of its own keeps its scores apart."""
    generator = np.random.Generator(np.random.Philox(7))
    x = generator.standard_normal((4, 32, 64), dtype=np.float32)
    q, k, v, do = ulpscope.round(x, "bf16", raw=True)
    return {"q": q, "k": k, "v": v, "do": do}


def test_attention_on_arrays_gives_the_bits_that_the_gpu_gave(recorded):
    run = ulpscope.attention(**operands(recorded), **PROBLEM)
    np.testing.assert_array_equal(bits(run.o), recorded["fa_o"])
    assert run.o.shape == recorded["q"].shape
    assert run.lse.dtype == np.float32


def test_attention_on_a_file_prints_and_writes_the_bytes_of_the_tool(tool, tmp_path):
    files = ["outputs.safetensors", "errors.safetensors", "summary.json", "report.html"]
    printed = tool("attention", SDPA, *WORDS, "--json", "--out", tmp_path / "tool")
    command = json.loads(printed)["command"]
    run = ulpscope.attention(SDPA, **PROBLEM, out=tmp_path / "python", command=command)
    assert run.json == printed
    for name in files:
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "tool" / name).read_bytes()


def test_arrays_and_files_give_the_same_outputs(recorded):
    from_file = ulpscope.attention(SDPA, **PROBLEM)
    from_arrays = ulpscope.attention(**operands(recorded), **PROBLEM)
    assert list(from_arrays.outputs) == list(from_file.outputs)
    for name, output in from_file.outputs.items():
        ulpscope.assert_bits_equal(from_arrays.outputs[name], output)
    for name, errors in from_file.errors.items():
        ulpscope.assert_bits_equal(from_arrays.errors[name], errors)


def test_outputs_are_attributes_and_what_is_missing_is_said():
    run = ulpscope.attention(**small(), format="bf16", log="none")
    assert list(run.outputs) == ["o", "lse", "dq", "dk", "dv", "delta"]
    assert run.errors == {}
    with pytest.raises(AttributeError, match="no output 'd'"):
        run.d
    assert "o (32, 64)" in repr(run)


def test_without_gradients_asked_for_there_are_none():
    run = ulpscope.attention(**small(), format="bf16", backward=False, log="none")
    assert list(run.outputs) == ["o", "lse"]


def test_overrides_and_other_options_reach_the_kernel(tool, tmp_path):
    np.savez(tmp_path / "small.npz", **small())
    printed = tool("attention", tmp_path / "small.npz", "--format", "bf16", "--json", "--set",
                   "output_store=fp16:rz", "--tile", "16,32", "--scale", "0.25", "--window", "8,0",
                   "--kernel", "kernel", "--offset", "0.1", "--log", "statistics", "--no-backward")
    run = ulpscope.attention(tmp_path / "small.npz", format="bf16",
                             set={"output_store": "fp16:rz"}, tile=(16, 32), scale=0.25,
                             window=(8, 0), kernel="kernel", offset=0.1, log="statistics",
                             backward=False,
                             command=json.loads(printed)["command"])
    assert run.json == printed
    assert run.o.dtype == np.float16


def test_remarks_of_a_run_are_warnings(tmp_path):
    np.savez(tmp_path / "small.npz", **small())
    with pytest.warns(UserWarning, match="kernel paper-eager has no backward pass here"):
        ulpscope.attention(tmp_path / "small.npz", format="bf16", kernel="paper-eager", log="none")


def test_the_command_of_a_call_is_python():
    run = ulpscope.attention(**small(), format="bf16", log="none", threads=1)
    assert run.summary["command"].startswith("ulpscope.attention(q=<array>, k=<array>, ")
    assert "threads" not in run.summary["command"]


def test_the_bytes_do_not_depend_on_the_number_of_threads(recorded):
    texts = {ulpscope.attention(**operands(recorded), **PROBLEM, threads=n).json for n in (1, 3)}
    assert len(texts) == 1


@pytest.mark.parametrize("name", ["monitors", "attribute"])
def test_jobs_on_a_problem_print_the_bytes_of_the_tool(name, tool, tmp_path):
    path = tmp_path / "small.npz"
    np.savez(path, **small())
    words = ["--format", "bf16", "--causal"]
    problem = {"format": "bf16", "causal": True}
    if name == "attribute":  # runs every step by itself: forward is enough
        words.append("--no-backward")
        problem["backward"] = False
    printed = tool(name, path, *words, "--json")
    job = getattr(ulpscope, name)
    summary = job(path, **problem, command=json.loads(printed)["command"])
    assert summary.json == printed
    of_arrays = job(**small(), **problem)
    key = {"monitors": "heads", "attribute": "tensors"}[name]
    assert of_arrays[key] == summary[key]


def test_the_kernel_that_made_outputs_is_identified(tool, tmp_path):
    path = tmp_path / "small.npz"
    np.savez(path, **small())
    run = ulpscope.attention(**small(), format="bf16", kernel="memeff-torch", log="none",
                             backward=False, out=tmp_path / "run")
    outputs = tmp_path / "run" / "outputs.safetensors"
    printed = tool("identify", path, outputs, "--format", "bf16", "--no-backward", "--json")
    summary = ulpscope.identify(path, outputs, format="bf16", backward=False,
                                command=json.loads(printed)["command"])
    assert summary.json == printed
    assert summary["found"]
    of_arrays = ulpscope.identify(outputs={"o": run.o, "lse": run.lse}, **small(), format="bf16",
                                  backward=False)
    assert of_arrays["found"]


def test_a_planted_fault_is_attributed_to_its_step():
    run = ulpscope.attention(**small(), format="bf16", log="none", backward=False,
                             set={"probability_cast": "bf16:rz"})
    found = ulpscope.attribute(**small(), format="bf16", backward=False,
                               observed={"o": run.o, "lse": run.lse})
    assert not found["clean"]
    assert found["accused"] == ["probability_cast"]


def test_a_product_gives_the_recorded_bits_and_the_bytes_of_the_tool(tool):
    with np.load(GEMM) as file:
        recorded = dict(file)
    words = ["gemm", f"{GEMM}:a", f"{GEMM}:b", "--kernel", "cublaslt-e4m3", "--format", "e4m3fn"]
    printed = tool(*words, "--json")
    run = ulpscope.gemm(f"{GEMM}:a", f"{GEMM}:b", kernel="cublaslt-e4m3", format="e4m3fn",
                        command=json.loads(printed)["command"])
    assert run.json == printed
    of_arrays = ulpscope.gemm(recorded["a"], recorded["b"], kernel="cublaslt-e4m3",
                              format="e4m3fn")
    ulpscope.assert_bits_equal(of_arrays.d, run.d)
    assert run.errors["d_ulp"].shape == run.d.shape


def test_a_comparison_prints_the_bytes_of_the_tool(tool):
    a, b = f"{SDPA}:fa_o", f"{SDPA}:eff_o"
    printed = tool("compare", a, b, "--format", "bf16", "--json", expected=1)
    summary = ulpscope.compare(a, b, format="bf16", command=json.loads(printed)["command"])
    assert summary.json == printed
    assert summary["verdict"]["status"] == "different"


def test_a_quantised_tensor_has_the_bytes_of_the_tool(tool, tmp_path):
    path = tmp_path / "k.npz"
    tool("quantise", f"{SDPA}:k", "--format", "bf16", "--scheme", "nvfp4", "--out", path)
    run = ulpscope.quantize(f"{SDPA}:k", "nvfp4", format="bf16")
    with np.load(path) as file:
        assert sorted(file) == sorted(run.outputs)
        for name in file:
            np.testing.assert_array_equal(bits(run.outputs[name]).ravel(),
                                          bits(file[name]).ravel())


def test_a_report_is_redrawn_byte_for_byte(tmp_path):
    run = ulpscope.attention(**small(), format="bf16", out=tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_bytes()
    (tmp_path / "run" / "report.html").unlink()
    text = ulpscope.report(tmp_path / "run")
    assert (tmp_path / "run" / "report.html").read_bytes() == page
    assert ulpscope.report(run, tmp_path / "page.html") == text
    assert (tmp_path / "page.html").read_bytes() == page


def test_errors_are_the_tools_by_kind_and_word(tool, tmp_path):
    for expected, kind, words, call in [
        (3, ulpscope.InputError, ["attention", "no.npz"], lambda: ulpscope.attention("no.npz")),
        (2, ulpscope.UsageError, ["attention", SDPA],
         lambda: ulpscope.attention(SDPA)),
        (2, ulpscope.UsageError, ["attention", SDPA, *WORDS, "--kernel", "fa9"],
         lambda: ulpscope.attention(SDPA, **PROBLEM, kernel="fa9")),
        (2, ulpscope.UsageError, ["attention", SDPA, *WORDS, "--set", "nowhere=fp32"],
         lambda: ulpscope.attention(SDPA, **PROBLEM, set={"nowhere": "fp32"})),
        (3, ulpscope.InputError, ["report", tmp_path], lambda: ulpscope.report(tmp_path)),
    ]:
        with pytest.raises(kind) as caught:
            call()
        assert caught.value.exit_code == expected
        assert tool(*words, expected=expected) == f"ulpscope: error: {caught.value}\n"


def test_an_option_that_does_not_exist_is_a_type_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'casual'"):
        ulpscope.attention(**small(), format="bf16", casual=True)


def test_an_incomplete_problem_is_a_usage_error():
    with pytest.raises(ulpscope.UsageError, match="expected input, or all of q, k and v"):
        ulpscope.attention(q=np.zeros((2, 64), np.float16))


def test_a_shape_that_no_one_guesses_is_named():
    x = np.zeros((1, 2, 16, 64), np.float16)
    with pytest.raises(ulpscope.UsageError, match="the order of four axes is never guessed"):
        ulpscope.attention(q=x, k=x, v=x)


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": 2000}, {"sms": -1}])
def test_numbers_out_of_range_are_usage_errors_and_never_clamped(options):
    with pytest.raises(ulpscope.UsageError, match=r"expected 1 to"):
        ulpscope.attention(**small(), format="bf16", **options)


@pytest.mark.parametrize("options", [{"scale": "half"}, {"window": 3}, {"causal": "yes"}])
def test_values_of_another_type_are_type_errors_that_show_them(options):
    [(name, value)] = options.items()
    with pytest.raises(TypeError, match=f"{name}: {value!r} is not of the type"):
        ulpscope.attention(**small(), format="bf16", **options)
