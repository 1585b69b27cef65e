"""One library of peers.py, in a process of its own.

Usage: worker.py LIBRARY FOLDER THREADS, with one JSON request a line on stdin and
one JSON answer a line on what was stdout. Libraries keep threads that spin for a
while after a product; in processes of their own, which take turns, none of them
disturbs another.

A library is a module with `versions()` and `PEERS`, a dictionary from a label to
a class:

    Peer(weight, copies, context)   takes an f32 weight [N, K], `copies` times
    peer.prepare(x)                 what `call` takes for the f32 input [M, K]
    peer.call(copy, prepared)       the product that is timed
    peer.result(y)                  what `call` returned, as f32 [M, N]
    Peer.bits                       bits a weight, scales included
"""

import importlib
import json
import os
import pathlib
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np

WORKING_SET = 96 << 20


@dataclass
class Context:
    folder: pathlib.Path
    threads: int


def make_weight(n, k):
    return np.random.default_rng(1).standard_normal((n, k), dtype=np.float32)


def make_input(m, k):
    return np.random.default_rng(2).standard_normal((m, k), dtype=np.float32)


def quantize_rows(values, bits=8):
    """Symmetric codes with a scale a row."""
    limit = 2 ** (bits - 1) - 1
    scales = np.abs(values).max(axis=1, keepdims=True) / limit
    return np.rint(values / scales).astype(np.int8), scales.astype(np.float32)


def quantize_groups(values, group=64):
    """int4 codes 0..15 with zero point 8 and a scale for each `group` columns:
    [N, K / group, group], [N, K / group, 1]."""
    n, k = values.shape
    grouped = values.reshape(n, k // group, group)
    scales = np.abs(grouped).max(axis=2, keepdims=True) / 7
    codes = np.clip(np.rint(grouped / scales) + 8, 0, 15).astype(np.uint8)
    return codes, scales.astype(np.float32)


def one_line(error):
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300]


class Layer:
    """The peers of a library on one weight."""

    def __init__(self, module, context):
        self.module, self.context = module, context
        self.peers, self.inputs = {}, {}

    def make(self, n, k):
        self.peers, self.inputs = {}, {}
        weight = make_weight(n, k)
        self.k = k
        x = make_input(1, k)
        exact = x.astype(np.float64) @ weight.T.astype(np.float64) if n * k < 1 << 25 else \
            (x @ weight.T).astype(np.float64)
        answer = {}
        for label, peer_class in self.module.PEERS.items():
            copies = int(np.ceil(WORKING_SET / (n * k * peer_class.bits / 8)))
            try:
                peer = peer_class(weight, copies, self.context)
                y = peer.result(peer.call(0, peer.prepare(x)))
                error = np.linalg.norm(y - exact) / np.linalg.norm(exact)
                self.peers[label] = peer, copies
                answer[label] = {"relative_error": float(error)}
            except Exception as error:  # A peer's failure is a row of the table.
                answer[label] = {"unavailable": one_line(error)}
        return answer

    def time(self, label, m, seconds):
        peer, copies = self.peers[label]
        if (label, m) not in self.inputs:
            # What an earlier M needed may be large.
            self.inputs = {key: value for key, value in self.inputs.items() if key[1] == m}
            self.inputs[label, m] = peer.prepare(make_input(m, self.k))
        if hasattr(peer, "measure"):
            return peer.measure(self.inputs[label, m], seconds)
        x = self.inputs[label, m]
        times = []
        # The first round over the copies warms them up.
        copy, begin = 0, time.perf_counter()
        while copy < copies and time.perf_counter() - begin < 4 * seconds:
            peer.call(copy, x)
            copy += 1
        begin = time.perf_counter()
        while len(times) < 3 or time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            peer.call(copy % copies, x)
            times.append(time.perf_counter() - start)
            copy += 1
            if times[-1] > 1:
                break
        return statistics.median(times)


def main():
    library, folder, threads = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    # Libraries print to stdout what they like.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, failure = None, None
    try:
        module = importlib.import_module(library)
        layer = Layer(module, Context(folder, threads))
        versions = module.versions()
    except Exception as error:
        failure = one_line(error)
    for line in sys.stdin:
        request = json.loads(line)
        if failure:
            answer = {"failure": failure}
        elif request["do"] == "versions":
            answer = {"versions": versions, "labels": list(module.PEERS)}
        elif request["do"] == "make":
            answer = layer.make(request["n"], request["k"])
        else:
            try:
                answer = {"seconds": layer.time(request["label"], request["m"],
                                                request["seconds"])}
            except Exception as error:
                answer = {"failure": one_line(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
