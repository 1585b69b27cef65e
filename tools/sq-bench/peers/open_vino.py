"""OpenVINO's CPU plugin: compressed int8 and int4 weights with activations quantized in
the call, and int8 by FakeQuantize with scales known before."""

import numpy as np
import openvino
from openvino import Model, Type, opset15 as ov
from worker import quantize_groups, quantize_rows

core = openvino.Core()


class Base:
    def __init__(self, weight, copies, context):
        self.shape, self.copies = weight.shape, copies
        self.make_weights(weight)
        self.config = {"INFERENCE_NUM_THREADS": context.threads, "NUM_STREAMS": 1,
                       "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
                       **self.options}

    options = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": 64}

    def quantize_input(self, x):
        return x

    def prepare(self, x):
        requests = []
        for _ in range(self.copies):
            parameter = ov.parameter(list(x.shape), Type.f32)
            product = ov.matmul(self.quantize_input(parameter), self.weight(), False, True)
            model = Model([product], [parameter])
            request = core.compile_model(model, "CPU", self.config).create_infer_request()
            request.set_input_tensor(openvino.Tensor(x))
            requests.append(request)
        return requests

    def call(self, copy, requests):
        requests[copy].infer()
        return requests[copy]

    def result(self, request):
        return request.get_output_tensor().data.copy()


class Int8(Base):
    bits = 8

    def make_weights(self, weight):
        self.codes, self.scales = quantize_rows(weight)

    def weight(self):
        codes = ov.convert(ov.constant(self.codes, Type.i8), Type.f32)
        return ov.multiply(codes, ov.constant(self.scales))


class FakeQuantize(Int8):
    options = {}

    def quantize_input(self, x):
        limits = [np.float32(-4 * 128 / 127), np.float32(4)]
        return ov.fake_quantize(x, *limits, *limits, 256)


class Int4(Base):
    bits = 4.5

    def make_weights(self, weight):
        codes, self.scales = quantize_groups(weight)
        packed = (codes[:, :, 0::2] | codes[:, :, 1::2] << 4).reshape(-1)
        self.codes = openvino.Tensor(packed, openvino.Shape(list(codes.shape)), Type.u4)

    def weight(self):
        codes = ov.convert(openvino.op.Constant(self.codes), Type.f32)
        zero = ov.convert(openvino.op.Constant(Type.u4, openvino.Shape([1, 1, 1]), [8]), Type.f32)
        values = ov.multiply(ov.subtract(codes, zero), ov.constant(self.scales))
        return ov.reshape(values, ov.constant(np.array(self.shape)), False)


def versions():
    return f"OpenVINO {openvino.__version__}"


PEERS = {
    "OpenVINO int8 weights, dynamic": Int8,
    "OpenVINO int8, FakeQuantize": FakeQuantize,
    "OpenVINO int4 g64 weights, dynamic": Int4,
}
