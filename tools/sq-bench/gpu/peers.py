"""PyTorch's products of the same shapes: cuBLASLt, and cuSPARSELt for 2:4 weights.

Weights and activations are quantized beforehand, which is left out; of ours it is in.
"""

import statistics

LABELS = {
    "f16": "cuBLASLt f16",
    "int8": "cuBLASLt int8",
    "fp8": "cuBLASLt fp8",
    "f16 2:4": "cuSPARSELt f16 2:4",
    "int8 2:4": "cuSPARSELt int8 2:4",
}


def load():
    """PyTorch with a GPU, or why there is none."""
    try:
        import torch
    except ImportError as error:
        return None, str(error)
    if not torch.cuda.is_available():
        return None, "PyTorch finds no GPU"
    return torch, f"PyTorch {torch.__version__}"


def graph_length(copies):
    """Calls of a graph: each copy of the weights as often as any other, and 16 at least."""
    return copies * -(-16 // copies)


def make_weight(torch, kind, n, k):
    """2:4 without ties, so that every library can compress it."""
    weight = torch.randn(n, k, device="cuda")
    if kind.endswith("2:4"):
        groups = weight.view(n, k // 4, 4)
        kept = groups.abs().topk(2, dim=2).indices
        weight = torch.zeros_like(groups).scatter(2, kept, groups.gather(2, kept)).view(n, k)
    if kind.startswith("f16"):
        weight = weight.half()
    elif kind.startswith("int8"):
        weight = (weight * 30).clamp(-127, 127).to(torch.int8)
    else:
        weight = weight.to(torch.float8_e4m3fn)
    if kind.endswith("2:4"):
        weight = torch.sparse.to_sparse_semi_structured(weight)
    return weight


def make_call(torch, kind, weight, m, k):
    """The product of `weight` and m rows."""
    x = torch.randn(m, k, device="cuda")
    if kind.startswith("f16"):
        x = x.half()
        return lambda: torch.nn.functional.linear(x, weight)
    if kind == "int8":
        x = (x * 30).clamp(-127, 127).to(torch.int8)
        return lambda: torch._int_mm(x, weight.t())
    if kind == "int8 2:4":
        x = (x * 30).clamp(-127, 127).to(torch.int8)
        return lambda: torch.mm(weight, x.t())
    x = x.to(torch.float8_e4m3fn)
    one = torch.ones((), device="cuda")
    return lambda: torch._scaled_mm(x, weight.t(), scale_a=one, scale_b=one,
                                    out_dtype=torch.bfloat16)


class Peer:
    """One kind of product on as many weights as are larger than the cache."""

    def __init__(self, torch, kind, n, k, working_set):
        self.torch, self.kind, self.k = torch, kind, k
        bytes_ = n * k * (2 if kind.startswith("f16") else 1)
        copies = max(1, -(-working_set // bytes_))
        self.weights = [make_weight(torch, kind, n, k) for _ in range(copies)]

    def prepare(self, m):
        calls = [make_call(self.torch, self.kind, w, m, self.k) for w in self.weights]
        for call in calls:
            call()
        self.torch.cuda.synchronize()
        self.length = graph_length(len(calls))
        self.graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(self.graph):
            for i in range(self.length):
                calls[i % len(calls)]()

    def time(self, count):
        """Seconds of a call, by about so many."""
        launches = max(1, count // self.length)
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(launches):
            self.graph.replay()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / (launches * self.length)


def read_bandwidth(torch):
    """Bytes a second that the sum of an f32 tensor reads."""
    x = torch.ones(1 << 28, device="cuda")
    times = []
    for _ in range(10):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        x.sum()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return x.nbytes / statistics.median(times)
