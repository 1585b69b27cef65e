"""ONNX Runtime: dynamic int8, int8 in and out, int4 weights."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from worker import quantize_groups, quantize_rows

onnxruntime.set_default_logger_severity(3)


class Base:
    input_type, output_type = TensorProto.FLOAT, TensorProto.FLOAT

    def __init__(self, weight, copies, context):
        n, k = weight.shape
        nodes, constants = self.graph(weight)
        graph = helper.make_graph(
            nodes, "linear",
            [helper.make_tensor_value_info("x", self.input_type, ["M", k])],
            [helper.make_tensor_value_info("y", self.output_type, ["M", n])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()])
        model = helper.make_model(graph, ir_version=10, opset_imports=[
            helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)])
        model = model.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = context.threads
        options.inter_op_num_threads = 1
        self.sessions = [onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
                         for _ in range(copies)]

    def prepare(self, x):
        bindings = []
        for session in self.sessions:
            binding = session.io_binding()
            binding.bind_cpu_input("x", x)
            binding.bind_output("y", "cpu")
            bindings.append(binding)
        return bindings

    def call(self, copy, bindings):
        self.sessions[copy].run_with_iobinding(bindings[copy])
        return bindings[copy]

    def result(self, binding):
        return binding.copy_outputs_to_cpu()[0]


class DynamicInt8(Base):
    bits = 8

    def graph(self, weight):
        codes, scales = quantize_rows(weight)
        node = helper.make_node("DynamicQuantizeMatMul", ["x", "w", "scale"], ["y"],
                                domain="com.microsoft")
        return [node], {"w": codes.T.copy(), "scale": scales.reshape(-1)}


class MatMulInteger(Base):
    """The operators that its quantization tool writes; the optimizer may fuse them."""
    bits = 8

    def graph(self, weight):
        codes, scales = quantize_rows(weight)
        nodes = [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("MatMulInteger", ["q", "w", "z", "wz"], ["i"]),
            helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["s", "scale"], ["both"]),
            helper.make_node("Mul", ["f", "both"], ["y"]),
        ]
        return nodes, {"w": codes.T.copy(), "scale": scales.reshape(-1),
                       "wz": np.zeros(len(scales), np.int8)}


class QLinearMatMul(Base):
    """int8 in and out, with scales known before."""
    bits = 8
    input_type, output_type = TensorProto.UINT8, TensorProto.UINT8

    def graph(self, weight):
        codes, scales = quantize_rows(weight)
        self.out_scale = np.float32(6 * np.sqrt(weight.shape[1]) / 127)
        constants = {"sx": np.float32(4 / 127), "zx": np.uint8(128), "w": codes.T.copy(),
                     "sw": scales.reshape(-1), "zw": np.zeros(len(scales), np.int8),
                     "sy": self.out_scale, "zy": np.uint8(128)}
        constants = {name: np.asarray(value) for name, value in constants.items()}
        node = helper.make_node("QLinearMatMul", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy"],
                                ["y"])
        return [node], constants

    def prepare(self, x):
        codes = np.clip(np.rint(x * 127 / 4) + 128, 0, 255).astype(np.uint8)
        return super().prepare(codes)

    def result(self, binding):
        codes = super().result(binding).astype(np.float32)
        return (codes - 128) * self.out_scale


class MatMulNBits(Base):
    """int4 weights, computed in int8 (accuracy level 4)."""
    bits = 4.5

    def graph(self, weight):
        n, k = weight.shape
        codes, scales = quantize_groups(weight)
        packed = codes[:, :, 0::2] | codes[:, :, 1::2] << 4
        node = helper.make_node("MatMulNBits", ["x", "w", "scale"], ["y"], domain="com.microsoft",
                                K=k, N=n, bits=4, block_size=64, accuracy_level=4)
        return [node], {"w": packed, "scale": scales.reshape(n, k // 64)}


def versions():
    return f"ONNX Runtime {onnxruntime.__version__}"


PEERS = {
    "ONNX Runtime int8, DynamicQuantizeMatMul": DynamicInt8,
    "ONNX Runtime int8, MatMulInteger": MatMulInteger,
    "ONNX Runtime int8 in and out, QLinearMatMul": QLinearMatMul,
    "ONNX Runtime int4 g64, MatMulNBits": MatMulNBits,
}
