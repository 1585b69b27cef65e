//===- Recipe.cpp - Read recipes and point at what is wrong ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's YAML parser keeps the place of every node, its YAML I/O doesn't hand
// them on; so the tree is walked here. The walk goes on after an error, to
// report all of them in one run.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/Recipe.h"
#include "HalfWeights.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

using namespace mlir::sq;
using llvm::ArrayRef;
using llvm::StringRef;
namespace yaml = llvm::yaml;

/// Braces are alternatives; so many of them that a glob can't exhaust memory.
static llvm::Expected<llvm::GlobPattern> parseGlob(StringRef text) {
  return llvm::GlobPattern::create(text, /*MaxSubPatterns=*/1024);
}

bool RecipeRule::matches(StringRef layer, StringRef weight) const {
  // GlobPattern refers to the text that it was made from, which a moved rule
  // would take away; so it is made for each query. The parser has checked that
  // it can be.
  auto glob = parseGlob(match);
  if (glob)
    return glob->match(layer) || glob->match(weight);
  llvm::consumeError(glob.takeError());
  return false;
}

std::string RecipeRule::getWeightFormat() const {
  if (half)
    return getHalfName(half->dtype).str();
  return weights ? weights->format.str() : "f32";
}

std::string RecipeRule::getActivationFormat() const {
  if (halfActivations)
    return getHalfName(halfActivations->dtype).str();
  return activations ? activations->format.str() : "f32";
}

const RecipeRule *Recipe::find(StringRef layer, StringRef weight) const {
  auto it = llvm::find_if(rules, [&](const RecipeRule &rule) {
    return rule.matches(layer, weight);
  });
  return it == rules.end() ? nullptr : &*it;
}

numerics::Error mlir::sq::checkWeightFormat(const numerics::Format &format) {
  if (format.hasZeroPoint())
    return "no kernel multiplies asymmetric weights such as '" + format.str() +
           "'; use a symmetric format, for example 'int8.row'";
  return std::nullopt;
}

numerics::Error
mlir::sq::checkActivationFormat(const numerics::Format &format) {
  if (format.scope == numerics::GroupScope::Tensor)
    return "activations in '" + format.str() +
           "' would share a scale between tokens; use a scale per token, for "
           "example 'int8.row'";
  if (format.scope == numerics::GroupScope::Group &&
      !format.hasPowerOfTwoScale())
    return "no kernel multiplies activations in '" + format.str() +
           "', whose scales vary along the sum; use a scale per token, for "
           "example 'int8.row', or power-of-two scales, for example "
           "'mx.e4m3fn'";
  return std::nullopt;
}

namespace {

/// How the pattern that `text` seems to mean is written, or "".
StringRef describePattern(StringRef text) {
  if (text.starts_with("nm"))
    return "'nm<N>:<M>' with 1 <= N <= M <= 64, such as 'nm2:4'";
  if (text.starts_with("unstructured"))
    return "'unstructured<S>.row' or 'unstructured<S>.tensor', S from 0 to 1 "
           "being the fraction to drop";
  if (text.starts_with("block"))
    return "'block<R>x<C>.<S>', S from 0 to 1 being the fraction to drop";
  return "";
}

/// "'a', 'b' or 'c'".
std::string quoteList(ArrayRef<StringRef> names) {
  std::string text;
  for (auto [index, name] : llvm::enumerate(names)) {
    if (index)
      text += index + 1 == names.size() ? " or " : ", ";
    text += ("'" + name + "'").str();
  }
  return text;
}

class RecipeReader {
public:
  RecipeReader(llvm::MemoryBufferRef text, RecipeErrorHandler onError)
      : onError(onError), stream(text, sources, /*ShowColors=*/false) {
    sources.setDiagHandler(
        [](const llvm::SMDiagnostic &diagnostic, void *self) {
          // LLVM's own are sentences.
          StringRef text = diagnostic.getMessage();
          text.consume_back(".");
          static_cast<RecipeReader *>(self)->error(
              {unsigned(std::max(diagnostic.getLineNo(), 1)),
               unsigned(diagnostic.getColumnNo() + 1)},
              "not valid YAML: " + text.take_front().lower() +
                  text.drop_front().str());
        },
        this);
  }

  std::optional<Recipe> read();

private:
  /// A key of a mapping, and what reads its value.
  struct Field {
    StringRef key;
    llvm::function_ref<void(yaml::Node &, RecipePosition)> read;
  };

  void error(RecipePosition position, const std::string &message) {
    failed = true;
    onError(position, message);
  }
  RecipePosition getPosition(const yaml::Node &node);
  /// Reads a mapping; an unknown or repeated key is an error.
  void readMapping(yaml::Node &node, RecipePosition position, StringRef what,
                   ArrayRef<Field> fields);
  /// Reads a scalar; other nodes are an error that says `expected`.
  std::optional<std::string> readText(yaml::Node &node, RecipePosition position,
                                      StringRef expected);
  std::optional<FormatChoice> parseFormat(const std::string &text,
                                          RecipePosition position,
                                          bool forWeights);
  void readFormat(yaml::Node &node, RecipePosition position, bool forWeights,
                  std::optional<FormatChoice> &format,
                  std::optional<HalfChoice> &half);
  std::optional<SparsityChoice> readSparsity(yaml::Node &node,
                                             RecipePosition position);
  void readRule(yaml::Node &node);
  void readRules(yaml::Node &node, RecipePosition position);

  RecipeErrorHandler onError;
  llvm::SourceMgr sources;
  yaml::Stream stream;
  Recipe recipe;
  bool failed = false;
};

} // namespace

RecipePosition RecipeReader::getPosition(const yaml::Node &node) {
  llvm::SMLoc start = node.getSourceRange().Start;
  if (!start.isValid() || !sources.FindBufferContainingLoc(start))
    return {};
  auto [line, column] = sources.getLineAndColumn(start);
  return {line, column};
}

void RecipeReader::readMapping(yaml::Node &node, RecipePosition position,
                               StringRef what, ArrayRef<Field> fields) {
  llvm::SmallVector<StringRef> known =
      llvm::map_to_vector(fields, [](const Field &field) { return field.key; });
  auto *mapping = llvm::dyn_cast<yaml::MappingNode>(&node);
  if (!mapping) {
    error(position, ("expected " + what + " to be a mapping with ").str() +
                        quoteList(known));
    return node.skip();
  }
  llvm::StringSet<> seen;
  for (yaml::KeyValueNode &entry : *mapping) {
    yaml::Node *keyNode = entry.getKey();
    auto *scalar = llvm::dyn_cast_or_null<yaml::ScalarNode>(keyNode);
    if (!scalar) {
      error(keyNode ? getPosition(*keyNode) : position,
            ("expected a key of " + what + ", one of ").str() +
                quoteList(known));
      entry.skip();
      continue;
    }
    llvm::SmallString<16> storage;
    StringRef key = scalar->getValue(storage);
    RecipePosition keyPosition = getPosition(*scalar);
    const Field *field = llvm::find_if(
        fields, [&](const Field &field) { return field.key == key; });
    yaml::Node *value = entry.getValue();
    if (!value)
      return; // A syntax error, already reported.
    if (field == fields.end()) {
      error(keyPosition,
            ("unknown key '" + key + "' in " + what + "; expected ").str() +
                quoteList(known));
      value->skip();
      continue;
    }
    if (!seen.insert(key).second) {
      error(keyPosition,
            ("key '" + key + "' is given twice; keep one of them").str());
      value->skip();
      continue;
    }
    RecipePosition valuePosition = getPosition(*value);
    // Mappings and missing values have no place of their own.
    if (!llvm::isa<yaml::ScalarNode>(value))
      valuePosition = keyPosition;
    field->read(*value, valuePosition);
  }
}

std::optional<std::string> RecipeReader::readText(yaml::Node &node,
                                                  RecipePosition position,
                                                  StringRef expected) {
  if (auto *scalar = llvm::dyn_cast<yaml::ScalarNode>(&node)) {
    llvm::SmallString<32> storage;
    std::string text = scalar->getValue(storage).str();
    if (!text.empty())
      return text;
  } else {
    node.skip();
  }
  error(position, ("expected " + expected).str());
  return std::nullopt;
}

void RecipeReader::readFormat(yaml::Node &node, RecipePosition position,
                              bool forWeights,
                              std::optional<FormatChoice> &format,
                              std::optional<HalfChoice> &half) {
  std::optional<std::string> text =
      readText(node, position, "a format such as 'int8.row'");
  if (!text)
    return;
  for (DType dtype : {DType::F16, DType::BF16})
    if (*text == getHalfName(dtype)) {
      half = {dtype, position};
      return;
    }
  format = parseFormat(*text, position, forWeights);
}

std::optional<FormatChoice> RecipeReader::parseFormat(const std::string &text,
                                                      RecipePosition position,
                                                      bool forWeights) {
  std::optional<numerics::Format> format = numerics::parseFormat(text);
  if (!format) {
    error(position,
          "unknown format '" + text +
              "'; expected one such as 'int8.row', 'int4.g64', "
              "'int4.g64.f16', 'fp8.e4m3fn.row', 'mx.e4m3fn', 'mx.e2m1fn', "
              "'nvfp4', 'nf4.g64', 'hbfp7.g64' or 'bf16'");
    return std::nullopt;
  }
  if (numerics::Error problem = forWeights ? checkWeightFormat(*format)
                                           : checkActivationFormat(*format)) {
    error(position, *problem);
    return std::nullopt;
  }
  return FormatChoice{*format, position};
}

std::optional<SparsityChoice>
RecipeReader::readSparsity(yaml::Node &node, RecipePosition position) {
  bool errorFree = !failed;
  failed = false;
  std::optional<numerics::Pattern> pattern;
  SparsityChoice choice;
  std::string criterion = "magnitude";
  RecipePosition criterionPosition;
  auto readPattern = [&](yaml::Node &value, RecipePosition place) {
    std::optional<std::string> text =
        readText(value, place, "a pattern such as 'nm2:4'");
    if (!text)
      return;
    choice.position = place;
    // "2:4" is what everybody calls it.
    std::string name = llvm::isDigit(text->front()) ? "nm" + *text : *text;
    pattern = numerics::parsePattern(name);
    if (pattern)
      return;
    if (StringRef spelling = describePattern(name); !spelling.empty())
      error(place,
            "malformed pattern '" + *text + "'; expected " + spelling.str());
    else
      error(place, "unknown pattern '" + *text +
                       "'; expected one such as 'nm2:4', "
                       "'unstructured0.5.row' or 'block16x4.0.75'");
  };
  auto readCriterion = [&](yaml::Node &value, RecipePosition place) {
    criterionPosition = place;
    if (auto text = readText(value, place, "'magnitude' or 'wanda'"))
      criterion = *text;
    if (criterion != "magnitude" && criterion != "wanda")
      error(place, "unknown criterion '" + criterion +
                       "'; expected 'magnitude' or 'wanda'");
  };
  auto readNorms = [&](yaml::Node &value, RecipePosition place) {
    choice.normsPosition = place;
    if (auto text = readText(value, place, "the path of a safetensors file"))
      choice.norms = *text;
  };
  readMapping(node, position, "'sparsity'",
              {{"pattern", readPattern},
               {"criterion", readCriterion},
               {"norms", readNorms}});
  if (!failed && !pattern)
    error(position, "'sparsity' has no 'pattern'; add one such as 'nm2:4'");
  if (!failed && criterion == "wanda" && choice.norms.empty())
    error(criterionPosition, "criterion 'wanda' needs 'norms', a safetensors "
                             "file with one entry per layer");
  if (!failed && criterion == "magnitude" && !choice.norms.empty())
    error(choice.normsPosition,
          "'norms' are used by criterion 'wanda' only; add "
          "'criterion: wanda' or drop them");
  bool succeeded = !failed;
  failed |= !errorFree;
  if (!succeeded)
    return std::nullopt;
  choice.pattern = *pattern;
  return choice;
}

void RecipeReader::readRule(yaml::Node &node) {
  bool errorFree = !failed;
  failed = false;
  bool hasGlob = false;
  RecipeRule rule;
  rule.position = getPosition(node);
  RecipePosition densePosition;
  auto readMatch = [&](yaml::Node &value, RecipePosition place) {
    rule.position = place;
    auto text = readText(value, place, "a pattern of layer names such as '*'");
    if (!text)
      return;
    rule.match = *text;
    auto parsed = parseGlob(rule.match);
    hasGlob = static_cast<bool>(parsed);
    if (!parsed)
      error(place, "malformed pattern '" + rule.match +
                       "': " + llvm::toString(parsed.takeError()));
  };
  auto readDense = [&](yaml::Node &value, RecipePosition place) {
    densePosition = place;
    auto text = readText(value, place, "'dense: true'");
    if (!text)
      return;
    rule.dense = *text == "true";
    if (!rule.dense)
      error(place, "expected 'dense: true', got '" + *text +
                       "'; leave the key out to compress the layer");
  };
  auto readSparsityKey = [&](yaml::Node &value, RecipePosition place) {
    rule.sparsity = readSparsity(value, place);
  };
  auto readWeightsKey = [&](yaml::Node &value, RecipePosition place) {
    readFormat(value, place, /*forWeights=*/true, rule.weights, rule.half);
  };
  auto readActivations = [&](yaml::Node &value, RecipePosition place) {
    readFormat(value, place, /*forWeights=*/false, rule.activations,
               rule.halfActivations);
  };
  readMapping(node, rule.position, "a rule",
              {{"match", readMatch},
               {"dense", readDense},
               {"sparsity", readSparsityKey},
               {"weights", readWeightsKey},
               {"activations", readActivations}});
  if (!failed && !hasGlob)
    error(rule.position, "a rule has no 'match'; add a pattern of layer names "
                         "such as '*'");
  bool compresses = rule.sparsity || rule.weights || rule.half ||
                    rule.activations || rule.halfActivations;
  if (!failed && rule.dense && compresses)
    error(densePosition, "'dense: true' stands beside 'sparsity', 'weights' or "
                         "'activations'; drop one or the other");
  if (!failed && !rule.dense && !compresses)
    error(rule.position, "rule '" + rule.match +
                             "' says nothing to do; add 'sparsity', 'weights' "
                             "or 'dense: true'");
  if (!failed && rule.activations && !rule.weights)
    error(rule.activations->position,
          "no kernel multiplies quantized activations by " +
              rule.getWeightFormat() + " weights; " +
              (rule.half ? "quantize" : "add") +
              " 'weights' or drop 'activations'");
  if (!failed && rule.halfActivations && !rule.weights && !rule.half)
    error(rule.halfActivations->position,
          "activations are rounded to " + rule.getActivationFormat() +
              " for weights of as few bits or fewer; add 'weights' or drop "
              "'activations'");
  if (!failed)
    recipe.rules.push_back(std::move(rule));
  failed |= !errorFree;
}

void RecipeReader::readRules(yaml::Node &node, RecipePosition position) {
  auto *sequence = llvm::dyn_cast<yaml::SequenceNode>(&node);
  if (!sequence) {
    error(position, "expected 'rules' to be a list of rules ('- match: ...')");
    return node.skip();
  }
  for (yaml::Node &rule : *sequence)
    readRule(rule);
  if (!failed && recipe.rules.empty())
    error(position, "'rules' is empty; add a rule ('- match: ...')");
}

std::optional<Recipe> RecipeReader::read() {
  yaml::document_iterator document = stream.begin();
  yaml::Node *root = document == stream.end() ? nullptr : document->getRoot();
  bool hasRules = false;
  if (root && !llvm::isa<yaml::NullNode>(root)) {
    auto readAll = [&](yaml::Node &value, RecipePosition place) {
      hasRules = true;
      readRules(value, place);
    };
    readMapping(*root, {}, "a recipe", {{"rules", readAll}});
  }
  if (root && !stream.failed() && ++document != stream.end())
    if (yaml::Node *second = document->getRoot();
        second && !llvm::isa<yaml::NullNode>(second))
      error(getPosition(*second),
            "a recipe is one document; drop what follows the '---'");
  if (stream.failed())
    failed = true; // Reported by the handler of the source manager.
  if (!failed && !hasRules)
    error({},
          "the recipe has no 'rules'; add a list of rules ('- match: ...')");
  if (failed)
    return std::nullopt;
  return std::move(recipe);
}

std::optional<Recipe> mlir::sq::parseRecipe(llvm::MemoryBufferRef text,
                                            RecipeErrorHandler onError) {
  return RecipeReader(text, onError).read();
}
