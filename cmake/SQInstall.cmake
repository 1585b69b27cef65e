# Install and export, so that find_package(SparseQuant) works for dependents.
# The runtime is a set of its own, for machines without LLVM.
include(CMakePackageConfigHelpers)
get_property(sq_libraries GLOBAL PROPERTY SQ_LIBRARIES)
list(REMOVE_ITEM sq_libraries SQRuntime)
get_property(sq_tools GLOBAL PROPERTY SQ_TOOLS)
get_property(sq_plugins GLOBAL PROPERTY SQ_PLUGINS)
set(sq_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/SparseQuant)

install(TARGETS SQRuntime EXPORT SparseQuantRuntimeTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS ${sq_libraries} ${sq_tools} EXPORT SparseQuantTargets
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Plugins are loaded by path; nothing links them, so they aren't exported.
install(TARGETS ${sq_plugins} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ ${PROJECT_BINARY_DIR}/include/
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc"
        PATTERN "CMakeFiles" EXCLUDE)

foreach(set Runtime "")
  install(EXPORT SparseQuant${set}Targets NAMESPACE SparseQuant::
          DESTINATION ${sq_package_dir})
endforeach()
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/SparseQuantConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/SparseQuantConfig.cmake
              ${PROJECT_BINARY_DIR}/SparseQuantConfigVersion.cmake
        DESTINATION ${sq_package_dir})
