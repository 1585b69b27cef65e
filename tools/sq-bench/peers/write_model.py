"""Random weights of a Llama's shape, for sq-compile and for llama.cpp.

Usage: write_model.py SHAPE FOLDER

Writes FOLDER/hf (config.json and model.safetensors, bf16) and FOLDER/Q4_0.gguf and
Q8_0.gguf, all matrices quantized, by ggml itself. Norms are 1. Speed doesn't depend on
the values; the shapes are those of well-known models.
"""

import json
import pathlib
import sys

import gguf
import ggml
import numpy as np

SHAPES = {
    # Llama 3.2 1B with 32000 instead of 128256 tokens.
    "llama-1b": {"hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
                 "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 32000},
    # OPT-125M's sizes with a Llama's operations, which is what both programs read.
    "opt-125m": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                 "num_key_value_heads": 12, "intermediate_size": 3072, "vocab_size": 50272},
}
POSITIONS = 1024


def tensors(shape):
    """(Hugging Face's name, GGUF's name, extents) in order."""
    h, f = shape["hidden_size"], shape["intermediate_size"]
    kv = h // shape["num_attention_heads"] * shape["num_key_value_heads"]
    yield "model.embed_tokens.weight", "token_embd.weight", (shape["vocab_size"], h)
    for layer in range(shape["num_hidden_layers"]):
        ours, theirs = f"model.layers.{layer}", f"blk.{layer}"
        for name, short, extents in [
                ("input_layernorm", "attn_norm", (h,)),
                ("self_attn.q_proj", "attn_q", (h, h)), ("self_attn.k_proj", "attn_k", (kv, h)),
                ("self_attn.v_proj", "attn_v", (kv, h)), ("self_attn.o_proj", "attn_output", (h, h)),
                ("post_attention_layernorm", "ffn_norm", (h,)),
                ("mlp.gate_proj", "ffn_gate", (f, h)), ("mlp.up_proj", "ffn_up", (f, h)),
                ("mlp.down_proj", "ffn_down", (h, f))]:
            yield f"{ours}.{name}.weight", f"{theirs}.{short}.weight", extents
    yield "model.norm.weight", "output_norm.weight", (h,)


def values(index, extents):
    if len(extents) == 1:
        return np.ones(extents, np.float32)
    random = np.random.default_rng(index).standard_normal(extents, dtype=np.float32)
    return random * np.float32(0.02)


def bfloat16(array):
    return (array.view(np.uint32) >> 16).astype(np.uint16)


def write_hugging_face(shape, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({
        "model_type": "llama", "hidden_act": "silu", "tie_word_embeddings": True,
        "max_position_embeddings": POSITIONS, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, **shape}))
    header, offset = {}, 0
    for name, _, extents in tensors(shape):
        size = 2 * int(np.prod(extents))
        header[name] = {"dtype": "BF16", "shape": extents, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for index, (_, _, extents) in enumerate(tensors(shape)):
            bfloat16(values(index, extents)).tofile(file)


def write_gguf(shape, path, kind):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(shape["hidden_size"] // shape["num_attention_heads"])
    writer.add_vocab_size(shape["vocab_size"])
    writer.add_tokenizer_model("none")
    for index, (_, name, extents) in enumerate(tensors(shape)):
        array = values(index, extents)
        if len(extents) == 1:
            writer.add_tensor(name, array)
            continue
        rows, cols = extents
        packed = np.empty((rows, ggml.row_size(kind, cols)), np.uint8)
        ggml.quantize(kind, array.ctypes.data, packed.ctypes.data, 0, rows, cols, None)
        writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType(kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    shape, folder = SHAPES[sys.argv[1]], pathlib.Path(sys.argv[2])
    write_hugging_face(shape, folder / "hf")
    write_gguf(shape, folder / "Q4_0.gguf", 2)
    write_gguf(shape, folder / "Q8_0.gguf", 8)


if __name__ == "__main__":
    main()
