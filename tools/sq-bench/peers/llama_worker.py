"""A GGUF model in llama.cpp, as llama-bench measures it: random tokens, no sampling.

Usage: llama_worker.py MODEL.gguf THREADS, with one JSON request a line on stdin and one
answer a line on what was stdout.
"""

import ctypes
import json
import os
import sys
import time

import llama_cpp
import numpy as np


class Model:
    def __init__(self, path, threads, positions=512):
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(
            path.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = positions
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise RuntimeError("llama.cpp cannot make a context")
        self.tokens = np.random.default_rng(3).integers(10, 1000, positions).astype(np.int32)

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def feed(self, count):
        tokens = self.tokens.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token))
        if llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(tokens, count)):
            raise RuntimeError(f"llama.cpp cannot decode {count} tokens")
        llama_cpp.llama_synchronize(self.context)

    def prefill(self, count):
        self.clear()
        start = time.perf_counter()
        self.feed(count)
        return count / (time.perf_counter() - start)

    def decode(self, count):
        self.clear()
        self.feed(1)
        start = time.perf_counter()
        for _ in range(count):
            self.feed(1)
        return count / (time.perf_counter() - start)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    failure = None
    try:
        model = Model(sys.argv[1], int(sys.argv[2]))
        model.prefill(16)
    except Exception as error:
        failure = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"failure": failure} if failure else \
            {"prefill": model.prefill(request["prompt"]), "decode": model.decode(request["decode"])}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
