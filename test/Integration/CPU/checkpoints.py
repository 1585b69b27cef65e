"""Reads and writes checkpoints, independently of lib/Import and lib/Support.

Formats: llama2.c's version 0, and Hugging Face folders (config.json and one
safetensors file, or shards with an index).
"""

import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
from llama import Config, Model

DTYPES = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}


def read_llama2c(path):
    data = Path(path).read_bytes()
    dim, ffn, layers, heads, kv_heads, vocab, positions = struct.unpack_from("<7i", data)
    head_dim = dim // heads
    config = Config(abs(vocab), dim, ffn, layers, heads, kv_heads, head_dim, positions,
                    interleaved=True)
    floats = np.frombuffer(data, "<f4", offset=28)
    used = 0

    def take(*shape):
        nonlocal used
        begin, used = used, used + int(np.prod(shape))
        return floats[begin:used].reshape(shape)

    weights = {"model.embed_tokens.weight": take(config.vocab, dim)}
    for name, shape in {
        "input_layernorm": (dim,),
        "self_attn.q_proj": (heads * head_dim, dim),
        "self_attn.k_proj": (kv_heads * head_dim, dim),
        "self_attn.v_proj": (kv_heads * head_dim, dim),
        "self_attn.o_proj": (dim, heads * head_dim),
        "post_attention_layernorm": (dim,),
        "mlp.gate_proj": (ffn, dim),
        "mlp.down_proj": (dim, ffn),
        "mlp.up_proj": (ffn, dim),
    }.items():
        for i, weight in enumerate(take(layers, *shape)):
            weights[f"model.layers.{i}.{name}.weight"] = weight
    weights["model.norm.weight"] = take(dim)
    take(2, positions, head_dim // 2)  # Tables of rotations, unused.
    if vocab < 0:
        weights["lm_head.weight"] = take(config.vocab, dim)
    assert used == len(floats)
    return Model(config, weights)


def write_llama2c(path, model):
    """The inverse of read_llama2c."""
    c, w = model.config, model.weights
    untied = "lm_head.weight" in w
    header = (c.hidden, c.ffn, c.layers, c.heads, c.kv_heads, -c.vocab if untied else c.vocab,
              c.positions)
    parts = [w["model.embed_tokens.weight"]]
    for name in ("input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                 "self_attn.o_proj", "post_attention_layernorm", "mlp.gate_proj",
                 "mlp.down_proj", "mlp.up_proj"):
        parts += [w[f"model.layers.{i}.{name}.weight"] for i in range(c.layers)]
    parts += [w["model.norm.weight"], np.full(2 * c.positions * (c.head_dim // 2), np.nan)]
    parts += [w["lm_head.weight"]] if untied else []
    body = b"".join(np.asarray(part, "<f4").tobytes() for part in parts)
    Path(path).write_bytes(struct.pack("<7i", *header) + body)


def read_safetensors(path):
    """Every tensor, widened to f32."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
            tensors[name] = array.reshape(entry["shape"]).astype(np.float32)
    return tensors


def write_safetensors(path, tensors):
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": names[array.dtype], "shape": array.shape,
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    body = b"".join(array.tobytes() for array in tensors.values())
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


def read_hugging_face(folder):
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    heads = config["num_attention_heads"]
    index = folder / "model.safetensors.index.json"
    weights = {}
    if index.exists():
        for shard in sorted(set(json.loads(index.read_text())["weight_map"].values())):
            weights |= read_safetensors(folder / shard)
    else:
        weights = read_safetensors(folder / "model.safetensors")
    if config.get("tie_word_embeddings"):
        weights.pop("lm_head.weight", None)
    return Model(
        Config(
            vocab=config["vocab_size"],
            hidden=config["hidden_size"],
            ffn=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or config["hidden_size"] // heads,
            positions=config.get("max_position_embeddings", 2048),
            theta=config.get("rope_theta", 10000.0),
            eps=config.get("rms_norm_eps", 1e-6),
        ),
        weights,
    )


def read(path):
    return read_hugging_face(path) if Path(path).is_dir() else read_llama2c(path)


class Tokenizer:
    """llama2.c's tokenizer file; the encoder as its definition has it."""

    def __init__(self, path):
        data, offset = Path(path).read_bytes(), 4
        self.pieces, self.scores = [], []
        while offset < len(data):
            score, length = struct.unpack_from("<fi", data, offset)
            self.pieces.append(data[offset + 8 : offset + 8 + length])
            self.scores.append(score)
            offset += 8 + length
        self.ids = {}
        for i, piece in enumerate(self.pieces):
            self.ids.setdefault(piece, i)

    def encode(self, text):
        """Token ids without BOS. Merges word by word, which is the same as
        merging the whole text where, as in the demo model's tokenizer, no piece
        has a space or a newline after its first byte."""
        assert not any(b" " in piece[1:] or b"\n" in piece[1:] for piece in self.pieces[259:])
        tokens, words = [], {}
        for word in (" " + text).replace("\n", "\0\n\0").replace(" ", "\0 ").split("\0"):
            if word not in words:
                words[word] = self._encode_word(word)
            tokens += words[word]
        return tokens

    def _encode_word(self, word):
        tokens = []
        for char in word:
            data = char.encode()
            tokens += [self.ids[data]] if data in self.ids else [3 + byte for byte in data]
        while True:
            best = None
            for i in range(len(tokens) - 1):
                merged = self.ids.get(self.pieces[tokens[i]] + self.pieces[tokens[i + 1]])
                if merged is not None and (best is None or self.scores[merged] > best[0]):
                    best = (self.scores[merged], i, merged)
            if best is None:
                return tokens
            tokens[best[1] : best[1] + 2] = [best[2]]

    def decode(self, tokens):
        """Without BOS, and without the space in front of the first word."""
        text = b""
        for previous, token in zip(tokens, tokens[1:]):
            piece = self.pieces[token]
            if 3 <= token < 259:
                piece = bytes([token - 3])
            text += piece[1:] if previous == 1 and piece.startswith(b" ") else piece
        return text.decode(errors="replace")
