//===- Perplexity.cpp - sq-run perplexity ---------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "LanguageModel.h"
#include "Npy.h"
#include "Tokenizer.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cmath>

using namespace llvm;
using namespace sqrun;

/// -log of the probability of `token`. In double, so that summing up a whole
/// vocabulary doesn't show.
static double surprise(ArrayRef<float> logits, int32_t token) {
  double largest = *llvm::max_element(logits), sum = 0;
  for (float logit : logits)
    sum += std::exp(double(logit) - largest);
  return std::log(sum) + largest - double(logits[token]);
}

static Expected<size_t> chooseWindow(const LanguageModel &model,
                                     unsigned requested) {
  size_t room = model.capacity();
  size_t window = requested ? requested : room ? room : model.largestPrefill();
  if (window < 2)
    return makeError("a window must have two tokens or more; the model doesn't "
                     "name its maximum, so give --window");
  if (room && window > room)
    return makeError("a window of " + Twine(window) +
                     " tokens is larger than the model's maximum of " +
                     Twine(room));
  return window;
}

Error sqrun::runPerplexity(const SessionOptions &sessionOptions,
                           const PerplexityOptions &options, raw_ostream &os) {
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
  Expected<std::string> text = readFile(options.text);
  if (!text)
    return text.takeError();
  Expected<size_t> window = chooseWindow(*model, options.window);
  if (!window)
    return window.takeError();

  // As Llama's own tokenizers encode a text: BOS begins it. With --bos it
  // begins each window instead, and isn't part of the text.
  std::vector<int32_t> tokens =
      tokenizer->encode(*text, /*addBos=*/!options.bos);
  size_t step = options.bos ? *window - 1 : *window, numScored = 0;
  double total = 0;
  auto start = std::chrono::steady_clock::now();
  for (size_t first = 0; first < tokens.size(); first += step) {
    std::vector<int32_t> part;
    if (options.bos)
      part.push_back(Tokenizer::kBos);
    llvm::append_range(part, ArrayRef(tokens).slice(
                                 first, std::min(step, tokens.size() - first)));
    // The first token of a window has nothing to be predicted from.
    if (part.size() < 2)
      continue;
    if (Error error = (*session)->reset())
      return error;
    if (Error error =
            model->feed(part, 0, [&](size_t i, ArrayRef<float> logits) {
              if (i + 1 < part.size())
                total += surprise(logits, part[i + 1]);
            }))
      return error;
    numScored += part.size() - 1;
  }
  if (numScored == 0)
    return makeError("'" + options.text +
                     "' is too short: there is no token to predict");
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  double nll = total / double(numScored);
  if (options.json) {
    os << formatv("{0:2}\n",
                  json::Value(json::Object{
                      {"model", session->get()->descriptor().model_name},
                      {"tokens", static_cast<int64_t>(tokens.size())},
                      {"scored", static_cast<int64_t>(numScored)},
                      {"window", static_cast<int64_t>(*window)},
                      {"bos", options.bos},
                      {"nll", nll},
                      {"perplexity", std::exp(nll)},
                      {"seconds", seconds}}));
    return Error::success();
  }
  os << formatv(
      "perplexity {0:F4} (NLL {1:F4}) over {2} of {3} tokens, windows "
      "of {4}, {5:F2} s\n",
      std::exp(nll), nll, numScored, tokens.size(), *window, seconds);
  return Error::success();
}
