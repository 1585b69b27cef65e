"""Checkpoints that exercise what the trained models don't, against NumPy.

The models are random and tiny; each case says in its config, and in how it is
stored, what it is about.
"""

import json
from dataclasses import asdict

import checkpoints
import ml_dtypes
import numpy as np
import pytest
from artifact import LanguageModel
from llama import Config, Model, forward, relative_error

F32, F16, BF16 = np.float32, np.float16, ml_dtypes.bfloat16
TOLERANCE = 1e-4
TOKENS = np.random.default_rng(4).integers(0, 33, 40)
SIZES = dict(vocab=33, hidden=20, ffn=27, layers=2, heads=4, kv_heads=2, head_dim=6, positions=64)


def random_model(tied, seed=5, **config):
    """Embeddings are small, so that epsilon matters."""
    c = Config(**(SIZES | config))
    rng = np.random.default_rng(seed)
    weights = {"model.embed_tokens.weight": rng.normal(0, 0.1, (c.vocab, c.hidden))}

    def linear(name, rows, columns):
        weights[name + ".weight"] = rng.normal(0, columns**-0.5, (rows, columns))

    def norm(name):
        weights[name + ".weight"] = rng.uniform(0.5, 1.5, c.hidden)

    for i in range(c.layers):
        layer = f"model.layers.{i}."
        norm(layer + "input_layernorm")
        linear(layer + "self_attn.q_proj", c.heads * c.head_dim, c.hidden)
        linear(layer + "self_attn.k_proj", c.kv_heads * c.head_dim, c.hidden)
        linear(layer + "self_attn.v_proj", c.kv_heads * c.head_dim, c.hidden)
        linear(layer + "self_attn.o_proj", c.hidden, c.heads * c.head_dim)
        norm(layer + "post_attention_layernorm")
        linear(layer + "mlp.gate_proj", c.ffn, c.hidden)
        linear(layer + "mlp.up_proj", c.ffn, c.hidden)
        linear(layer + "mlp.down_proj", c.hidden, c.ffn)
    norm("model.norm")
    if not tied:
        linear("lm_head", c.vocab, c.hidden)
    return Model(c, {name: weight.astype(F32) for name, weight in weights.items()})


def round_weights(model, dtypes):
    """What is stored, types in turn; the model then has the rounded values."""
    stored = {
        name: weight.astype(dtypes[i % len(dtypes)])
        for i, (name, weight) in enumerate(model.weights.items())
    }
    model.weights = {name: weight.astype(F32) for name, weight in stored.items()}
    return stored


def write_folder(folder, config, tensors, shards=1):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    if shards == 1:
        return checkpoints.write_safetensors(folder / "model.safetensors", tensors)
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = dict(list(tensors.items())[shard::shards])
        checkpoints.write_safetensors(folder / name, part)
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def hugging_face_config(c, tied, **keys):
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": c.vocab,
        "hidden_size": c.hidden,
        "intermediate_size": c.ffn,
        "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads,
        "num_key_value_heads": c.kv_heads,
        "head_dim": c.head_dim,
        "max_position_embeddings": c.positions,
        "rope_theta": c.theta,
        "rms_norm_eps": c.eps,
        "hidden_act": "silu",
        "tie_word_embeddings": tied,
    } | keys


def assert_agrees(compiler, path, model):
    expected = forward(model, TOKENS)
    artifact = compiler.compile(path).with_suffix(".so")
    with LanguageModel(artifact, model.config.vocab, threads=2) as compiled:
        assert relative_error(compiled.prefill(TOKENS), expected) <= TOLERANCE
        assert relative_error(compiled.decode(TOKENS), expected) <= TOLERANCE


def test_shards_of_mixed_types(compiler, tmp_path):
    model = random_model(tied=False)
    tensors = round_weights(model, [BF16, F16, F32])
    write_folder(tmp_path / "m", hugging_face_config(model.config, False), tensors, shards=3)
    assert_agrees(compiler, tmp_path / "m", model)


@pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=["f32", "f16", "bf16"])
def test_type(compiler, tmp_path, dtype):
    model = random_model(tied=True)
    tensors = round_weights(model, [dtype])
    write_folder(tmp_path / "m", hugging_face_config(model.config, True), tensors)
    assert_agrees(compiler, tmp_path / "m", model)


@pytest.mark.parametrize(
    "config",
    [dict(theta=500000.0), dict(eps=1e-2), dict(eps=0.0), dict(kv_heads=1),
     dict(kv_heads=4), dict(head_dim=2), dict(heads=1, kv_heads=1, head_dim=32), dict(layers=1)],
    ids=str,
)
def test_config(compiler, tmp_path, config):
    model = random_model(tied=False, **config)
    write_folder(tmp_path / "m", hugging_face_config(model.config, False), model.weights)
    assert_agrees(compiler, tmp_path / "m", model)


def test_absent_keys_have_defaults(compiler, tmp_path):
    """Those of transformers: as many key and value heads as heads, head_dim
    from hidden_size, an untied head, epsilon 1e-6, theta 10000."""
    model = random_model(tied=False, heads=5, kv_heads=5, head_dim=4, eps=1e-6, theta=10000.0)
    config = hugging_face_config(model.config, False)
    for key in ("num_key_value_heads", "head_dim", "rope_theta", "rms_norm_eps", "hidden_act",
                "tie_word_embeddings", "architectures", "max_position_embeddings"):
        del config[key]
    write_folder(tmp_path / "m", config, model.weights)
    assert_agrees(compiler, tmp_path / "m", model)


def test_rope_parameters(compiler, tmp_path):
    """Newer files keep theta there."""
    model = random_model(tied=False, theta=77000.0)
    config = hugging_face_config(
        model.config, False, rope_parameters={"rope_type": "default", "rope_theta": 77000.0},
        partial_rotary_factor=1.0,
    )
    del config["rope_theta"]
    write_folder(tmp_path / "m", config, model.weights)
    assert_agrees(compiler, tmp_path / "m", model)


def test_tied_head_ignores_a_stored_one(compiler, tmp_path):
    model = random_model(tied=True)
    tensors = model.weights | {"lm_head.weight": np.full((33, 20), np.nan, F32)}
    write_folder(tmp_path / "m", hugging_face_config(model.config, True), tensors)
    assert_agrees(compiler, tmp_path / "m", model)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_llama2c(compiler, tmp_path, tied):
    """The tables of rotations in the file are NaN: nobody reads them."""
    model = random_model(tied, heads=5, kv_heads=1, head_dim=4, interleaved=True)
    checkpoints.write_llama2c(tmp_path / "m.bin", model)
    assert asdict(checkpoints.read_llama2c(tmp_path / "m.bin").config) == asdict(model.config)
    assert_agrees(compiler, tmp_path / "m.bin", model)


def test_layers_of_a_checkpoint_are_told_apart(compiler, tmp_path):
    """A recipe compresses the layers of one name in both functions."""
    model = random_model(tied=False)
    write_folder(tmp_path / "m", hugging_face_config(model.config, False), model.weights)
    recipe = 'rules:\n  - match: "model.layers.1.mlp.up_proj"\n    weights: int8.row\n'
    report = json.loads(compiler.compile(tmp_path / "m", recipe).with_suffix(".json").read_text())
    assert [layer["name"] for layer in report["layers"]] == model.linear_layers
    formats = {layer["name"]: layer["format"] for layer in report["layers"]}
    assert {name for name in formats if formats[name] == "int8.row"} == {
        "model.layers.1.mlp.up_proj"
    }
