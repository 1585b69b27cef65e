//===- TargetSpec.cpp - What we compile for ---------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Target/TargetSpec.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/Threading.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir::sq;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static void initializeTargets() {
  static const bool done = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
    return true;
  }();
  (void)done;
}

/// An unknown CPU would make LLVM print a warning and carry on with a generic
/// one; a wrong target must not pass silently.
static llvm::Expected<const llvm::Target *>
lookupTarget(const TargetSpec &spec) {
  initializeTargets();
  std::string reason;
  llvm::Triple triple(spec.triple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!target)
    return makeError("unknown target triple '" + spec.triple + "': " + reason);
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!subtarget || !subtarget->isCPUStringValid(spec.cpu))
    return makeError("unknown CPU '" + spec.cpu + "' for " + spec.triple +
                     "; use 'native', an LLVM CPU name such as "
                     "'icelake-server', or 'triple:cpu'");
  return target;
}

static unsigned getF32Lanes(llvm::TargetMachine &machine) {
  const llvm::MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  for (auto [feature, lanes] : {std::pair("+avx512f", 16u), {"+avx2", 8u}})
    if (machine.getTargetTriple().isX86() && subtarget.checkFeatures(feature))
      return lanes;
  return 4;
}

static VectorISA getVectorISA(llvm::TargetMachine &machine) {
  const llvm::MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  auto has = [&](llvm::StringRef features) {
    return subtarget.checkFeatures(features.str());
  };
  if (machine.getTargetTriple().isAArch64())
    return !has("+neon,+dotprod") ? VectorISA::None
           : has("+i8mm")         ? VectorISA::NEONI8MM
                                  : VectorISA::NEONDotProd;
  if (!machine.getTargetTriple().isX86())
    return VectorISA::None;
  // Scales are f16, too, so F16C belongs to AVX2.
  if (!has("+avx2,+fma,+f16c"))
    return VectorISA::None;
  if (!has("+avx512f,+avx512bw,+avx512dq,+avx512vl"))
    return has("+avxvnni") ? VectorISA::AVXVNNI : VectorISA::AVX2;
  if (!has("+avx512vnni"))
    return VectorISA::AVX512;
  return has("+avx512vbmi,+avx512vbmi2") ? VectorISA::AVX512VBMI2
                                         : VectorISA::AVX512VNNI;
}

llvm::Expected<TargetSpec> mlir::sq::parseTarget(llvm::StringRef text) {
  TargetSpec spec;
  spec.triple = llvm::sys::getDefaultTargetTriple();
  if (text == "native") {
    spec.cpu = llvm::sys::getHostCPUName().str();
    llvm::SubtargetFeatures features;
    for (const auto &[name, enabled] : llvm::sys::getHostCPUFeatures())
      features.AddFeature(name, enabled);
    spec.features = features.getString();
  } else if (text.contains(':')) {
    auto [triple, cpu] = text.split(':');
    spec.triple = llvm::Triple::normalize(triple);
    spec.cpu = cpu.str();
    // LLVM takes no CPU for a generic one.
    if (cpu.empty())
      return makeError("target '" + text +
                       "' names no CPU; expected 'triple:cpu', such as "
                       "'x86_64-linux-gnu:x86-64-v3'");
  } else {
    spec.cpu = text.str();
    if (text.empty())
      return makeError("the target is empty; use 'native', a CPU name, or "
                       "'triple:cpu'");
  }
  auto machine = createTargetMachine(spec);
  if (!machine)
    return machine.takeError();
  spec.f32Lanes = getF32Lanes(**machine);
  spec.isa = getVectorISA(**machine);
  spec.facts = getCPUFacts(spec.cpu, spec.f32Lanes);
  if (text == "native")
    if (int cores = llvm::get_physical_cores(); cores > 0)
      spec.facts.cores = cores;
  return spec;
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
mlir::sq::createTargetMachine(const TargetSpec &spec) {
  llvm::Expected<const llvm::Target *> target = lookupTarget(spec);
  if (!target)
    return target.takeError();
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine((*target)->createTargetMachine(
      llvm::Triple(spec.triple), spec.cpu, spec.features, options,
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return makeError("cannot make a code generator for " + spec.triple);
  return machine;
}

std::vector<std::string>
mlir::sq::getRequiredFeatures(llvm::TargetMachine &machine) {
  // The features that vector code is made of. Those left out (sha, clflush,
  // ...) have instructions that LLVM only emits for intrinsics that we don't
  // use, and tuning flags are not features of a CPU at all.
  static const llvm::StringSet<> relevant = {
      "sse3",       "ssse3",        "sse4.1",
      "sse4.2",     "popcnt",       "avx",
      "avx2",       "fma",          "f16c",
      "bmi",        "bmi2",         "lzcnt",
      "movbe",      "avx512f",      "avx512cd",
      "avx512dq",   "avx512bw",     "avx512vl",
      "avx512vbmi", "avx512vbmi2",  "avx512vnni",
      "avx512ifma", "avx512bitalg", "avx512vpopcntdq",
      "avx512bf16", "avx512fp16",   "avx512vp2intersect",
      "avxvnni",    "gfni",         "neon",
      "dotprod",    "i8mm",         "fullfp16",
      "bf16",       "sve",          "sve2",
      "lse",        "rcpc",         "rdm",
      "complxnum",  "fp16fml"};
  const llvm::MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  std::vector<std::string> required;
  for (const llvm::SubtargetFeatureKV &feature :
       subtarget.getAllProcessorFeatures())
    if (relevant.contains(feature.Key) && subtarget.hasFeature(feature.Value))
      required.push_back(feature.Key);
  return required;
}
