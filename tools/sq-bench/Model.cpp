//===- Model.cpp - sq-bench model -----------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokens are random and none is sampled: what is measured is the model, as
// llama.cpp's llama-bench does it.
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Failure.h"
#include "LanguageModel.h"
#include "Roofline.h"

#include <random>

using namespace llvm;
using namespace sqbench;
using namespace sqrun;

namespace {

/// A model, with tensors that live as long as it does.
class BenchModel {
public:
  BenchModel(std::unique_ptr<Session> session, LanguageModel model)
      : session(std::move(session)), model(std::move(model)) {}

  /// `count` tokens from `pos` on; one of them goes through `decode`.
  Error run(int64_t count, int64_t pos);
  Error reset() { return session->reset(); }

  std::unique_ptr<Session> session;
  LanguageModel model;

private:
  const sq_function_desc *function = nullptr;
  int64_t preparedCount = 0;
  std::vector<HostTensor> inputs, results;
};

} // namespace

Error BenchModel::run(int64_t count, int64_t pos) {
  if (count != preparedCount) {
    auto found = session->find(count == 1 ? "decode" : "prefill");
    if (!found)
      return found.takeError();
    function = *found;
    inputs.clear();
    inputs.emplace_back(kI32, ArrayRef<int64_t>{count});
    inputs.emplace_back(kI64, ArrayRef<int64_t>{});
    std::mt19937 engine(1);
    std::uniform_int_distribution<int32_t> token(0, model.vocabSize() - 1);
    std::generate_n(inputs[0].data<int32_t>(), count,
                    [&] { return token(engine); });
    auto made = makeResults(*function, inputs);
    if (!made)
      return made.takeError();
    results = std::move(*made);
    preparedCount = count;
  }
  *inputs[1].data<int64_t>() = pos;
  return session->call(*function, inputs, results);
}

static double secondsOf(function_ref<Error()> body, Error &error) {
  auto start = std::chrono::steady_clock::now();
  error = body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

static void setCounters(benchmark::State &state, const BenchModel &model,
                        int64_t tokens, int64_t passes, double seconds,
                        const Roofline &roofline) {
  // A pass reads all weights of layers once, and a few rows of the embedding.
  double bytes = 0;
  const sq_artifact_desc &descriptor = model.session->descriptor();
  for (uint32_t i = 0; i < descriptor.num_layers; ++i)
    bytes += static_cast<double>(descriptor.layers[i].packed_bytes);
  double rate = bytes * static_cast<double>(passes) / seconds;
  state.counters["tokens/s"] = static_cast<double>(tokens) / seconds;
  state.counters["MB"] = bytes / 1e6;
  state.counters["GB/s"] = rate / 1e9;
  state.counters["read%"] = 100 * rate / roofline.read;
  state.counters["read_GB/s"] = roofline.read / 1e9;
}

static void runPrefill(benchmark::State &state, BenchModel &model,
                       int64_t count, int threads) {
  Roofline roofline = getRoofline(threads);
  double seconds = 0;
  // The first call makes the buffers.
  Error error = model.run(count, 0);
  for (auto _ : state) {
    double time = 0;
    if (!error && !(error = model.reset()))
      time = secondsOf([&] { return model.run(count, 0); }, error);
    if (error)
      return fail(state, std::move(error));
    state.SetIterationTime(time);
    seconds += time;
  }
  consumeError(std::move(error));
  setCounters(state, model, count * state.iterations(), state.iterations(),
              seconds, roofline);
}

static void runDecode(benchmark::State &state, BenchModel &model, int64_t count,
                      int64_t depth, int threads) {
  Roofline roofline = getRoofline(threads);
  double seconds = 0;
  for (auto _ : state) {
    Error error = model.reset();
    if (!error && depth)
      error = model.run(depth, 0);
    // The first token comes in from a cold start; it isn't counted.
    if (!error)
      error = model.run(1, depth);
    double time = 0;
    for (int64_t i = 1; i <= count && !error; ++i)
      time += secondsOf([&] { return model.run(1, depth + i); }, error);
    if (error)
      return fail(state, std::move(error));
    state.SetIterationTime(time);
    seconds += time;
  }
  int64_t tokens = count * state.iterations();
  setCounters(state, model, tokens, tokens, seconds, roofline);
}

Error sqbench::registerModel(const ModelOptions &options) {
  auto session = Session::open({options.model, "", options.threads, "", false});
  if (!session)
    return session.takeError();
  auto language = LanguageModel::create(**session);
  if (!language)
    return language.takeError();
  int64_t capacity = language->capacity();
  auto check = [&](const char *option, int64_t count, int64_t least) -> Error {
    if (count >= least && (!capacity || count <= capacity))
      return Error::success();
    return makeError(Twine(option) + " is " + Twine(count) +
                     ", expected from " + Twine(least) + " to " +
                     (capacity ? Twine(capacity) : Twine("what fits")) +
                     ", the positions of the model's caches");
  };
  for (int64_t count : options.prompt)
    if (Error error = check("--prompt", count, 0))
      return error;
  if (Error error = check("--decode", options.decode, 0))
    return error;
  if (Error error = check("--depth", options.depth, 0))
    return error;
  if (options.decode)
    if (Error error = check("--depth plus --decode plus 1",
                            options.depth + options.decode + 1, 1))
      return error;

  std::string name =
      "model/" + std::string((*session)->descriptor().model_name);
  int threads = options.threads;
  auto model = std::make_shared<BenchModel>(std::move(*session), *language);
  for (int64_t count : options.prompt)
    if (count)
      benchmark::RegisterBenchmark(
          (name + "/prefill:" + std::to_string(count)).c_str(),
          [=](benchmark::State &state) {
            runPrefill(state, *model, count, threads);
          })
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
  if (int64_t count = options.decode) {
    int64_t depth = options.depth;
    benchmark::RegisterBenchmark((name + "/decode:" + std::to_string(count) +
                                  "/depth:" + std::to_string(depth))
                                     .c_str(),
                                 [=](benchmark::State &state) {
                                   runDecode(state, *model, count, depth,
                                             threads);
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
  return Error::success();
}
