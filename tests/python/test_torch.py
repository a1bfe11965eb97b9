"""Recording a PyTorch model; on a machine without a GPU its kernels are others than those modelled,
so what is checked here is what is kept and how it is described. docs/validation has the bits."""

import json

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from ulpscope.torch import record


class Attention(torch.nn.Module):
    def __init__(self, heads=2, dim=8):
        super().__init__()
        self.heads = heads
        self.qkv = torch.nn.Linear(heads * dim, 3 * heads * dim)
        self.out = torch.nn.Linear(heads * dim, heads * dim)

    def forward(self, x):
        split = lambda y: y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q, k, v = (split(y) for y in self.qkv(x).chunk(3, -1))
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + self.out(o.transpose(1, 2).flatten(2))


@pytest.fixture
def model():
    torch.manual_seed(1)
    return torch.nn.Sequential(*[Attention() for _ in range(12)]).to(torch.bfloat16)


@pytest.fixture
def tokens():
    return torch.randn(1, 5, 16, generator=torch.Generator().manual_seed(2)).to(torch.bfloat16)


def train(model, tokens, recorder=None, scale=1.0):
    loss = (model(tokens).float() * scale).pow(2).mean()
    loss.backward()
    return loss if recorder is None else recorder.step(loss)


def test_every_call_of_a_step_is_a_file_with_its_inputs_outputs_and_gradients(tmp_path, model, tokens):
    with record(tmp_path / "dump") as recorder:
        train(model, tokens, recorder)
    files = sorted((tmp_path / "dump" / "step-00000").iterdir())
    assert [file.name for file in files] == [f"call-{i:03d}.safetensors" for i in range(12)]
    tensors = load_file(files[3])
    assert sorted(tensors) == ["dk", "do", "dq", "dv", "k", "o", "q", "v"]
    assert all(x.shape == (1, 2, 5, 8) and x.dtype == torch.bfloat16 for x in tensors.values())


def test_what_was_kept_gives_the_same_outputs_and_gradients_again(tmp_path, model, tokens):
    with record(tmp_path / "dump") as recorder:
        train(model, tokens, recorder)
    kept = load_file(tmp_path / "dump" / "step-00000" / "call-005.safetensors")
    q, k, v = (kept[name].requires_grad_() for name in "qkv")
    o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    o.backward(kept["do"])
    assert torch.equal(o, kept["o"])
    for name, x in dict(dq=q, dk=k, dv=v).items():
        assert torch.equal(x.grad, kept[name])


def test_gradients_are_those_of_the_call_alone_where_a_tensor_is_used_twice(tmp_path):
    x = torch.randn(1, 1, 4, 8, generator=torch.Generator().manual_seed(3)).requires_grad_()
    with record(tmp_path / "dump"):
        o = F.scaled_dot_product_attention(x, x, x)
        (o.sum() + 7 * x.sum()).backward()
    kept = load_file(tmp_path / "dump" / "step-00000" / "call-000.safetensors")
    assert torch.allclose(kept["dq"] + kept["dk"] + kept["dv"] + 7, x.grad, atol=1e-5)
    assert not torch.equal(kept["dq"], kept["dv"])


def test_the_recording_changes_nothing(tmp_path, model, tokens):
    train(model, tokens)
    plain = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    with record(tmp_path / "dump"):
        train(model, tokens)
    for gradient, parameter in zip(plain, model.parameters()):
        assert torch.equal(gradient, parameter.grad)


def test_the_file_says_mask_launch_backend_and_where_it_is_from(tmp_path, model, tokens):
    with record(tmp_path / "dump", layers=[2], heads=[1]) as recorder:
        train(model, tokens, recorder)
    with safe_open(tmp_path / "dump" / "step-00000" / "call-002.safetensors", "pt") as file:
        facts = file.metadata()
        assert file.get_tensor("q").shape == (1, 1, 5, 8)
    assert facts["layout"] == "bhsd" and facts["causal"] == "true"
    assert facts["launch"] == "1,2"  # of the whole call
    assert facts["device"] == "cpu" and "kernel" not in facts
    assert facts["step"] == "0" and facts["call"] == "2"


def test_the_tool_takes_the_file_without_options(tmp_path, model, tokens, tool):
    with record(tmp_path / "dump", layers=[0]) as recorder:
        train(model, tokens, recorder)
    file = tmp_path / "dump" / "step-00000" / "call-000.safetensors"
    summary = json.loads(tool("attention", file, "--log", "none", "--out", tmp_path / "run", "--json"))
    assert summary["problem"]["causal"] and summary["problem"]["launch"] == [1, 2]
    outputs = load_file(tmp_path / "run" / "outputs.safetensors")
    assert {"o", "lse", "dq", "dk", "dv"} <= set(outputs)


def test_the_last_steps_alone_are_kept(tmp_path, model, tokens):
    with record(tmp_path / "dump", layers=[0], keep=2) as recorder:
        for _ in range(5):
            train(model, tokens, recorder)
        assert not list((tmp_path / "dump").iterdir())  # in memory until the end
    assert sorted(x.name for x in (tmp_path / "dump").iterdir()) == ["step-00003", "step-00004"]


def test_only_the_chosen_steps_are_kept(tmp_path, model, tokens):
    with record(tmp_path / "dump", layers=[0], steps=[1, 3]) as recorder:
        for _ in range(5):
            train(model, tokens, recorder)
    assert sorted(x.name for x in (tmp_path / "dump").iterdir()) == ["step-00001", "step-00003"]


def test_a_step_that_is_not_finite_freezes_the_recording(tmp_path, model, tokens):
    with record(tmp_path / "dump", layers=[0], keep=2, on_nonfinite=True) as recorder:
        assert not train(model, tokens, recorder)
        assert train(model, tokens * float("inf"), recorder)
        assert recorder.frozen == "step 1: a tensor that is not finite"
        train(model, tokens, recorder)
    assert sorted(x.name for x in (tmp_path / "dump").iterdir()) == ["step-00000", "step-00001"]


def test_a_loss_that_spikes_freezes_the_recording(tmp_path, model, tokens):
    with record(tmp_path / "dump", layers=[0], keep=3, on_spike=5) as recorder:
        for _ in range(3):
            assert not train(model, tokens, recorder)
        assert train(model, tokens, recorder, scale=4.0)
        assert recorder.frozen.startswith("step 3: loss ")
    assert sorted(x.name for x in (tmp_path / "dump").iterdir()) == [
        "step-00001", "step-00002", "step-00003"]


def test_calls_that_are_not_kept_are_told_with_the_reason(tmp_path):
    q = torch.zeros(1, 1, 2, 4)
    with record(tmp_path / "dump"):
        F.scaled_dot_product_attention(q, q, q, attn_mask=torch.zeros(2, 2))
        F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
    left_out = json.loads((tmp_path / "dump" / "calls.json").read_text())["left_out"]
    assert [call["reason"] for call in left_out] == ["a mask tensor", "dropout 0.5"]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "notes").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        with record(tmp_path / "dump"):
            pass


def test_heads_that_cut_through_a_group_are_refused(tmp_path):
    q, k = torch.zeros(1, 4, 2, 8), torch.zeros(1, 2, 2, 8)
    with record(tmp_path / "dump", heads=[0]):
        with pytest.raises(ValueError, match="expected whole groups of 2 query heads"):
            F.scaled_dot_product_attention(q, k, k, enable_gqa=True)
