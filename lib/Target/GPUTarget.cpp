//===- GPUTarget.cpp - The GPUs that we compile for -----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the numbers are from:
//
//   ptx, cuda        the release notes of the PTX ISA: the first version with
//                    the architecture, and not before 8.5
//   sharedBytes      "Technical Specifications per Compute Capability" of the
//                    CUDA C++ Programming Guide
//   fp8              the machine code that ptxas 13.0 makes of such a PTX
//                    instruction: one of its own, or conversions to f16
//   multiprocessors  the vendor's white paper of the part in the row's comment
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Target/GPUTarget.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sq;

static constexpr StringLiteral kDevice = "GPU", kArchs = "sq.archs";
static constexpr int64_t KiB = 1 << 10;

static constexpr GPUTarget gpuTargets[] = {
    // arch, ptx, cuda, shared, SMs, ordered metadata, fp8, wgmma, tcgen05
    {"sm_80", 85, 12050, 163 * KiB, 108, true, false, false, false},  // A100
    {"sm_89", 85, 12050, 99 * KiB, 142, true, true, false, false},    // L40S
    {"sm_90a", 85, 12050, 227 * KiB, 132, true, false, true, false},  // H100
    {"sm_100a", 86, 12070, 227 * KiB, 148, true, false, false, true}, // B200
    {"sm_120a", 87, 12080, 99 * KiB, 170, true, true, false, false}, // RTX 5090
};

ArrayRef<GPUTarget> mlir::sq::getKnownGPUTargets() { return gpuTargets; }

const GPUTarget *mlir::sq::lookupGPUTarget(StringRef arch) {
  const GPUTarget *found = llvm::find_if(
      gpuTargets, [&](const GPUTarget &target) { return target.arch == arch; });
  return found == std::end(gpuTargets) ? nullptr : found;
}

static std::string listArchs() {
  return llvm::join(llvm::map_range(gpuTargets,
                                    [](const GPUTarget &target) {
                                      return "'" + target.arch.str() + "'";
                                    }),
                    ", ");
}

llvm::Expected<SmallVector<const GPUTarget *>>
mlir::sq::parseGPUTargets(StringRef text) {
  auto fail = [](const Twine &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  StringRef list = text;
  if (!list.consume_front("cuda:") || list.empty())
    return fail("target '" + text +
                "' names no GPU; expected 'cuda:' and architectures, such as "
                "'cuda:sm_80,sm_90a'");
  SmallVector<StringRef> names;
  list.split(names, ',');
  SmallVector<const GPUTarget *> targets;
  for (StringRef name : names) {
    const GPUTarget *target = lookupGPUTarget(name);
    if (!target)
      return fail("unknown GPU architecture '" + name + "', expected one of " +
                  listArchs());
    if (llvm::is_contained(targets, target))
      return fail("GPU architecture '" + name + "' is listed twice");
    targets.push_back(target);
  }
  return targets;
}

void mlir::sq::attachGPUTargets(ModuleOp module,
                                ArrayRef<const GPUTarget *> targets) {
  module.getContext()->getOrLoadDialect<DLTIDialect>();
  Builder b(module.getContext());
  auto entry = [&](StringRef key, Attribute value) -> DataLayoutEntryInterface {
    return DataLayoutEntryAttr::get(b.getStringAttr(key), value);
  };
  int64_t sharedBytes = targets.front()->sharedBytes;
  int64_t multiprocessors = targets.front()->multiprocessors;
  SmallVector<StringRef> archs;
  for (const GPUTarget *target : targets) {
    archs.push_back(target->arch);
    sharedBytes = std::min(sharedBytes, target->sharedBytes);
    multiprocessors = std::min(multiprocessors, target->multiprocessors);
  }
  auto device = TargetDeviceSpecAttr::get(
      b.getContext(),
      {entry(kArchs, b.getStrArrayAttr(archs)),
       entry("sq.shared_bytes", b.getI64IntegerAttr(sharedBytes)),
       entry("sq.multiprocessors", b.getI64IntegerAttr(multiprocessors))});
  SmallVector<DataLayoutEntryInterface> devices;
  StringRef name = DLTIDialect::kTargetSystemDescAttrName;
  if (auto system = module->getAttrOfType<TargetSystemSpecAttr>(name))
    llvm::copy_if(system.getEntries(), std::back_inserter(devices),
                  [&](DataLayoutEntryInterface entry) {
                    auto key = dyn_cast<StringAttr>(entry.getKey());
                    return !key || key != kDevice;
                  });
  devices.push_back(entry(kDevice, device));
  module->setAttr(name, TargetSystemSpecAttr::get(b.getContext(), devices));
}

static std::optional<TargetDeviceSpecInterface> getDevice(ModuleOp module) {
  auto system = module->getAttrOfType<TargetSystemSpecInterface>(
      DLTIDialect::kTargetSystemDescAttrName);
  if (!system)
    return std::nullopt;
  return system.getDeviceSpecForDeviceID(
      StringAttr::get(module.getContext(), kDevice));
}

bool mlir::sq::hasGPUTargets(ModuleOp module) {
  return getDevice(module).has_value();
}

FailureOr<SmallVector<const GPUTarget *>>
mlir::sq::readGPUTargets(ModuleOp module) {
  auto fail = [&]() -> InFlightDiagnostic {
    return module.emitError("the module's target: ");
  };
  std::optional<TargetDeviceSpecInterface> device = getDevice(module);
  if (!device)
    return fail() << "expected a device \"" << kDevice
                  << "\"; run sq-attach-target with 'cuda:...'";
  ArrayAttr archs;
  for (DataLayoutEntryInterface entry : device->getEntries())
    if (auto key = dyn_cast<StringAttr>(entry.getKey()); key && key == kArchs)
      archs = dyn_cast<ArrayAttr>(entry.getValue());
  if (!archs || archs.empty())
    return fail() << "expected a key \"" << kArchs
                  << "\" with a list of architectures";
  SmallVector<const GPUTarget *> targets;
  for (Attribute arch : archs) {
    auto name = dyn_cast<StringAttr>(arch);
    const GPUTarget *target = name ? lookupGPUTarget(name) : nullptr;
    if (!target)
      return fail() << "\"" << kArchs << "\" has " << arch
                    << ", expected one of " << listArchs();
    targets.push_back(target);
  }
  return targets;
}
