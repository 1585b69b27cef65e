# Finds the distribution's LLVM/MLIR 22 and sets the flags that its headers ask for.
find_package(MLIR 22.1 REQUIRED CONFIG
             HINTS /usr/lib/llvm-22/lib/cmake/mlir $ENV{MLIR_DIR})
message(STATUS "Using MLIR ${MLIR_VERSION} from ${MLIR_DIR}")
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(SQ_LLVM_DEFINITIONS NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${SQ_LLVM_DEFINITIONS})

# The package's archives and libMLIR.so hold the same symbols; linking both
# registers everything twice and nothing warns. We link the shared ones only.
set(SQ_MLIR_LIBS MLIR LLVM)
