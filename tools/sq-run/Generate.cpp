//===- Generate.cpp - sq-run generate -------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "LanguageModel.h"
#include "Tokenizer.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;
using namespace sqrun;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

static void logSpeed(StringRef phase, size_t tokens, double seconds,
                     raw_ostream &log) {
  if (tokens)
    log << formatv("{0}: {1} tokens in {2:F3} s, {3:F1} tokens/s\n", phase,
                   tokens, seconds, double(tokens) / std::max(seconds, 1e-9));
}

Error sqrun::runGenerate(const SessionOptions &sessionOptions,
                         const GenerateOptions &options, raw_ostream &os,
                         raw_ostream &log) {
  auto session = Session::open(sessionOptions);
  if (!session)
    return session.takeError();
  auto model = LanguageModel::create(**session);
  if (!model)
    return model.takeError();
  auto tokenizer = Tokenizer::load(options.tokenizer);
  if (!tokenizer)
    return tokenizer.takeError();
  if (tokenizer->size() != static_cast<size_t>(model->vocabSize()))
    return makeError("the tokenizer has " + Twine(tokenizer->size()) +
                     " tokens, the model " + Twine(model->vocabSize()) +
                     ": it belongs to another model");

  std::vector<int32_t> tokens =
      tokenizer->encode(options.prompt, /*addBos=*/true);
  size_t room = model->capacity() ? model->capacity() : INT32_MAX;
  if (tokens.size() > room)
    return makeError("the prompt has " + Twine(tokens.size()) +
                     " tokens, but the model has room for " + Twine(room));
  size_t steps = options.steps ? std::min<size_t>(options.steps, room) : room;
  for (size_t i = 1; i < tokens.size(); ++i)
    os << tokenizer->decode(tokens[i - 1], tokens[i]);
  os.flush();

  std::vector<float> logits;
  size_t last = tokens.size() - 1;
  auto start = Clock::now();
  if (Error error =
          model->feed(tokens, 0, [&](size_t i, ArrayRef<float> values) {
            if (i == last)
              logits = values.vec();
          }))
    return error;
  double prefillSeconds = secondsSince(start);

  Sampler sampler(options.sampler);
  size_t numDecoded = 0;
  int32_t token = tokens.back();
  start = Clock::now();
  // Token `i` of the text is predicted at position i - 1; BOS is token 0.
  for (size_t i = tokens.size(); i <= steps; ++i) {
    int32_t next = sampler.next(logits);
    if (next == Tokenizer::kBos || next == Tokenizer::kEos)
      break;
    os << tokenizer->decode(token, next);
    os.flush();
    token = next;
    if (i == steps)
      break;
    if (Error error =
            model->feed(token, i, [&](size_t, ArrayRef<float> values) {
              logits = values.vec();
            }))
      return error;
    ++numDecoded;
  }
  os << "\n";
  os.flush();
  logSpeed("prefill", tokens.size(), prefillSeconds, log);
  logSpeed("decode", numDecoded, secondsSince(start), log);
  return Error::success();
}
