"""sq.attention, executed, against NumPy in float64.

Odd groups and heads, three types of caches, tokens in calls of several lengths,
by the kernel and by the reference lowering. About 40 s on two cores.
"""

import artifact
import conftest
import numpy as np
import pytest

LAYERS, CAPACITY = 2, 384

# Key and value heads, query heads for each of them, features of a head.
SHAPES = [(2, 1, 64), (1, 3, 6), (2, 4, 8), (1, 16, 80), (3, 9, 2)]
# Of the largest output. The reference rounds keys and values, too; what is left
# is f32: scores reach 30, where a unit in the last place is 2e-6, and a weight's
# relative error is its score's absolute one.
TOLERANCE = 1e-5
# Against exact keys and values. A score of 30 is off by 30 times the relative
# error of a key: 2^-11 of f16 elements, 1/254 of the largest of a head of codes;
# most of it averages out over a head.
STORAGE_TOLERANCE = {"f32": TOLERANCE, "f16": 5e-3, "i8": 1e-1}


def module(shape, kind):
    """`prefill` and `decode` on one layer of the caches."""
    heads, group, size = shape
    caches = [f"{LAYERS}x{heads}x{CAPACITY // 16}x{size}x16x{kind}",
              f"{LAYERS}x{heads}x{CAPACITY}x{size}x{kind}"]
    names = ["k_cache", "v_cache"]
    if kind == "i8":
        caches += [f"{LAYERS}x{heads}x{CAPACITY}xf32"] * 2
        names += ["k_scale", "v_scale"]
    caches = [f"tensor<{c}>" for c in caches]
    text = ""
    for name, count in (("prefill", "?"), ("decode", "1")):
        q, x = f"tensor<{count}x{heads}x{group}x{size}xf32>", f"tensor<{count}x{heads}x{size}xf32>"
        stored = x.replace("f32", kind)
        dims = '{sq.name = "%s", sq.dims = ["T"]}' if count == "?" else '{sq.name = "%s"}'
        body, operands, types = "", ["%q", "%k", "%v"], [q, x, x]
        if kind == "f16":
            body = f"""%kh = arith.truncf %k : {x} to {stored}
                %vh = arith.truncf %v : {x} to {stored}"""
            operands, types = ["%q", "%kh", "%vh"], [q, stored, stored]
        elif kind == "i8":
            scales = f"tensor<{count}x{heads}x1xf32>"
            body = "\n".join(
                f"%{n}q, %{n}s = sq.quantize %{n} to int<8, row> : {x} -> {stored}, {scales}"
                for n in "kv")
            operands = ["%q", "%kq", "%vq", "%ks", "%vs"]
            types = [q, stored, stored, scales, scales]
        states = [f'%c{i}: {t} {{sq.state = "{n}"}}'
                  for i, (t, n) in enumerate(zip(caches, names))]
        state_results = [f'{t} {{sq.state = "{n}"}}' for t, n in zip(caches, names)]
        cs = ", ".join(f"%c{i}" for i in range(len(caches)))
        results = ", ".join([q, *caches])
        values = ", ".join(f"%r#{i}" for i in range(len(caches) + 1))
        dim = f"""%zero = arith.constant 0 : index
            %n = tensor.dim %q, %zero : {q}
            %init = tensor.empty(%n) : {q}""" if count == "?" else f"%init = tensor.empty() : {q}"
        text += f"""
        func.func @{name}(%q: {q} {dims % 'q'}, %k: {x} {dims % 'k'}, %v: {x} {dims % 'v'},
            %p: tensor<i64> {{sq.name = "pos"}}, {", ".join(states)})
            -> ({q} {dims % 'y'}, {", ".join(state_results)}) {{
          %e = tensor.extract %p[] : tensor<i64>
          %pos = arith.index_cast %e : i64 to index
          {body}
          {dim}
          %r:{len(caches) + 1} = sq.attention ins({", ".join(operands)} : {", ".join(types)})
            at %pos outs(%init : {q}) caches({cs} : {", ".join(caches)})
            {{layer = 1, scale = 0.3 : f32}} -> {results}
          return {values} : {results}
        }}"""
    return text


def stored(x, kind):
    """What the caches hold, as f64: codes by their definition (NUM-F4)."""
    if kind == "f16":
        return x.astype(np.float16).astype(np.float64)
    if kind == "i8":
        scale = np.abs(x).max(axis=-1, keepdims=True) / np.float32(127)
        return np.rint(x / scale).astype(np.float64) * scale
    return x.astype(np.float64)


def attention(q, k, v, scale):
    """Causal, [T, heads, group, size]."""
    # [h, t, g, p]: products of matrices, one for each head.
    size = q.shape[-1]
    rows = q.astype(np.float64).transpose(1, 0, 2, 3).reshape(q.shape[1], -1, size)
    scores = (rows @ k.transpose(1, 2, 0)).reshape(q.shape[1], *q.shape[0:3:2], -1) * scale
    length = len(q)
    hidden = np.arange(length)[None, :] > np.arange(length)[:, None]
    scores = np.where(hidden[:, None, :], -np.inf, scores)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    mixed = weights.reshape(q.shape[1], -1, length) @ v.transpose(1, 0, 2)
    return mixed.reshape(q.shape[1], *q.shape[0:3:2], size).transpose(1, 0, 2, 3)


def run(model, q, k, v, calls):
    """Feeds the tokens in calls of these lengths."""
    result, pos = [], 0
    for length in calls:
        part = slice(pos, pos + length)
        result += model.call("decode" if length == 1 else "prefill",
                             [q[part], k[part], v[part], np.array(pos, np.int64)],
                             [q[part].shape])
        pos += length
    return np.concatenate(result)


@pytest.fixture(scope="module", params=["kernel", "reference"])
def compile_attention(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)

    def compile_one(shape, kind):
        source = folder / f"{'x'.join(map(str, shape))}-{kind}.mlir"
        source.write_text(module(shape, kind))
        if request.param == "reference":
            lowered = source.with_suffix(".linalg.mlir")
            conftest.run_tool("sq-opt", source, "--convert-sq-to-linalg", "-o", lowered)
            source = lowered
        library = source.with_suffix(".so")
        conftest.run_tool("sq-compile", source, "--quiet", "-o", library)
        return library

    return compile_one


@pytest.mark.parametrize("kind", ["f32", "f16", "i8"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_attention(compile_attention, shape, kind):
    heads, group, size = shape
    random = np.random.default_rng(1)
    # Lengths that end within, at and behind blocks of tokens and of positions.
    calls = [1, 1, 9, 1, 52, 1, 1, 67, 1, 128, 1, 1]
    length = sum(calls)
    q = 3 * random.standard_normal((length, heads, group, size), np.float32)
    k, v = (random.standard_normal((length, heads, size), np.float32) for _ in "kv")
    expected = attention(q, stored(k, kind), stored(v, kind), 0.3)
    with artifact.Artifact(compile_attention(shape, kind), threads=2) as model:
        for _ in range(2):  # The second time over what the first has left.
            actual = run(model, q, k, v, calls)
            error = np.abs(actual - expected).max() / np.abs(expected).max()
            assert error < TOLERANCE
    exact = attention(q, k.astype(np.float64), v.astype(np.float64), 0.3)
    assert np.abs(expected - exact).max() / np.abs(exact).max() < STORAGE_TOLERANCE[kind]


def test_old_positions_do_not_count(compile_attention):
    """What a longer sequence has left behind the last token may be anything."""
    shape = (2, 4, 8)
    random = np.random.default_rng(2)
    q = random.standard_normal((40, 2, 4, 8), np.float32)
    k, v = (random.standard_normal((40, 2, 8), np.float32) for _ in "kv")
    poison = np.full_like(k, np.nan)
    with artifact.Artifact(compile_attention(shape, "f32")) as model:
        run(model, q, poison, poison, [40])
        actual = run(model, q[:21], k[:21], v[:21], [20, 1])
    expected = attention(q[:21], k[:21].astype(np.float64), v[:21].astype(np.float64), 0.3)
    assert np.abs(actual - expected).max() < TOLERANCE * np.abs(expected).max()
