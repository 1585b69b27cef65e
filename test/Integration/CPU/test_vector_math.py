"""exp, tanh and erf of compiled code against float64, in units in the last place
(ulp). About 5 s."""

import math

import artifact
import conftest
import numpy as np
import pytest

FUNCTIONS = {
    "exp": np.exp,
    "tanh": np.tanh,
    "erf": lambda x: np.array([math.erf(v) for v in x]),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    source = tmp_path_factory.mktemp("math") / "math.mlir"
    source.write_text("".join(
        f"""func.func @{name}(%x: tensor<?xf32> {{sq.dims = ["N"]}})
            -> (tensor<?xf32> {{sq.dims = ["N"]}}) {{
          %y = math.{name} %x : tensor<?xf32>
          return %y : tensor<?xf32>
        }}""" for name in FUNCTIONS))
    library = source.with_suffix(".so")
    conftest.run_tool("sq-compile", source, "--quiet", "-o", library)
    with artifact.Artifact(library) as result:
        yield result


def compute(model, name, x):
    return model.call(name, [x], [x.shape])[0]


# The bounds that sq-approximate-math states.
@pytest.mark.parametrize("name, low, high, ulp", [
    ("exp", -87, 10, 1), ("exp", 10, 88.7, 4),
    ("tanh", -10, 10, 5), ("tanh", -1e-3, 1e-3, 5),
    ("erf", -5, 5, 5), ("erf", -1e-3, 1e-3, 5),
])
def test_error(model, name, low, high, ulp):
    x = np.random.default_rng(0).uniform(low, high, 200_001).astype(np.float32)
    expected = FUNCTIONS[name](x.astype(np.float64))
    gap = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
    assert (np.abs(compute(model, name, x) - expected) / gap).max() < ulp


def test_special_values(model):
    inf, nan = np.inf, np.nan
    x = np.array([0, -0.0, -inf, inf, nan, -1000, 1000], np.float32)
    np.testing.assert_array_equal(compute(model, "exp", x), [1, 1, 0, inf, nan, 0, inf])
    np.testing.assert_array_equal(compute(model, "tanh", x), [0, 0, -1, 1, nan, -1, 1])
    np.testing.assert_array_equal(compute(model, "erf", x), [0, 0, -1, 1, nan, -1, 1])
