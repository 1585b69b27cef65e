//===- main.cpp - Run compiled models -------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line of sq-run, and nothing else: the options live here, the work
// is in the file of each subcommand.
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace sqrun;

namespace {

cl::OptionCategory category("sq-run");
cl::SubCommand infoCommand("info", "Print what is in a model");
cl::SubCommand callCommand("call", "Call a function on NumPy files");
cl::SubCommand generateCommand("generate", "Continue a text");
cl::SubCommand perplexityCommand("perplexity", "Score a text");

template <typename T>
using Option = cl::opt<T>;

// All subcommands.
#define SQ_ALL_COMMANDS                                                        \
  cl::sub(infoCommand), cl::sub(callCommand), cl::sub(generateCommand),        \
      cl::sub(perplexityCommand), cl::cat(category)
Option<std::string> model(cl::Positional, cl::desc("<model.so>"), cl::Required,
                          SQ_ALL_COMMANDS);
Option<std::string> weights("weights", cl::value_desc("file.sqw"),
                            cl::desc("The weights (default: beside the model)"),
                            SQ_ALL_COMMANDS);
Option<int> threads("threads", cl::init(0), cl::value_desc("n"),
                    cl::desc("Threads (default: all)"), SQ_ALL_COMMANDS);
Option<bool> verify("verify", cl::desc("Check all of the weight file first"),
                    SQ_ALL_COMMANDS);

// call
#define SQ_CALL cl::sub(callCommand), cl::cat(category)
Option<std::string> function(cl::Positional, cl::desc("<function>"),
                             cl::Required, SQ_CALL);
cl::list<std::string> inputs("input", cl::value_desc("name=x.npy|name=3"),
                             cl::desc("An input"), SQ_CALL);
Option<std::string> inputsFile("inputs", cl::value_desc("in.npz"),
                               cl::desc("Inputs by name"), SQ_CALL);
cl::list<std::string> outputs("output", cl::value_desc("[name=]y.npy"),
                              cl::desc("Write a result"), SQ_CALL);
cl::list<std::string> expected("expect", cl::value_desc("[name=]y.npy"),
                               cl::desc("Fail if a result differs"), SQ_CALL);
Option<double> rtol("rtol", cl::init(1e-4), SQ_CALL,
                    cl::desc("Relative tolerance of --expect (default 1e-4)"));
Option<double> atol_("atol", cl::init(0), SQ_CALL,
                     cl::desc("Absolute tolerance of --expect (default 0)"));
Option<bool> print("print", cl::desc("Print the results"), SQ_CALL);
Option<unsigned> repeat("repeat", cl::init(1), cl::value_desc("n"),
                        cl::desc("Call n times and print the times"), SQ_CALL);

// generate, perplexity
#define SQ_GENERATE cl::sub(generateCommand), cl::cat(category)
#define SQ_PERPLEXITY cl::sub(perplexityCommand), cl::cat(category)
Option<std::string> tokenizer("tokenizer", cl::value_desc("tokenizer.bin"),
                              cl::desc("llama2.c's tokenizer format"),
                              cl::Required, cl::sub(generateCommand),
                              SQ_PERPLEXITY);
Option<std::string> prompt("prompt", cl::value_desc("text"),
                           cl::desc("How the text begins"), SQ_GENERATE);
Option<unsigned> steps("steps", cl::init(0), cl::value_desc("n"),
                       cl::desc("Tokens of the text, the prompt included "
                                "(default: all there is room for)"),
                       SQ_GENERATE);
Option<float> temperature("temperature", cl::init(0), SQ_GENERATE,
                          cl::desc("0 (default) takes the likeliest token"));
Option<float> topP("top-p", cl::init(0.9f), SQ_GENERATE,
                   cl::desc("Sample from the likeliest tokens only (default "
                            "0.9; 1: from all)"));
Option<uint64_t> seed("seed", cl::init(1), SQ_GENERATE,
                      cl::desc("Seed of the samples (default 1)"));
Option<std::string> text("text", cl::value_desc("text.txt"), cl::Required,
                         cl::desc("The text to score"), SQ_PERPLEXITY);
Option<unsigned>
    window("window", cl::init(0), cl::value_desc("n"),
           cl::desc("Tokens of a window (default: the model's maximum)"),
           SQ_PERPLEXITY);
Option<bool> bos("bos", cl::desc("Begin each window with BOS"), SQ_PERPLEXITY);
Option<bool> json("json", cl::desc("Print JSON"), SQ_PERPLEXITY);

Error run() {
  SessionOptions session = {model, weights, threads, verify};
  if (infoCommand)
    return runInfo(session, outs());
  if (callCommand)
    return runCall(session,
                   {function, inputs, inputsFile, outputs, expected, rtol,
                    atol_, print, repeat},
                   outs());
  if (generateCommand)
    return runGenerate(session,
                       {tokenizer, prompt, steps, {temperature, topP, seed}},
                       outs(), errs());
  if (perplexityCommand)
    return runPerplexity(session, {tokenizer, text, window, bos, json}, outs());
  return makeError("expected a subcommand: info, call, generate or perplexity");
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  for (cl::SubCommand *command :
       {&infoCommand, &callCommand, &generateCommand, &perplexityCommand})
    cl::HideUnrelatedOptions(category, *command);
  cl::ParseCommandLineOptions(argc, argv, "Runs models of sq-compile.\n");
  if (Error error = run()) {
    outs().flush();
    WithColor::error(errs(), "sq-run") << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
