//===- Link.cpp - Object and runtime to a shared library --------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/Artifact/Emit.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir::sq;

/// Of the compilers only clang links for other architectures than its own.
static llvm::Expected<std::string> findDriver(bool isCross) {
  for (llvm::StringRef name : {"clang-22", "clang", "cc", "gcc"})
    if (!isCross || name.starts_with("clang"))
      if (auto path = llvm::sys::findProgramByName(name))
        return *path;
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      "no compiler driver to link with: install clang or gcc, or use "
      "--emit=obj and link the object with the runtime yourself");
}

llvm::Error mlir::sq::linkSharedLibrary(const LinkOptions &options) {
  llvm::Triple triple(options.triple);
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  bool isCross = triple.getArch() != host.getArch();
  if (isCross && options.runtimeIsHosts)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "can't link a shared library for %s without a runtime for it: give one "
        "by --runtime, or use --emit=obj and link on the target",
        options.triple.c_str());
  if (!llvm::sys::fs::exists(options.runtime))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "runtime library '%s' not found",
                                   options.runtime.c_str());
  llvm::Expected<std::string> driver = findDriver(isCross);
  if (!driver)
    return driver.takeError();

  // Nothing in the object refers to sq_get_api: -u pulls it from the archive.
  llvm::SmallVector<llvm::StringRef> args = {*driver,
                                             "-shared",
                                             "-o",
                                             options.output,
                                             options.object,
                                             "-Wl,-u,sq_get_api",
                                             options.runtime,
                                             "-Wl,--gc-sections",
                                             "-Wl,-z,noexecstack",
                                             "-lm"};
  std::string target = "--target=" + options.triple;
  if (isCross)
    llvm::append_values(args, llvm::StringRef(target), "-fuse-ld=lld");
  llvm::SmallString<128> openmp, rpath;
  if (options.openmp) {
#ifdef SQ_LIBOMP
    if (!isCross) {
      openmp = SQ_LIBOMP;
      rpath = "-Wl,-rpath,";
      rpath += llvm::sys::path::parent_path(openmp);
      llvm::append_values(args, openmp, rpath);
    }
#endif
    if (openmp.empty())
      args.push_back("-lomp");
  }
  std::string message;
  llvm::SmallString<128> log;
  if (auto error = llvm::sys::fs::createTemporaryFile("sq-link", "log", log))
    return llvm::errorCodeToError(error);
  std::optional<llvm::StringRef> redirects[] = {
      std::nullopt, llvm::StringRef(log), llvm::StringRef(log)};
  int code = llvm::sys::ExecuteAndWait(*driver, args, std::nullopt, redirects,
                                       0, 0, &message);
  std::string output;
  if (auto buffer = llvm::MemoryBuffer::getFile(log))
    output = (*buffer)->getBuffer().split('\n').first.str();
  llvm::sys::fs::remove(log);
  if (code == 0)
    return llvm::Error::success();
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(), "linking '%s' failed: %s%s",
      options.output.c_str(), message.c_str(), output.c_str());
}
