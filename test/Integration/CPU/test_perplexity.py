"""`sq-run perplexity` is what its definition in docs/models.md says."""

import json

import checkpoints
import numpy as np
import pytest
from conftest import DEMO, run_tool
from llama import forward, negative_log_likelihood

TEXT = DEMO / "valid.txt"


def perplexity(model, windows):
    nll = [
        negative_log_likelihood(forward(model, window)[:-1], window[1:])
        for window in windows
        if len(window) > 1
    ]
    return float(np.exp(np.mean(np.concatenate(nll)))), sum(map(len, nll))


def measure(compiler, *options, text=TEXT):
    artifact = compiler.compile(DEMO / "dense").with_suffix(".so")
    return json.loads(run_tool("sq-run", "perplexity", artifact, "--tokenizer",
                               DEMO / "tokenizer.bin", "--text", text, "--json", *options))


@pytest.fixture(scope="module")
def model():
    return checkpoints.read(DEMO / "dense")


@pytest.fixture(scope="module")
def tokens():
    tokenizer = checkpoints.Tokenizer(DEMO / "tokenizer.bin")
    return tokenizer.encode(TEXT.read_bytes().decode())


def split(tokens, size):
    return [tokens[i : i + size] for i in range(0, len(tokens), size)]


def test_whole_text(compiler, model, tokens):
    """One BOS begins the text; also what PyTorch found (models/demo)."""
    result = measure(compiler)
    expected, scored = perplexity(model, split([1, *tokens], 256))
    assert result["scored"] == scored
    assert result["tokens"] == len(tokens) + 1
    assert result["perplexity"] == pytest.approx(expected, rel=1e-4)
    figures = json.loads((DEMO / "figures.json").read_text())["perplexity"]["valid.txt"]
    assert result["scored"] == figures["scored"]
    assert result["tokens"] == figures["tokens"]
    assert result["perplexity"] == pytest.approx(figures["dense"], rel=1e-4)


def excerpt(path, fits):
    """The tokens of the beginning of the text, so long that it `fits`."""
    tokenizer, text = checkpoints.Tokenizer(DEMO / "tokenizer.bin"), TEXT.read_bytes()
    for size in range(2000, len(text)):
        tokens = tokenizer.encode(text[:size].decode())
        if fits(len(tokens)):
            path.write_bytes(text[:size])
            return tokens
    raise AssertionError("no such beginning")


def test_bos_in_each_window(compiler, model, tmp_path):
    """With --bos the first token of each window of the text is scored, too."""
    tokens = excerpt(tmp_path / "text", lambda count: count % 63 == 5)
    result = measure(compiler, "--bos", "--window=64", text=tmp_path / "text")
    expected, scored = perplexity(model, [[1, *part] for part in split(tokens, 63)])
    assert result["scored"] == scored == result["tokens"] == len(tokens)
    assert result["perplexity"] == pytest.approx(expected, rel=1e-4)


def test_last_window_of_one_token(compiler, model, tmp_path):
    """It has nothing to be predicted from."""
    tokens = [1, *excerpt(tmp_path / "text", lambda count: (count + 1) % 64 == 1)]
    result = measure(compiler, "--window=64", text=tmp_path / "text")
    expected, scored = perplexity(model, split(tokens, 64))
    assert result["scored"] == scored == len(tokens) - len(tokens) // 64 - 1
    assert result["perplexity"] == pytest.approx(expected, rel=1e-4)
