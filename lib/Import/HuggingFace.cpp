//===- HuggingFace.cpp - Read a Hugging Face folder -----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// config.json says what to compute; model.safetensors, or the shards that
// model.safetensors.index.json lists, hold the weights. A key that would change
// the computation in a way that we don't know is an error: a model that is
// imported computes what its authors' code computes.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Import/Llama.h"
#include "sparse-quant/Support/JSON.h"
#include "sparse-quant/Support/SafetensorsFile.h"
#include "sparse-quant/Support/WeightFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir::sq;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static std::string join(StringRef folder, StringRef name) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// Parses a file that holds a JSON object.
static Expected<json::Object> readObject(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError("cannot open '" + path +
                                   "': " + buffer.getError().message());
  Expected<json::Value> value = parseJSON((*buffer)->getBuffer());
  if (!value)
    return llvm::createStringError(
        "'" + path + "' isn't JSON: " + llvm::toString(value.takeError()));
  if (json::Object *object = value->getAsObject())
    return std::move(*object);
  return llvm::createStringError("'" + path + "' isn't a JSON object");
}

/// `value` on one line, for messages.
static std::string print(const json::Value &value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

//===----------------------------------------------------------------------===//
// config.json
//===----------------------------------------------------------------------===//

namespace {
/// Reads keys of config.json and keeps the first error.
class ConfigReader {
public:
  ConfigReader(const json::Object &object, std::string path)
      : object(object), path(std::move(path)) {}

  /// Null for an absent key and for `null`, which mean the same in these files.
  const json::Value *find(StringRef key) const {
    const json::Value *value = object.get(key);
    return value && value->kind() != json::Value::Null ? value : nullptr;
  }
  void integer(StringRef key, int64_t &out, bool required = false) {
    const json::Value *value = find(key);
    if (!value) {
      if (required)
        fail("has no " + key);
      return;
    }
    if (std::optional<int64_t> number = value->getAsInteger())
      out = *number;
    else
      fail(key + " is " + print(*value) + ", expected an integer");
  }
  void number(StringRef key, double &out) {
    const json::Value *value = find(key);
    if (!value)
      return;
    if (std::optional<double> number = value->getAsNumber())
      out = *number;
    else
      fail(key + " is " + print(*value) + ", expected a number");
  }
  /// Refuses every value but the ones given, the first of which stands for an
  /// absent key.
  void expect(StringRef key, llvm::ArrayRef<json::Value> supported,
              StringRef meaning) {
    const json::Value *value = find(key);
    if (value && !llvm::is_contained(supported, *value))
      fail(key + " is " + print(*value) + "; supported: " + meaning);
  }
  void fail(const Twine &what) {
    if (message.empty())
      message = ("'" + path + "': " + what).str();
  }
  Error takeError() {
    if (message.empty())
      return Error::success();
    return llvm::createStringError(message);
  }
  StringRef getPath() const { return path; }

private:
  const json::Object &object;
  std::string path, message;
};
} // namespace

/// `rope_scaling`, or `rope_parameters`, which newer files hold instead and
/// which has the base, too.
static void readRope(ConfigReader &config, double &theta) {
  config.number("rope_theta", theta);
  for (StringRef key : {"rope_scaling", "rope_parameters"}) {
    const json::Value *value = config.find(key);
    if (!value)
      continue;
    const json::Object *map = value->getAsObject();
    if (!map)
      return config.fail(key + " is " + print(*value) +
                         ", expected an object or null");
    for (const auto &[name, entry] : *map) {
      StringRef field = name;
      bool isDefault = (field == "rope_type" || field == "type") &&
                       entry == json::Value("default");
      std::optional<double> number = entry.getAsNumber();
      if (field == "rope_theta" && number)
        theta = *number;
      else if (!isDefault)
        return config.fail(key + " is " + print(*value) +
                           "; supported: unscaled rotary embeddings "
                           "(rope_type \"default\")");
    }
  }
}

static Expected<LlamaConfig> readConfig(const json::Object &object,
                                        std::string path, bool &tied) {
  ConfigReader config(object, std::move(path));
  LlamaConfig c;
  if (!config.find("model_type"))
    config.fail("has no model_type; supported: \"llama\"");
  config.expect("model_type", {"llama"}, "\"llama\"");
  config.expect("hidden_act", {"silu", "swish"}, "\"silu\"");
  config.expect("attention_bias", {false}, "false");
  config.expect("mlp_bias", {false}, "false");
  config.expect("partial_rotary_factor", {1}, "1");
  if (const json::Value *value = config.find("quantization_config"))
    config.fail("quantization_config is " + print(*value) +
                "; supported: weights in f32, f16 or bf16");
  config.integer("vocab_size", c.vocabSize, /*required=*/true);
  config.integer("hidden_size", c.hiddenSize, /*required=*/true);
  config.integer("intermediate_size", c.intermediateSize, /*required=*/true);
  config.integer("num_hidden_layers", c.numLayers, /*required=*/true);
  config.integer("num_attention_heads", c.numHeads, /*required=*/true);
  // The defaults are those of transformers' LlamaConfig.
  c.numKVHeads = c.numHeads;
  config.integer("num_key_value_heads", c.numKVHeads);
  if (config.find("head_dim"))
    config.integer("head_dim", c.headDim);
  else if (c.numHeads > 0 && c.hiddenSize % c.numHeads == 0)
    c.headDim = c.hiddenSize / c.numHeads;
  else
    config.fail("hidden_size is " + Twine(c.hiddenSize) +
                ", no multiple of num_attention_heads, " + Twine(c.numHeads) +
                ", and there is no head_dim");
  c.maxPositions = 2048;
  config.integer("max_position_embeddings", c.maxPositions);
  c.rmsNormEps = 1e-6;
  config.number("rms_norm_eps", c.rmsNormEps);
  readRope(config, c.ropeTheta);
  tied = false;
  if (const json::Value *value = config.find("tie_word_embeddings")) {
    if (std::optional<bool> flag = value->getAsBoolean())
      tied = *flag;
    else
      config.fail("tie_word_embeddings is " + print(*value) +
                  ", expected true or false");
  }
  if (Error error = config.takeError())
    return std::move(error);
  if (Error error = verifyConfig(c, config.getPath()))
    return std::move(error);
  return c;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

namespace {
/// Which file of a folder holds a tensor.
class WeightIndex {
public:
  static Expected<WeightIndex> read(StringRef folder);
  /// "" when nothing says where the tensor is.
  std::string find(StringRef name) const {
    if (!isSharded)
      return single.str();
    auto it = shards.find(name);
    return it == shards.end() ? std::string() : it->second;
  }
  /// The file that a missing tensor should have been in.
  StringRef getFile() const { return isSharded ? index : single; }

private:
  static constexpr llvm::StringLiteral single = "model.safetensors";
  static constexpr llvm::StringLiteral index = "model.safetensors.index.json";
  bool isSharded = false;
  llvm::StringMap<std::string> shards;
};
} // namespace

Expected<WeightIndex> WeightIndex::read(StringRef folder) {
  WeightIndex result;
  if (llvm::sys::fs::exists(join(folder, single)))
    return std::move(result);
  std::string path = join(folder, index);
  if (!llvm::sys::fs::exists(path))
    return llvm::createStringError("'" + folder + "' has neither " + single +
                                   " nor " + index);
  Expected<json::Object> object = readObject(path);
  if (!object)
    return object.takeError();
  const json::Object *map = object->getObject("weight_map");
  if (!map)
    return llvm::createStringError("'" + path + "' has no weight_map object");
  for (const auto &[key, value] : *map) {
    std::optional<StringRef> file = value.getAsString();
    // A shard lies in the folder; anything else isn't a name but a path.
    if (!file || file->empty() || *file != llvm::sys::path::filename(*file) ||
        *file == "..")
      return llvm::createStringError(
          "'" + path + "' maps '" + StringRef(key) + "' to " + print(value) +
          ", expected the name of a file in the folder");
    result.shards[StringRef(key)] = file->str();
  }
  result.isSharded = true;
  return std::move(result);
}

/// Finds one tensor and checks its type.
static Error findWeight(StringRef folder, const WeightIndex &index,
                        WeightFiles &files, WeightRef &weight, StringRef name,
                        llvm::ArrayRef<int64_t> shape) {
  weight.name = name.str();
  weight.source = index.find(name);
  if (weight.source.empty())
    return llvm::createStringError("'" + join(folder, index.getFile()) +
                                   "' has no tensor '" + name + "'");
  Expected<const SafetensorsFile *> file = files.getFile(weight.source);
  if (!file)
    return file.takeError();
  const SafetensorsFile::Entry *entry = (*file)->lookup(name);
  if (!entry)
    return llvm::createStringError("'" + (*file)->getPath() +
                                   "' has no tensor '" + name + "'");
  bool isFloat = entry->dtype == DType::F32 || entry->dtype == DType::F16 ||
                 entry->dtype == DType::BF16;
  if (!isFloat || llvm::ArrayRef<int64_t>(entry->shape) != shape)
    return llvm::createStringError(
        "tensor '" + name + "' of '" + (*file)->getPath() + "' is " +
        describe(entry->dtype, entry->shape) + ", expected " +
        describe(isFloat ? entry->dtype : DType::F32, shape) +
        (isFloat ? "" : " (or F16, BF16)"));
  return Error::success();
}

Expected<LlamaModel> mlir::sq::readHuggingFace(StringRef folder) {
  std::string path = join(folder, "config.json");
  Expected<json::Object> object = readObject(path);
  if (!object)
    return object.takeError();
  LlamaModel model;
  bool tied = false;
  Expected<LlamaConfig> config = readConfig(*object, path, tied);
  if (!config)
    return config.takeError();
  model.config = *config;
  model.layers.resize(config->numLayers);

  Expected<WeightIndex> index = WeightIndex::read(folder);
  if (!index)
    return index.takeError();
  WeightFiles files(folder);
  Error error = Error::success();
  forEachWeight(model, [&](WeightRef &weight, StringRef name,
                           llvm::ArrayRef<int64_t> shape) {
    if (error || (tied && &weight == &model.head))
      return;
    error = findWeight(folder, *index, files, weight, name, shape);
  });
  if (error)
    return std::move(error);
  if (tied)
    model.head = model.embedding;
  return std::move(model);
}
