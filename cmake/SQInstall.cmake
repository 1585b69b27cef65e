# Install and export, so that find_package(SparseQuant) works for dependents.
get_property(sq_libraries GLOBAL PROPERTY SQ_LIBRARIES)
get_property(sq_tools GLOBAL PROPERTY SQ_TOOLS)
install(TARGETS ${sq_libraries} ${sq_tools} EXPORT SparseQuantTargets
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ ${PROJECT_BINARY_DIR}/include/
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc")
install(EXPORT SparseQuantTargets NAMESPACE SparseQuant::
        FILE SparseQuantTargets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/SparseQuant)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/SparseQuantConfig.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/SparseQuant)
