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

cl::OptionCategory category("sq-run options");
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
                            cl::desc("Weight file (default: beside the model, "
                                     "by its name)"),
                            SQ_ALL_COMMANDS);
Option<int> threads("threads", cl::init(0), cl::value_desc("n"),
                    cl::desc("OpenMP threads (default: OMP_NUM_THREADS, or all "
                             "cores)"),
                    SQ_ALL_COMMANDS);
Option<std::string>
    variant("variant", cl::value_desc("cpu"),
            cl::desc("Code for this CPU, of a model for several "
                     "(default: the best that runs here)"),
            SQ_ALL_COMMANDS);
Option<bool> verify("verify",
                    cl::desc("Check the data of the weight file, too, not only "
                             "its header"),
                    SQ_ALL_COMMANDS);

// call
#define SQ_CALL cl::sub(callCommand), cl::cat(category)
Option<std::string> function(cl::Positional, cl::desc("<function>"),
                             cl::Required, SQ_CALL);
cl::list<std::string> inputs("input", cl::value_desc("name=x.npy|name=3"),
                             cl::desc("An input: a NumPy file, or a number for "
                                      "a scalar; once for each input"),
                             SQ_CALL);
Option<std::string> inputsFile("inputs", cl::value_desc("in.npz"),
                               cl::desc("A NumPy archive with inputs by name; "
                                        "--input goes before it"),
                               SQ_CALL);
cl::list<std::string> outputs("output", cl::value_desc("[name=]y.npy"),
                              cl::desc("Write a result; the name may be left "
                                       "out where there is one"),
                              SQ_CALL);
cl::list<std::string> expected("expect", cl::value_desc("[name=]y.npy"),
                               cl::desc("Fail if a result differs by more than "
                                        "atol + rtol * |expected|"),
                               SQ_CALL);
Option<double> rtol("rtol", cl::init(1e-4), cl::value_desc("x"), SQ_CALL,
                    cl::desc("Relative tolerance of --expect (default: 1e-4)"));
Option<double> atol_("atol", cl::init(0), cl::value_desc("x"), SQ_CALL,
                     cl::desc("Absolute tolerance of --expect (default: 0)"));
Option<bool> print("print", cl::desc("Print the results"), SQ_CALL);
Option<unsigned> repeat("repeat", cl::init(1), cl::value_desc("n"),
                        cl::desc("Call n times and print the shortest and the "
                                 "median time (default: 1)"),
                        SQ_CALL);

// generate, perplexity
#define SQ_GENERATE cl::sub(generateCommand), cl::cat(category)
#define SQ_PERPLEXITY cl::sub(perplexityCommand), cl::cat(category)
Option<std::string> tokenizer("tokenizer", cl::value_desc("tokenizer.bin"),
                              cl::desc("Tokenizer in llama2.c's format"),
                              cl::Required, cl::sub(generateCommand),
                              SQ_PERPLEXITY);
Option<std::string> prompt("prompt", cl::value_desc("text"),
                           cl::desc("How the text begins (default: nothing)"),
                           SQ_GENERATE);
Option<unsigned> steps("steps", cl::init(0), cl::value_desc("n"),
                       cl::desc("Tokens of the text, the prompt included "
                                "(default: all there is room for)"),
                       SQ_GENERATE);
Option<float> temperature("temperature", cl::init(0), cl::value_desc("x"),
                          SQ_GENERATE,
                          cl::desc("Randomness of the choice (default: 0, "
                                   "always the likeliest token)"));
Option<float> topP("top-p", cl::init(0.9f), cl::value_desc("x"), SQ_GENERATE,
                   cl::desc("Choose from the likeliest tokens that have this "
                            "probability together (default: 0.9; 1: all)"));
Option<uint64_t> seed("seed", cl::init(1), cl::value_desc("n"), SQ_GENERATE,
                      cl::desc("Seed of the choice (default: 1)"));
Option<std::string> text("text", cl::value_desc("text.txt"), cl::Required,
                         cl::desc("Text to score"), SQ_PERPLEXITY);
Option<unsigned>
    window("window", cl::init(0), cl::value_desc("n"),
           cl::desc("Tokens that are scored together, from an empty context "
                    "(default: the model's maximum)"),
           SQ_PERPLEXITY);
Option<bool>
    bos("bos",
        cl::desc("Begin each window with BOS, not only the text, so that "
                 "its first token is scored, too"),
        SQ_PERPLEXITY);
Option<bool> json("json", cl::desc("Print JSON"), SQ_PERPLEXITY);

Error run() {
  SessionOptions session = {model, weights, threads, variant, verify};
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
  cl::ParseCommandLineOptions(argc, argv,
                              "runs models that sq-compile made\n\n"
                              "  sq-run SUBCOMMAND --help\n");
  if (Error error = run()) {
    outs().flush();
    WithColor::error(errs(), "sq-run") << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
