"""The Llama family's forward pass in NumPy: a second implementation.

Written from the architecture's definition, not from lib/Import, in float64
throughout, so that what a comparison shows is the error of the compiled f32
code. Whole sequences at a time: there is no key and value cache here.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Config:
    vocab: int
    hidden: int
    ffn: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    positions: int
    theta: float = 10000.0
    eps: float = 1e-5
    # llama2.c rotates elements 2j and 2j+1 of a head, Hugging Face j and
    # j + head_dim/2.
    interleaved: bool = False


@dataclass
class Model:
    config: Config
    # Hugging Face's names, f32. A tied head is not in here.
    weights: dict
    # What a linear layer multiplies instead of its weight, by layer name: a
    # tied head may be compressed, the embedding never is.
    compressed: dict = field(default_factory=dict)
    # Functions on the inputs of linear layers: quantized activations.
    inputs: dict = field(default_factory=dict)

    @property
    def head(self):
        """The name that recipes match."""
        return "lm_head" if "lm_head.weight" in self.weights else "model.embed_tokens"

    @property
    def linear_layers(self):
        names = (name.removesuffix(".weight") for name in self.weights)
        return [name for name in names if name.endswith("_proj")] + [self.head]


def rms_norm(x, gain, eps):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * gain


def rotate(x, config):
    """RoPE on [T, heads, head_dim], as multiplication of complex numbers."""
    half = config.head_dim // 2
    frequency = config.theta ** (-np.arange(half) / half)
    turn = np.exp(1j * np.outer(np.arange(x.shape[0]), frequency))[:, None, :]
    if config.interleaved:
        z = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
        return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)
    z = (x[..., :half] + 1j * x[..., half:]) * turn
    return np.concatenate([z.real, z.imag], axis=-1)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention(q, k, v):
    """Causal, on [T, heads, head_dim]; query heads share key and value heads
    in groups of neighbors."""
    length, heads, size = q.shape
    group = heads // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    q, k, v = (x.swapaxes(0, 1) for x in (q, k, v))
    scores = q @ k.swapaxes(1, 2) / np.sqrt(size)
    future = np.triu(np.ones((length, length), bool), 1)
    return (softmax(np.where(future, -np.inf, scores)) @ v).swapaxes(0, 1)


def forward(model, tokens):
    """Logits [T, vocab] in float64."""
    c, w = model.config, model.weights

    def linear(name, x):
        x = model.inputs.get(name, lambda x: x)(x)
        weight = model.compressed.get(name, w[name + ".weight"])
        return x @ weight.astype(np.float64).T

    x = w["model.embed_tokens.weight"][np.asarray(tokens)].astype(np.float64)
    length = len(x)
    for i in range(c.layers):
        name = f"model.layers.{i}."
        y = rms_norm(x, w[name + "input_layernorm.weight"], c.eps)
        q = linear(name + "self_attn.q_proj", y).reshape(length, c.heads, c.head_dim)
        k = linear(name + "self_attn.k_proj", y).reshape(length, c.kv_heads, c.head_dim)
        v = linear(name + "self_attn.v_proj", y).reshape(length, c.kv_heads, c.head_dim)
        y = attention(rotate(q, c), rotate(k, c), v).reshape(length, -1)
        x = x + linear(name + "self_attn.o_proj", y)
        y = rms_norm(x, w[name + "post_attention_layernorm.weight"], c.eps)
        gate, up = linear(name + "mlp.gate_proj", y), linear(name + "mlp.up_proj", y)
        x = x + linear(name + "mlp.down_proj", gate / (1 + np.exp(-gate)) * up)
    return linear(model.head, rms_norm(x, w["model.norm.weight"], c.eps))


def greedy(model, tokens, count):
    """`tokens` and what the model appends until there are `count`."""
    tokens = list(tokens)
    while len(tokens) < count:
        tokens.append(int(forward(model, tokens)[-1].argmax()))
    return tokens


def negative_log_likelihood(logits, targets):
    """Of each target under its row of logits."""
    largest = logits.max(axis=-1)
    total = np.log(np.exp(logits - largest[:, None]).sum(axis=-1)) + largest
    return total - logits[np.arange(len(targets)), targets]


def relative_error(actual, expected):
    """The measure of docs/models.md: for each row of logits, the largest
    difference over the largest magnitude; the worst row counts."""
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    difference = np.abs(actual.astype(np.float64) - expected).max(axis=-1)
    return (difference / np.abs(expected).max(axis=-1)).max()
