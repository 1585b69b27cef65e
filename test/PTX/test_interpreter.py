"""The interpreter of PTX against NumPy and ml_dtypes, and what it refuses.

Fragments of `mma` are spread over the lanes here by register and byte, which is another
way to say what the PTX ISA's tables (and test/PTX/Matrix.cpp) say by element.
"""

import ml_dtypes
import numpy as np
import pytest
from ptx_driver import LaunchError, load_driver

HEAD = ".version 8.5\n.target sm_90a\n.address_size 64\n"


def kernel(body, parameters=1, registers="", variables=""):
    names = ",\n".join(f".param .u64 f_param_{i}" for i in range(parameters))
    return (f"{HEAD}{variables}\n.visible .entry f({names})\n{{\n.reg .pred %p<8>;\n"
            f".reg .b16 %rs<16>;\n.reg .b32 %r<64>;\n.reg .b64 %rd<32>;\n{registers}\n"
            "ld.param.b64 %rd1, [f_param_0];\ncvta.to.global.u64 %rd1, %rd1;\n"
            f"mov.u32 %r1, %tid.x;\n{body}\nret;\n}}\n")


def run(body, arrays, registers="", variables="", **launch):
    load_driver().run(kernel(body, len(arrays), registers, variables), "f", arrays, **launch)


def fail(body, arrays, capfd, **launch):
    with pytest.raises(LaunchError):
        run(body, arrays, **launch)
    return capfd.readouterr().err


# %rd2 is the address of this thread's word.
WORD = "mul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd2, %rd1, %rd2;\n"
ONE_WORD = ".shared .align 16 .b8 room[4096];"


def on_words(body, values):
    """What `body` makes of %r2, a word of each thread, in %r3."""
    array = values.copy().view(np.uint32)
    run(f"{WORD}ld.global.b32 %r2, [%rd2];\n{body}\nst.global.b32 [%rd2], %r3;", [array],
        block=array.size)
    return array


def test_integers():
    x = np.random.default_rng(0).integers(-2**31, 2**31, 64).astype(np.int32)
    for body, expected in [
            ("mad.lo.s32 %r3, %r2, %r2, 7;", x * x + 7),
            ("mul.hi.s32 %r3, %r2, %r2;", (x.astype(np.int64) ** 2 >> 32).astype(np.int32)),
            ("shr.s32 %r3, %r2, 5;", x >> 5),
            ("bfe.s32 %r3, %r2, 8, 8;", (x >> 8).astype(np.int8)),
            ("min.u32 %r3, %r2, 1000;", np.minimum(x.view(np.uint32), 1000)),
            ("cvt.s32.s8 %r3, %r2;", x.astype(np.int8)),
            ("and.b32 %r3, %r2, 0xF0F0F0F0;", x & np.int32(0xF0F0F0F0 - 2**32)),
            ("lop3.b32 %r3, %r2, 15, 3, 0x6A;", (x & 15) ^ 3),
            ("prmt.b32 %r3, %r2, 0, 0x0123;", x.byteswap()),
            ("mov.b64 %rd3, {%r1, %r2};\nmov.b64 {_, %r3}, %rd3;", x),
            ("setp.lt.s32 %p1, %r2, 0;\nselp.b32 %r3, 1, 2, %p1;", np.where(x < 0, 1, 2))]:
        np.testing.assert_array_equal(on_words(body, x).view(np.int32),
                                      expected.astype(np.int64).astype(np.uint32).view(np.int32))


def test_floats():
    x = np.random.default_rng(1).standard_normal(96).astype(np.float32)
    x *= np.exp2(np.random.default_rng(2).integers(-30, 30, 96)).astype(np.float32)
    exact = x.astype(np.float64)
    # What f16 can't hold is infinite, and NumPy says so.
    with np.errstate(over="ignore"):
        to_f16 = x.astype(np.float16).view(np.uint16).astype(np.uint32)
    halves = x.astype(ml_dtypes.bfloat16).view(np.uint16).astype(np.uint32)
    for body, expected in [
            ("fma.rn.f32 %r3, %r2, %r2, %r2;", (exact * exact + exact).astype(np.float32)),
            ("div.rn.f32 %r3, 0f3F800000, %r2;", 1 / x),
            ("cvt.rmi.f32.f32 %r3, %r2;", np.floor(x)),
            ("cvt.rn.bf16.f32 %rs1, %r2;\ncvt.u32.u16 %r3, %rs1;", halves),
            ("cvt.rn.f16.f32 %rs1, %r2;\ncvt.u32.u16 %r3, %rs1;",
             to_f16),
            ("cvt.rn.bf16x2.f32 %r3, %r2, %r2;", halves << 16 | halves)]:
        np.testing.assert_array_equal(on_words(body, x), expected.view(np.uint32))
    small = np.clip(x, -100, 100)
    np.testing.assert_array_equal(on_words("cvt.rzi.s32.f32 %r3, %r2;", small).view(np.int32),
                                  small.astype(np.int32))


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("op", ["add", "mul", "fma"])
def test_pairs_of_f32(op, half):
    x = np.random.default_rng(3).standard_normal(64).astype(np.float32)
    exact, other = x.astype(np.float64), 3.0
    # The other half is 3 in each operand.
    low, high = ("%r2", "%r4") if half == 0 else ("%r4", "%r2")
    to = "{%r3, %r5}" if half == 0 else "{%r5, %r3}"
    operands = "%rd3, %rd3, %rd3" if op == "fma" else "%rd3, %rd3"
    body = (f"mov.b32 %r4, 0f40400000;\nmov.b64 %rd3, {{{low}, {high}}};\n"
            f"{op}.rn.f32x2 %rd4, {operands};\nmov.b64 {to}, %rd4;")
    expected = {"add": exact + exact, "mul": exact * exact, "fma": exact * exact + exact}[op]
    np.testing.assert_array_equal(on_words(body, x), expected.astype(np.float32).view(np.uint32))
    three = {"add": other + other, "mul": other * other, "fma": other * other + other}[op]
    body += "\nmov.b32 %r3, %r5;"
    np.testing.assert_array_equal(on_words(body, x).view(np.float32), np.float32(three))


def test_divergence():
    """Lanes leave a loop one after the other, and come together behind it."""
    out = np.zeros(64, np.uint32)
    run(f"""{WORD}
mov.b32 %r3, 0;
$loop:
add.s32 %r3, %r3, 1;
setp.lt.u32 %p1, %r3, %r1;
@%p1 bra $loop;
st.global.b32 [%rd2], %r3;""", [out], block=64)
    np.testing.assert_array_equal(out, np.maximum(np.arange(64), 1))


def lanes(matrix, rows, size):
    """Registers [32, count] of a matrix of bytes [8 or 16, columns]: those of `rows` rows."""
    count = rows // 8 * (matrix.shape[1] // 16)
    words = np.zeros((32, count), np.uint32)
    for lane in range(32):
        for r in range(count):
            row = lane // 4 + (8 * (r % 2) if rows == 16 else 0)
            column = lane % 4 * 4 + 16 * (r // 2 if rows == 16 else r)
            words[lane, r] = matrix[row, column:column + 4].copy().view(np.uint32)[0]
    return words


def spread_metadata(positions, size, selector):
    """Metadata [32] of positions [16, groups] of four bits."""
    words = np.zeros(32, np.uint32)
    for row in range(16):
        for group in range(positions.shape[1]):
            bits = int(positions[row, group])
            if size == 1:
                lane, shift = row % 8 * 4 + row // 8 + group // 8 * 2, group % 8 * 4
            else:
                lane = row % 8 * 4 + selector * 2 + group // 4
                shift = row // 8 * 16 + group % 4 * 4
            words[lane] |= np.uint32(bits << shift)
    return words


TYPES = {"s8": (np.int8, "s32", np.int32), "bf16": (ml_dtypes.bfloat16, "f32", np.float32),
         "f16": (np.float16, "f32", np.float32), "e4m3": (ml_dtypes.float8_e4m3fn, "f32", np.float32),
         "e5m2": (ml_dtypes.float8_e5m2, "f32", np.float32)}


@pytest.mark.parametrize("selector", [None, 0, 1])
@pytest.mark.parametrize("name", TYPES)
def test_mma(name, selector):
    dtype, acc, acc_dtype = TYPES[name]
    size = np.dtype(dtype).itemsize
    sparse = selector is not None
    if sparse and selector and size == 1:
        selector = 0
    k = (64 if sparse else 32) // size
    rng = np.random.default_rng(k)
    a = rng.integers(-7, 8, (16, k)).astype(np.float32)
    b = rng.integers(-7, 8, (8, k)).astype(dtype)
    c = rng.integers(-99, 99, (16, 8)).astype(acc_dtype)
    stored, metadata = a.astype(dtype), np.zeros(32, np.uint32)
    if sparse:
        order = rng.random((16, k // 4, 4)).argsort(axis=2)[:, :, :2]
        order.sort(axis=2)
        groups = a.reshape(16, k // 4, 4)
        kept = np.take_along_axis(groups, order, 2)
        a = np.zeros_like(groups)
        np.put_along_axis(a, order, kept, 2)
        a = a.reshape(16, k)
        stored = kept.reshape(16, k // 2).astype(dtype)
        metadata = spread_metadata(order[:, :, 0] | order[:, :, 1] << 2, size, selector)
    result = np.zeros((32, 4), acc_dtype)
    lane = np.arange(32)
    c_lanes = np.stack([c[lane // 4 + 8 * (i // 2), lane % 4 * 2 + i % 2] for i in range(4)], 1)
    words = np.concatenate([lanes(stored.view(np.uint8).reshape(16, -1), 16, size),
                            lanes(b.view(np.uint8).reshape(8, -1), 8, size),
                            np.ascontiguousarray(c_lanes).view(np.uint32),
                            metadata[:, None]], axis=1)
    count = words.shape[1]
    loads = "".join(f"ld.global.b32 %r{10 + i}, [%rd3+{4 * i}];\n" for i in range(count))
    num_b = count - 9
    regs = [f"%r{10 + i}" for i in range(count)]
    part = lambda start, n: "{" + ", ".join(regs[start:start + n]) + "}"
    spelled = "mma.sp::ordered_metadata" if sparse else "mma"
    tail = f", {regs[-1]}, {selector}" if sparse else ""
    run(f"""mul.wide.u32 %rd3, %r1, {4 * count};
ld.param.b64 %rd4, [f_param_1];
add.s64 %rd3, %rd4, %rd3;
{loads}
{spelled}.sync.aligned.m16n8k{k}.row.col.{acc}.{name}.{name}.{acc} {{%r2, %r3, %r4, %r5}}, """
        f"""{part(0, 4)}, {part(4, num_b)}, {part(4 + num_b, 4)}{tail};
mul.wide.u32 %rd2, %r1, 16;
add.s64 %rd2, %rd1, %rd2;
st.global.v4.b32 [%rd2], {{%r2, %r3, %r4, %r5}};""", [result, words])
    expected = c + a @ b.astype(np.float32).T
    for i in range(4):
        np.testing.assert_array_equal(
            result[:, i], expected[lane // 4 + 8 * (i // 2), lane % 4 * 2 + i % 2])


def test_ldmatrix():
    out = np.zeros((32, 4), np.uint32)
    rows = np.arange(32 * 4, dtype=np.uint32).reshape(32, 4)
    run("""ld.param.b64 %rd4, [f_param_1];
mul.wide.u32 %rd3, %r1, 16;
add.s64 %rd5, %rd4, %rd3;
ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%rd5];
mov.b64 %rd6, room;
add.s64 %rd7, %rd6, %rd3;
st.shared.v4.b32 [%rd7], {%r2, %r3, %r4, %r5};
ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r2, %r3, %r4, %r5}, [%rd7];
add.s64 %rd2, %rd1, %rd3;
st.global.v4.b32 [%rd2], {%r2, %r3, %r4, %r5};""", [out, rows], variables=ONE_WORD)
    for m in range(4):
        np.testing.assert_array_equal(out[:, m], rows[8 * m:8 * m + 8].reshape(-1))


@pytest.mark.parametrize("distance", [1, 2, 4, 8, 16])
def test_shuffle(distance):
    x = np.arange(64, dtype=np.uint32)
    body = f"shfl.sync.bfly.b32 %r3, %r2, {distance}, 31, -1;"
    np.testing.assert_array_equal(on_words(body, x), x ^ np.uint32(distance))


def test_lanes_wait_for_a_shuffle():
    """Lane 0 comes there by a block behind it."""
    x = np.arange(32, dtype=np.uint32)
    body = """mov.b32 %r4, 7;
setp.eq.u32 %p1, %r1, 0;
@%p1 bra $late;
$exchange:
shfl.sync.bfly.b32 %r3, %r4, 16, 31, -1;
bra $end;
$late:
mov.b32 %r4, 9;
bra $exchange;
$end:"""
    expected = np.full(32, 7, np.uint32)
    expected[16] = 9
    np.testing.assert_array_equal(on_words(body, x), expected)


ROOM = "mov.b64 %rd6, room;\nmul.wide.u32 %rd3, %r1, 4;\nadd.s64 %rd7, %rd6, %rd3;\n"
COPY = ("mul.wide.u32 %rd3, %r1, 16;\nadd.s64 %rd5, %rd1, %rd3;\nmov.b64 %rd6, room;\n"
        "add.s64 %rd7, %rd6, %rd3;\n")


def test_cp_async_arrives_at_the_wait():
    data = np.arange(32 * 4, dtype=np.uint32)
    run(COPY + """cp.async.cg.shared.global [%rd7], [%rd5], 16, 8;
cp.async.commit_group;
cp.async.wait_group 0;
ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%rd7];
st.global.v4.b32 [%rd5], {%r2, %r3, %r4, %r5};""", [data], variables=ONE_WORD)
    expected = np.arange(32 * 4, dtype=np.uint32).reshape(32, 4)
    expected[:, 2:] = 0
    np.testing.assert_array_equal(data.reshape(32, 4), expected)


REFUSED = {
    "race": (ROOM + "st.shared.b32 [room], %r1;", 64,
             "race: warp 1 writes byte 0 of shared memory that warp 0 wrote"),
    "read-race": (ROOM + "st.shared.b32 [%rd7], %r1;\nbar.sync 0;\nld.shared.b32 %r2, [room];\n"
                  "setp.ge.u32 %p1, %r1, 32;\n@%p1 st.shared.b32 [room], %r1;", 64,
                  "race: warp 1 writes byte 0 of shared memory that another warp read"),
    "global-race": (WORD + "st.global.b32 [%rd2], %r1;\nld.global.b32 %r2, [%rd1];", 64,
                    "race: warp 1 reads global memory that warp 0 wrote since the last barrier"),
    "global-writes": ("st.global.b32 [%rd1], %r1;", 64,
                      "race: warp 1 writes global memory that warp 0 wrote"),
    "unwritten": (ROOM + "ld.shared.b32 %r2, [%rd7];", 32, "was never written"),
    "shared-bounds": (ROOM + "st.shared.b32 [%rd7+4096], %r1;", 32,
                      "access to byte 4096 of 4096 bytes of shared memory"),
    "no-wait": (COPY + "cp.async.cg.shared.global [%rd7], [%rd5], 16;\n"
                "cp.async.commit_group;\nld.shared.b32 %r2, [%rd7];", 32,
                "before a wait for the cp.async that writes it"),
    "no-barrier": (COPY + "cp.async.cg.shared.global [%rd7], [%rd5], 16;\n"
                   "cp.async.commit_group;\ncp.async.wait_group 0;\nld.shared.b32 %r2, [room];",
                   64, "race: warp 1 reads byte 0 of shared memory that warp 0 wrote"),
    "global-bounds": ("ld.global.b32 %r2, [%rd1+4096];", 32,
                      "access of 4 bytes outside of the device's allocations"),
    "alignment": ("ld.global.b32 %r2, [%rd1+2];", 32, "isn't aligned"),
    "some-shuffle": ("setp.lt.u32 %p1, %r1, 5;\n@%p1 bra $end;\n"
                     "shfl.sync.bfly.b32 %r3, %r1, 1, 31, -1;\n$end:", 32,
                     "a warp without all of its lanes"),
    "two-shuffles": ("setp.lt.u32 %p1, %r1, 5;\n@%p1 bra $other;\n"
                     "shfl.sync.bfly.b32 %r3, %r1, 1, 31, -1;\nbra $end;\n$other:\n"
                     "shfl.sync.bfly.b32 %r3, %r1, 1, 31, -1;\n$end:", 32,
                     "only some lanes of a warp reach shfl.sync.bfly.b32"),
    "few-shuffle": ("shfl.sync.bfly.b32 %r3, %r1, 1, 31, -1;", 8,
                    "a warp without all of its lanes"),
    "some-at-barrier": ("setp.lt.u32 %p1, %r1, 5;\n@%p1 bra $end;\nbar.sync 0;\n$end:", 32,
                        "only some lanes of a warp reach bar.sync"),
    "some-warps-leave": ("setp.lt.u32 %p1, %r1, 32;\n@%p1 bra $end;\nbar.sync 0;\n$end:", 64,
                         "some warps of a block leave while others are at a barrier"),
    "metadata": ("mov.b32 %r2, 0;\nmma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.s32.s8.s8."
                 "s32 {%r3, %r4, %r5, %r6}, {%r2, %r2, %r2, %r2}, {%r2, %r2, %r2, %r2}, "
                 "{%r2, %r2, %r2, %r2}, %r2, 0;", 32, "metadata isn't in ascending order"),
    "no-parameter": ("ld.param.b64 %rd9, [f_param_0+8];", 32, "access outside of the parameter"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(name, capfd):
    body, threads, message = REFUSED[name]
    error = fail(body, [np.zeros(1024, np.uint32)], capfd, block=threads, variables=ONE_WORD)
    assert "PTX: f: line " in error or "some warps" in error
    assert message in error


@pytest.mark.parametrize("body, message", [
    ("frobnicate.b32 %r2, %r1;", "'frobnicate.b32' isn't known"),
    ("cvt.rz.f32.f64 %r2, %rd1;", "'cvt.rz.f32.f64' isn't known"),
    ("bra $nowhere;", "no label '$nowhere'")])
def test_does_not_know(body, message, capfd):
    assert message in fail(body, [np.zeros(4, np.uint32)], capfd)


def test_too_much_shared_memory():
    with pytest.raises(LaunchError):
        run("", [np.zeros(4, np.uint32)], shared=100 << 10)
