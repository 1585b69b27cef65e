"""PyTorch on the CPU: f32, dynamic int8 by FBGEMM and oneDNN, oneDNN's int8 product
alone, int4 weights with bf16 activations."""

import os
import re

import numpy as np
import torch
from worker import quantize_groups, quantize_rows

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_grad_enabled(False)


class F32:
    bits = 32

    def __init__(self, weight, copies, context):
        self.weights = [torch.from_numpy(weight).clone() for _ in range(copies)]

    def prepare(self, x):
        return torch.from_numpy(x)

    def call(self, copy, x):
        return torch.nn.functional.linear(x, self.weights[copy])

    def result(self, y):
        return y.float().numpy()


class DynamicInt8(F32):
    """The input is quantized in the call, as here."""
    bits = 8
    engine = "fbgemm"

    def __init__(self, weight, copies, context):
        torch.backends.quantized.engine = self.engine
        scales = np.abs(weight).max(axis=1) / 127
        quantized = torch.quantize_per_channel(
            torch.from_numpy(weight), torch.from_numpy(scales.astype(np.float64)),
            torch.zeros(len(scales), dtype=torch.int64), 0, torch.qint8)
        self.weights = [torch.ops.quantized.linear_prepack(quantized, None)
                        for _ in range(copies)]

    def call(self, copy, x):
        return torch.ops.quantized.linear_dynamic(x, self.weights[copy], False)


class DynamicInt8OneDNN(DynamicInt8):
    engine = "onednn"


class OneDNN(F32):
    """u8 by s8 to f32; the input is quantized before."""
    bits = 8

    def __init__(self, weight, copies, context):
        codes, scales = quantize_rows(weight)
        self.scales = torch.from_numpy(scales.reshape(-1))
        self.zeros = torch.zeros(len(scales), dtype=torch.int64)
        self.plain, self.copies, self.packed = torch.from_numpy(codes), copies, {}

    def prepare(self, x):
        # oneDNN's layout of weights depends on the number of rows.
        if x.shape[0] not in self.packed:
            self.packed = {x.shape[0]: [
                torch.ops.onednn.qlinear_prepack(self.plain, list(x.shape))
                for _ in range(self.copies)]}
        scale = float(np.abs(x).max() / 127)
        codes = torch.from_numpy((np.rint(x / scale) + 128).astype(np.uint8))
        return codes, scale

    def call(self, copy, x):
        codes, scale = x
        return torch.ops.onednn.qlinear_pointwise(
            codes, scale, 128, self.packed[codes.shape[0]][copy], self.scales, self.zeros,
            None, 1.0, 0, torch.float32, "none", [], "")


class Int4BFloat16(F32):
    bits = 4.5

    def __init__(self, weight, copies, context):
        codes, scales = quantize_groups(weight)
        n, k = weight.shape
        # [K / group, N, 2]: scales and zero points; a code c means (c - 8) * scale.
        scales = torch.from_numpy(scales[:, :, 0].T.copy())
        self.scales = torch.stack([scales, torch.zeros_like(scales)], dim=2).to(torch.bfloat16)
        codes = torch.from_numpy(codes.reshape(n, k).astype(np.int32))
        self.weights = [torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 2)
                        for _ in range(copies)]

    def prepare(self, x):
        return torch.from_numpy(x).to(torch.bfloat16)

    def call(self, copy, x):
        return torch.ops.aten._weight_int4pack_mm_for_cpu(x, self.weights[copy], 64, self.scales)


def versions():
    onednn = re.search(r"(?:oneDNN|MKL-DNN)[^v]*(v[\d.]+)", torch.__config__.show())
    return f"PyTorch {torch.__version__} (oneDNN {onednn.group(1) if onednn else 'of unknown version'})"


PEERS = {
    "PyTorch f32": F32,
    "PyTorch int8, dynamic, FBGEMM": DynamicInt8,
    "PyTorch int8, dynamic, oneDNN": DynamicInt8OneDNN,
    "oneDNN in PyTorch, int8 product alone": OneDNN,
    "PyTorch int4 g64 weights, bf16": Int4BFloat16,
}
