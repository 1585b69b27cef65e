"""Writes a tiny Hugging Face folder of the Llama family, and broken variants.

usage: make-models.py FOLDER  ->  FOLDER/good, FOLDER/<what is wrong>, ...
"""

import json
import pathlib
import struct
import sys

root = pathlib.Path(sys.argv[1])
config = {
    "model_type": "llama",
    "vocab_size": 8,
    "hidden_size": 4,
    "intermediate_size": 6,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 16,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
}
layer = "model.layers.0."
shapes = {
    "model.embed_tokens.weight": [8, 4],
    layer + "input_layernorm.weight": [4],
    layer + "self_attn.q_proj.weight": [4, 4],
    layer + "self_attn.k_proj.weight": [2, 4],
    layer + "self_attn.v_proj.weight": [2, 4],
    layer + "self_attn.o_proj.weight": [4, 4],
    layer + "post_attention_layernorm.weight": [4],
    layer + "mlp.gate_proj.weight": [6, 4],
    layer + "mlp.up_proj.weight": [6, 4],
    layer + "mlp.down_proj.weight": [4, 6],
    "model.norm.weight": [4],
}


def safetensors(shapes, dtypes=()):
    """Zeros of f32, or of other types where `dtypes` says so."""
    header, end = {}, 0
    for name, shape in shapes.items():
        dtype, size = dict(dtypes).get(name, ("F32", 4))
        begin, end = end, end + size * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def folder(name, config=config, **files):
    """Names of files have `_` for `.`."""
    path = root / name
    path.mkdir(parents=True)
    text = config if isinstance(config, str) else json.dumps(config)
    (path / "config.json").write_text(text)
    for file, content in (files or {"model_safetensors": safetensors(shapes)}).items():
        data = content if isinstance(content, bytes) else content.encode()
        (path / file.replace("_", ".")).write_bytes(data)


folder("good")

# config.json
folder("not-json", config='{"model_type": ')
folder("array", config="[]")
folder("deep", config="[" * 200000)
for name, keys in {
    "no-type": {"model_type": None},
    "gpt2": {"model_type": "gpt2"},
    "gelu": {"hidden_act": "gelu"},
    "attention-bias": {"attention_bias": True},
    "mlp-bias": {"mlp_bias": True},
    "quantized": {"quantization_config": {"quant_method": "gptq"}},
    "rope-scaling": {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
    "rope-parameters": {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}},
    "partial-rope": {"partial_rotary_factor": 0.5},
    "rope-number": {"rope_scaling": 2},
    "no-hidden": {"hidden_size": None},
    "text-hidden": {"hidden_size": "4"},
    "zero-layers": {"num_hidden_layers": 0},
    "huge": {"vocab_size": 1 << 40},
    "kv-heads": {"num_attention_heads": 4, "num_key_value_heads": 3},
    "odd-head": {"head_dim": 3},
    "no-head-dim": {"num_attention_heads": 3},
    "theta": {"rope_theta": -1},
    "theta-text": {"rope_theta": "big"},
    "eps": {"rms_norm_eps": -1e-5},
    "tied-text": {"tie_word_embeddings": "yes"},
}.items():
    folder(name, config=config | keys)
folder("theta-infinite", config=json.dumps(config)[:-1] + ', "rope_theta": 1e999}')

# Weights
good = safetensors(shapes)
folder("no-weights", other_txt="")
folder("missing-tensor",
       model_safetensors=safetensors({n: s for n, s in shapes.items() if "up_proj" not in n}))
folder("untied-without-head", config=config | {"tie_word_embeddings": False})
folder("wrong-shape",
       model_safetensors=safetensors(shapes | {layer + "mlp.up_proj.weight": [4, 6]}))
folder("wrong-type",
       model_safetensors=safetensors(shapes, {"model.norm.weight": ("I32", 4)}))
folder("fp8", model_safetensors=safetensors(shapes, {"model.norm.weight": ("F8_E4M3", 1)}))
folder("truncated", model_safetensors=good[:-10])
folder("truncated-header", model_safetensors=good[:100])
folder("empty", model_safetensors="")
folder("noise", model_safetensors=bytes(range(256)) * 4)
index = "model_safetensors_index_json"
shard = {name: "model-1.safetensors" for name in shapes}
folder("index-not-json", **{index: "{"})
folder("index-without-map", **{index: "{}"})
folder("missing-shard", **{index: json.dumps({"weight_map": shard})})
folder("index-lacks", **{index: json.dumps({"weight_map": {"a": "model-1.safetensors"}})})
folder("index-escapes",
       **{index: json.dumps({"weight_map": shard | {"model.norm.weight": "../x.safetensors"}})})
folder("index-number", **{index: json.dumps({"weight_map": shard | {"model.norm.weight": 1}})})
folder("shard-lacks", **{index: json.dumps({"weight_map": shard}),
                         "model-1_safetensors": safetensors({"a": [1]})})

# llama2.c checkpoints
def checkpoint(name, header, floats):
    (root / name).write_bytes(struct.pack(f"<{len(header)}i", *header) + bytes(4 * floats))


sizes = (4, 6, 1, 2, 1, 8, 16)
count = sum(shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes.values()) + 2 * 16
checkpoint("good.bin", sizes, count)
checkpoint("short.bin", sizes, count - 1)
checkpoint("long.bin", sizes, count + 1)
checkpoint("header.bin", sizes[:5], 0)
checkpoint("untied.bin", (4, 6, 1, 2, 1, -8, 16), count)
checkpoint("version1.bin", (0x616B3432, 1) + sizes, count)
checkpoint("heads.bin", (4, 6, 1, 3, 1, 8, 16), count)
checkpoint("negative.bin", (4, 6, -1, 2, 1, 8, 16), count)
checkpoint("huge.bin", (1 << 30, 1 << 30, 4096, 2, 1, 1 << 30, 1 << 30), 0)
(root / "text.bin").write_text("This is no checkpoint, but a text of some length.\n")
