//===- Driver.cpp - NVIDIA's driver, with an interpreter for a device -----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library that has the name and the functions of NVIDIA's driver, as far as
// the runtime of artifacts and benchmarks call them: a model that was compiled
// for a GPU runs on it as it is. Machine code isn't understood, so
// CUDA_FORCE_PTX_JIT=1 has to be set, which has the runtime choose PTX.
// SQ_PTX_CAPABILITY is the device's compute capability, 90 unless set.
//
//===----------------------------------------------------------------------===//
#include "Machine.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>

using namespace ptx;

namespace {

enum Result {
  Success = 0,
  OutOfMemory = 2,
  NotFound = 500,
  BadImage = 200,
  InvalidValue = 1,
  LaunchFailed = 719,
  CaptureUnsupported = 900
};

/// A kernel of a module that was loaded.
struct LoadedModule;
struct Function {
  const LoadedModule *module;
  const Kernel *kernel;
  int maxShared = 48 << 10;
};
struct LoadedModule {
  Module module;
  std::map<std::string, uint64_t> symbols;
  std::map<std::string, Function> functions;
};

struct Event {
  std::chrono::steady_clock::time_point time;
};

/// A launch with the values of its arguments.
struct RecordedLaunch {
  Launch launch;
  std::vector<std::vector<uint8_t>> arguments;
};
struct Graph {
  std::vector<RecordedLaunch> launches;
};

GlobalMemory memory;
/// Where launches go instead of being executed.
std::unique_ptr<Graph> capture;

uint64_t allocate(size_t size) {
  // As the driver aligns; filled, so that nobody counts on zeros.
  size_t rounded = (size + 255) / 256 * 256;
  void *address = std::aligned_alloc(256, rounded);
  if (!address)
    return 0;
  std::memset(address, 0xCD, rounded);
  memory.add(reinterpret_cast<uint64_t>(address), size);
  return reinterpret_cast<uint64_t>(address);
}

void report(const char *what, const Error &error) {
  if (error.line)
    std::fprintf(stderr, "PTX: %s: line %d: %s\n", what, error.line,
                 error.what());
  else
    std::fprintf(stderr, "PTX: %s: %s\n", what, error.what());
}

int execute(const Launch &launch) {
  try {
    run(launch);
  } catch (const Error &error) {
    report(launch.kernel->name.c_str(), error);
    return LaunchFailed;
  }
  return Success;
}

} // namespace

extern "C" {

int cuInit(unsigned) { return Success; }
int cuDriverGetVersion(int *version) {
  *version = 13000;
  return Success;
}
int cuDeviceGetCount(int *count) {
  *count = 1;
  return Success;
}
int cuDeviceGet(int *device, int) {
  *device = 0;
  return Success;
}
int cuDeviceGetName(char *name, int size, int) {
  std::snprintf(name, size, "PTX interpreter");
  return Success;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  const char *text = std::getenv("SQ_PTX_CAPABILITY");
  int capability = text ? std::atoi(text) : 90;
  *value = attribute == 75 ? capability / 10 : capability % 10;
  return Success;
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &memory;
  return Success;
}
int cuDevicePrimaryCtxRelease_v2(int) { return Success; }
int cuCtxPushCurrent_v2(void *) { return Success; }
int cuCtxPopCurrent_v2(void **context) {
  *context = &memory;
  return Success;
}

int cuModuleLoadDataEx(LoadedModule **result, const void *image, unsigned,
                       int *, void **) {
  const char *text = static_cast<const char *>(image);
  if (!std::strncmp(text, "\177ELF", 4)) {
    std::fprintf(stderr,
                 "PTX: this is machine code: set CUDA_FORCE_PTX_JIT=1\n");
    return BadImage;
  }
  auto loaded = std::make_unique<LoadedModule>();
  try {
    loaded->module = parse(text);
  } catch (const Error &error) {
    report("module", error);
    return BadImage;
  }
  for (auto &[name, variable] : loaded->module.global) {
    uint64_t address = allocate(variable.bytes.size());
    std::memcpy(reinterpret_cast<void *>(address), variable.bytes.data(),
                variable.bytes.size());
    loaded->symbols[name] = address;
  }
  for (auto &[name, kernel] : loaded->module.kernels)
    loaded->functions[name] = {loaded.get(), &kernel};
  *result = loaded.release();
  return Success;
}
int cuModuleUnload(LoadedModule *module) {
  for (auto [name, address] : module->symbols) {
    memory.remove(address);
    std::free(reinterpret_cast<void *>(address));
  }
  delete module;
  return Success;
}
int cuModuleGetFunction(Function **function, LoadedModule *module,
                        const char *name) {
  auto found = module->functions.find(name);
  if (found == module->functions.end())
    return NotFound;
  *function = &found->second;
  return Success;
}
int cuFuncSetAttribute(Function *function, int attribute, int value) {
  constexpr int maxDynamicShared = 8;
  if (attribute != maxDynamicShared || value > 227 << 10)
    return InvalidValue;
  function->maxShared = value;
  return Success;
}

int cuStreamCreate(void **stream, unsigned) {
  *stream = &memory;
  return Success;
}
int cuStreamDestroy_v2(void *) { return Success; }
int cuStreamSynchronize(void *) {
  return capture ? CaptureUnsupported : Success;
}

/// There is one stream, as far as this is concerned.
int cuStreamBeginCapture_v2(void *, int) {
  capture = std::make_unique<Graph>();
  return Success;
}
int cuStreamEndCapture(void *, Graph **graph) {
  if (!capture)
    return InvalidValue;
  *graph = capture.release();
  return Success;
}
int cuGraphInstantiateWithFlags(Graph **program, Graph *graph,
                                unsigned long long) {
  *program = new Graph(*graph);
  return Success;
}
int cuGraphLaunch(Graph *program, void *) {
  for (RecordedLaunch &recorded : program->launches) {
    std::vector<void *> args;
    for (std::vector<uint8_t> &value : recorded.arguments)
      args.push_back(value.data());
    recorded.launch.args = args.data();
    if (int result = execute(recorded.launch))
      return result;
  }
  return Success;
}
int cuGraphExecDestroy(Graph *program) {
  delete program;
  return Success;
}
int cuGraphDestroy(Graph *graph) {
  delete graph;
  return Success;
}

/// What is queued has been executed, so time is that of the interpreter.
int cuEventCreate(Event **event, unsigned) {
  *event = new Event();
  return Success;
}
int cuEventRecord(Event *event, void *) {
  event->time = std::chrono::steady_clock::now();
  return Success;
}
int cuEventSynchronize(Event *) { return Success; }
int cuEventElapsedTime(float *milliseconds, Event *from, Event *to) {
  *milliseconds =
      std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return Success;
}
int cuEventDestroy_v2(Event *event) {
  delete event;
  return Success;
}

int cuMemAlloc_v2(uint64_t *address, size_t size) {
  if (capture)
    return CaptureUnsupported;
  *address = allocate(size);
  return *address ? Success : OutOfMemory;
}
int cuMemFree_v2(uint64_t address) {
  memory.remove(address);
  std::free(reinterpret_cast<void *>(address));
  return Success;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *) {
  if (!memory.contains(to, size))
    return InvalidValue;
  std::memcpy(reinterpret_cast<void *>(to), from, size);
  return Success;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *) {
  if (!memory.contains(from, size))
    return InvalidValue;
  std::memcpy(to, reinterpret_cast<const void *>(from), size);
  return Success;
}
int cuMemsetD8Async(uint64_t to, unsigned char byte, size_t size, void *) {
  if (!memory.contains(to, size))
    return InvalidValue;
  std::memset(reinterpret_cast<void *>(to), byte, size);
  return Success;
}

int cuLaunchKernel(Function *function, unsigned gridX, unsigned gridY,
                   unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned shared, void *, void **args,
                   void **) {
  if (blockX * blockY * blockZ > 1024 ||
      shared + function->module->module.staticShared > function->maxShared)
    return InvalidValue;
  Launch launch{&function->module->module,
                function->kernel,
                {gridX, gridY, gridZ},
                {blockX, blockY, blockZ},
                shared,
                args,
                &memory,
                &function->module->symbols};
  if (!capture)
    return execute(launch);
  RecordedLaunch recorded{launch, {}};
  for (size_t i = 0; i < function->kernel->parameters.size(); ++i) {
    auto *bytes = static_cast<const uint8_t *>(args[i]);
    recorded.arguments.emplace_back(
        bytes, bytes + function->kernel->parameters[i].size);
  }
  capture->launches.push_back(std::move(recorded));
  return Success;
}

int cuGetErrorName(int result, const char **name) {
  *name = result == OutOfMemory    ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == InvalidValue ? "CUDA_ERROR_INVALID_VALUE"
          : result == BadImage     ? "CUDA_ERROR_INVALID_IMAGE"
          : result == NotFound     ? "CUDA_ERROR_NOT_FOUND"
          : result == LaunchFailed ? "CUDA_ERROR_LAUNCH_FAILED"
          : result == CaptureUnsupported
              ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
              : "CUDA_SUCCESS";
  return Success;
}

} // extern "C"
