# find_package(SparseQuant)                     everything; needs MLIR 22.1
# find_package(SparseQuant COMPONENTS Runtime)  what compiled models need; no LLVM
#
# Targets: SparseQuant::SQRuntime; unless only Runtime is asked for, a library
# for each room of the compiler (SparseQuant::SQDialect, ...) and the tools.
include(CMakeFindDependencyMacro)
include(${CMAKE_CURRENT_LIST_DIR}/SparseQuantRuntimeTargets.cmake)
set(SparseQuant_Runtime_FOUND TRUE)

foreach(component IN LISTS SparseQuant_FIND_COMPONENTS)
  if(NOT component MATCHES "^(Runtime|Compiler)$")
    set(SparseQuant_FOUND FALSE)
    set(SparseQuant_NOT_FOUND_MESSAGE
        "SparseQuant has no component '${component}'; it has Runtime and Compiler")
    return()
  endif()
endforeach()
if(SparseQuant_FIND_COMPONENTS STREQUAL "Runtime")
  return()
endif()

find_dependency(MLIR 22.1 CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
include(${CMAKE_CURRENT_LIST_DIR}/SparseQuantTargets.cmake)
set(SparseQuant_Compiler_FOUND TRUE)
# Our headers include MLIR's, whose targets don't name their folder.
target_include_directories(SparseQuant::SQDialect SYSTEM INTERFACE
                           ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
