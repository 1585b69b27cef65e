//===- TargetAttr.cpp - The target as the IR carries it -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Target/TargetAttr.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::sq;

static constexpr StringLiteral kDevice = "CPU", kISA = "sq.isa",
                               kWidth = "max_vector_op_width";

namespace {
/// A fact and its key; upstream's where it has one.
struct FactKey {
  StringLiteral key;
  int64_t CPUFacts::*fact;
};
} // namespace

static constexpr FactKey factKeys[] = {
    {"L1_cache_size_in_bytes", &CPUFacts::l1Bytes},
    {"L2_cache_size_in_bytes", &CPUFacts::l2Bytes},
    {"L3_cache_size_in_bytes", &CPUFacts::l3Bytes},
    {"sq.cores", &CPUFacts::cores},
    {"sq.frequency_mhz", &CPUFacts::frequencyMHz},
    {"sq.core_read_mb_per_s", &CPUFacts::coreReadMBs},
    {"sq.read_mb_per_s", &CPUFacts::readMBs},
    {"sq.int8_ops_per_cycle", &CPUFacts::int8Ops},
    {"sq.f32_ops_per_cycle", &CPUFacts::f32Ops},
    {"sq.expand_cycles", &CPUFacts::expandCycles},
};

void mlir::sq::attachTarget(ModuleOp module, const KernelTarget &target) {
  // A pass has loaded it; who calls this without one hasn't.
  module.getContext()->getOrLoadDialect<DLTIDialect>();
  Builder b(module.getContext());
  SmallVector<DataLayoutEntryInterface> entries;
  auto add = [&](StringRef key, Attribute value) {
    entries.push_back(DataLayoutEntryAttr::get(b.getStringAttr(key), value));
  };
  add(kISA, b.getStringAttr(stringifyVectorISA(target.isa)));
  add(kWidth, b.getI64IntegerAttr(32 * int64_t(target.lanes)));
  // Where there is nothing to add there is no key.
  for (const FactKey &fact : factKeys)
    if (int64_t number = target.facts.*fact.fact)
      add(fact.key, b.getI64IntegerAttr(number));
  auto device = TargetDeviceSpecAttr::get(b.getContext(), entries);
  module->setAttr(DLTIDialect::kTargetSystemDescAttrName,
                  TargetSystemSpecAttr::get(
                      b.getContext(), {DataLayoutEntryAttr::get(
                                          b.getStringAttr(kDevice), device)}));
}

bool mlir::sq::hasTarget(ModuleOp module) {
  return module->hasAttr(DLTIDialect::kTargetSystemDescAttrName);
}

FailureOr<KernelTarget> mlir::sq::readTarget(ModuleOp module,
                                             const KernelTarget &otherwise) {
  if (!hasTarget(module))
    return otherwise;
  auto fail = [&]() -> InFlightDiagnostic {
    return module.emitError("the module's target: ");
  };
  auto system = module->getAttrOfType<TargetSystemSpecInterface>(
      DLTIDialect::kTargetSystemDescAttrName);
  std::optional<TargetDeviceSpecInterface> device;
  if (system)
    device = system.getDeviceSpecForDeviceID(
        StringAttr::get(module.getContext(), kDevice));
  if (!device)
    return fail() << "expected a device \"" << kDevice << "\"";

  std::optional<VectorISA> isa;
  std::optional<int64_t> width;
  llvm::SmallDenseMap<StringRef, int64_t> given;
  for (DataLayoutEntryInterface entry : device->getEntries()) {
    auto key = dyn_cast<StringAttr>(entry.getKey());
    if (!key)
      continue;
    if (key == kISA) {
      auto name = dyn_cast<StringAttr>(entry.getValue());
      isa = name ? parseVectorISA(name) : std::nullopt;
      if (!isa)
        return fail() << "\"" << kISA << "\" is " << entry.getValue()
                      << ", expected one of " << listVectorISAs();
      continue;
    }
    const FactKey *fact = llvm::find_if(
        factKeys, [&](const FactKey &fact) { return key == fact.key; });
    bool known = fact != std::end(factKeys);
    if (!known && key != kWidth) {
      if (key.strref().starts_with("sq."))
        return fail() << "unknown key " << key;
      continue;
    }
    auto value = dyn_cast<IntegerAttr>(entry.getValue());
    int64_t number = value && value.getValue().getActiveBits() < 63
                         ? value.getValue().getZExtValue()
                         : 0;
    if (number <= 0)
      return fail() << key << " is " << entry.getValue()
                    << ", expected an integer above zero";
    if (known)
      given[fact->key] = number;
    else
      width = number;
  }
  for (auto [key, missing] : {std::pair(kISA, !isa), std::pair(kWidth, !width)})
    if (missing)
      return fail() << "expected a key \"" << key << "\"";
  if (*width % 256)
    return fail() << "\"" << kWidth << "\" is " << *width
                  << ", expected a multiple of the 256 bits that kernels "
                     "take at least";
  KernelTarget target(unsigned(*width / 32), *isa);
  for (const FactKey &fact : factKeys)
    if (auto found = given.find(fact.key); found != given.end())
      target.facts.*fact.fact = found->second;
  return target;
}
