include(CMakeFindDependencyMacro)
find_dependency(MLIR 22.1 CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/SparseQuantTargets.cmake)
