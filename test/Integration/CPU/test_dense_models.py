"""Imported f32 models compute what an independent forward pass computes.

Tolerance: 1e-4 in the measure of llama.relative_error, over 200 positions. The
reference is in float64, so this is the error of f32 arithmetic: 3e-6 here. To
know what would be caught: with an rms_norm_eps of 1e-6 in place of 1e-5 the demo
model is off by 2e-3, with a rope_theta of 10010 in place of 10000 by 3e-4.
"""

import checkpoints
import numpy as np
import pytest
from artifact import LanguageModel
from conftest import DEMO, find_model, trained_model
from llama import forward, relative_error

MODELS = ["dense", "sparse24", "stories260K", "babyllama105"]
POSITIONS = 200
TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=MODELS)
def pair(request, compiler):
    """A checkpoint as NumPy has it, and compiled."""
    for name in MODELS:
        if path := find_model(name):
            compiler.start(path)
    path = trained_model(request.param)
    reference = checkpoints.read(path)
    artifact = compiler.compile(path).with_suffix(".so")
    with LanguageModel(artifact, reference.config.vocab, threads=2) as model:
        yield reference, model


@pytest.fixture(scope="module")
def expected(pair):
    """Tokens, and the reference's logits."""
    tokens = np.random.default_rng(1).integers(0, pair[0].config.vocab, POSITIONS)
    tokens[0] = 1
    return tokens, forward(pair[0], tokens)


def test_prefill(pair, expected):
    tokens, logits = expected
    assert relative_error(pair[1].prefill(tokens), logits) <= TOLERANCE


def test_decode(pair, expected):
    tokens, logits = expected
    assert relative_error(pair[1].decode(tokens), logits) <= TOLERANCE


def test_prefill_and_decode_mixed(pair, expected):
    tokens, logits = expected
    model, parts, pos = pair[1], [], 0
    for function, length in [("prefill", 50), ("decode", 30), ("prefill", 1), ("decode", 1),
                             ("prefill", 69), ("decode", 49)]:
        parts.append(getattr(model, function)(tokens[pos : pos + length], pos))
        pos += length
    assert relative_error(np.concatenate(parts), logits) <= TOLERANCE


def test_a_later_call_does_not_see_an_earlier_one(pair, expected):
    """Positions beyond the end of a sequence hold an earlier one's keys."""
    tokens, logits = expected
    pair[1].prefill(tokens[::-1].copy())
    assert relative_error(pair[1].prefill(tokens[:7]), logits[:7]) <= TOLERANCE


def test_greedy_text(pair):
    """The reference would have appended each token that the model appended."""
    reference, model = pair
    tokens = model.greedy([1], POSITIONS)
    logits = forward(reference, tokens)
    assert logits[:-1].argmax(axis=-1).tolist() == tokens[1:]


# What llama2.c's run.c prints at temperature 0 for 200 steps.
STORY = """\
Once upon a time, there was a little girl named Lily. She loved to play outside in the park. \
One day, she saw a big, red ball. She wanted to play with it, but it was too high.
Lily's mom said, "Lily, let's go to the park." Lily was sad and didn't know what to do. \
She said, "I want to play with your ball, but I can't find it."
Lily was sad and didn't know what to do. \
She said, "I'm sorry, Lily. I didn't know what to do."
Lily didn't want to help her mom, so"""


def test_story_of_llama2c(compiler):
    path = trained_model("stories260K")
    artifact = compiler.compile(path).with_suffix(".so")
    tokenizer = checkpoints.Tokenizer(path.with_name("tok512.bin"))
    with LanguageModel(artifact, 512, threads=2) as model:
        assert tokenizer.decode(model.greedy([1], 200)) == STORY


def test_readers_agree_with_the_safetensors_package():
    """checkpoints.py is a reference too, so it is compared with another one."""
    numpy = pytest.importorskip("safetensors.numpy")
    weights = checkpoints.read_safetensors(DEMO / "dense" / "model.safetensors")
    others = numpy.load_file(DEMO / "dense" / "model.safetensors")
    assert weights.keys() == others.keys()
    for name, other in others.items():
        np.testing.assert_array_equal(weights[name], other.astype(np.float32))
