//===- main.cpp - Measure kernels, models and numerics --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line of sq-bench: options live here, the work is in the file of
// each subcommand.
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Failure.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <benchmark/benchmark.h>

using namespace llvm;
using namespace sqbench;

namespace {

cl::OptionCategory category("sq-bench options");
cl::SubCommand kernelsCommand("kernels",
                              "Linear layers: shapes x formats x patterns x M");
cl::SubCommand modelCommand("model", "Prefill and decode of a compiled model");
cl::SubCommand numericsCommand("numerics", "Encoders, masks and packers");
cl::SubCommand rooflineCommand("roofline", "Read bandwidth, int8 and f32 peak");

#define SQ_KERNELS cl::sub(kernelsCommand), cl::cat(category)
#define SQ_MODEL cl::sub(modelCommand), cl::cat(category)

cl::opt<int> threads("threads", cl::init(0), cl::value_desc("n"),
                     cl::desc("Threads (default: OMP_NUM_THREADS, or all "
                              "cores)"),
                     SQ_KERNELS, cl::sub(modelCommand),
                     cl::sub(rooflineCommand));

using Texts = cl::list<std::string>;
Texts shapes("shapes", cl::CommaSeparated, cl::value_desc("NxK,..."),
             cl::desc("Layers, outputs by inputs (default: 4096x4096)"),
             SQ_KERNELS);
Texts weights("weights", cl::CommaSeparated, cl::value_desc("format,..."),
              cl::desc("Formats of weights, as in recipes, or f32 (default: "
                       "int8.row,int4.g64.f16)"),
              SQ_KERNELS);
Texts patterns("patterns", cl::CommaSeparated, cl::value_desc("pattern,..."),
               cl::desc("Patterns, as in recipes, or dense (default: "
                        "dense,nm2:4)"),
               SQ_KERNELS);
Texts activations("activations", cl::CommaSeparated,
                  cl::value_desc("format,..."),
                  cl::desc("Formats that inputs are quantized to in the call, "
                           "or f32 (default: int8.row)"),
                  SQ_KERNELS);
cl::list<int64_t> rows("m", cl::CommaSeparated, cl::value_desc("n,..."),
                       cl::desc("Rows of activations (default: 1,8,128)"),
                       SQ_KERNELS);
cl::opt<std::string>
    target("target", cl::init("native"), cl::value_desc("cpu"),
           cl::desc("CPU to compile for, as in sq-compile (default: native)"),
           SQ_KERNELS);
cl::opt<std::string> preferKernel(
    "prefer-kernel", cl::value_desc("kernel"),
    cl::desc("Kernel to take wherever it fits, as in sq-compile (default: the "
             "one that is expected to be the fastest)"),
    SQ_KERNELS);
cl::opt<std::string> artifacts(
    "artifacts", cl::value_desc("folder"),
    cl::desc("Keep compiled layers here, and use those that are newer "
             "than this program (default: a temporary folder)"),
    SQ_KERNELS);
cl::opt<uint64_t>
    workingSet("working-set", cl::init(0), cl::value_desc("MiB"),
               cl::desc("Copies of a layer's weights that calls go round, "
                        "together at least this large (default: 8 times the "
                        "largest cache)"),
               SQ_KERNELS);

cl::opt<std::string> model(cl::Positional, cl::desc("<model.so>"), cl::Required,
                           SQ_MODEL);
cl::list<int64_t> prompt("prompt", cl::CommaSeparated, cl::value_desc("n,..."),
                         cl::desc("Tokens that prefill reads (default: 128)"),
                         SQ_MODEL);
cl::opt<int64_t> decode("decode", cl::init(32), cl::value_desc("n"),
                        cl::desc("Tokens that decode writes (default: 32)"),
                        SQ_MODEL);
cl::opt<int64_t> depth("depth", cl::init(0), cl::value_desc("n"),
                       cl::desc("Tokens in the cache before decode begins "
                                "(default: 0)"),
                       SQ_MODEL);

template <typename T>
std::vector<T> orDefault(const cl::list<T> &list, std::vector<T> values) {
  return list.empty() ? values : std::vector<T>(list.begin(), list.end());
}

Error registerChosen() {
  if (threads < 0)
    return createStringError("--threads is %d, expected a positive number",
                             int(threads));
  if (kernelsCommand)
    return registerKernels({orDefault(shapes, {"4096x4096"}),
                            orDefault(weights, {"int8.row", "int4.g64.f16"}),
                            orDefault(patterns, {"dense", "nm2:4"}),
                            orDefault(activations, {"int8.row"}),
                            orDefault(rows, {1, 8, 128}), target, preferKernel,
                            artifacts, workingSet << 20, threads});
  if (modelCommand)
    return registerModel(
        {model, orDefault(prompt, {128}), decode, depth, threads});
  if (numericsCommand)
    registerNumerics();
  else if (rooflineCommand)
    registerRoofline(threads);
  else
    return createStringError(
        "expected a subcommand: kernels, model, numerics or roofline");
  return Error::success();
}

int fail(const Twine &message) {
  WithColor::error(errs(), "sq-bench") << message << "\n";
  return 1;
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  for (cl::SubCommand *command :
       {&kernelsCommand, &modelCommand, &numericsCommand, &rooflineCommand})
    cl::HideUnrelatedOptions(category, *command);

  // Google Benchmark's own options go to it, --help doesn't.
  std::vector<char *> ours = {argv[0]}, theirs = {argv[0]};
  for (char *argument : ArrayRef(argv, argc).drop_front())
    (StringRef(argument).starts_with("--benchmark_") ? theirs : ours)
        .push_back(argument);
  int numTheirs = theirs.size();
  theirs.push_back(nullptr);
  benchmark::Initialize(&numTheirs, theirs.data());
  if (benchmark::ReportUnrecognizedArguments(numTheirs, theirs.data()))
    return 1;
  cl::ParseCommandLineOptions(
      ours.size(), ours.data(),
      "measures compiled layers and models, beside what the machine can do\n\n"
      "  sq-bench SUBCOMMAND --help\n\n"
      "All subcommands take Google Benchmark's options, too, among them\n"
      "  --benchmark_filter=<regex>         only these\n"
      "  --benchmark_list_tests             only names\n"
      "  --benchmark_min_time=<seconds>     for each repetition\n"
      "  --benchmark_repetitions=<n>        prints mean, median, deviation\n"
      "  --benchmark_enable_random_interleaving=true\n"
      "  --benchmark_out=<file> --benchmark_out_format={json|csv}\n");

  if (Error error = registerChosen())
    return fail(toString(std::move(error)));
  if (!benchmark::RunSpecifiedBenchmarks())
    return fail("no benchmark has a name that fits --benchmark_filter; "
                "--benchmark_list_tests=true prints the names");
  benchmark::Shutdown();
  return anyFailed;
}
