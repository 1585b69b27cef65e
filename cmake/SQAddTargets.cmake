# sq_add_library(<name> SOURCES a.cpp... [LINK_LIBS ...] [DEPENDS ...] [NO_MLIR])
# One static library a room. NO_MLIR keeps libMLIR out of rooms below the IR.
set(SQ_CXX_FLAGS -Wall -Wextra -Wno-unused-parameter -fno-exceptions)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # C++20 needs no std::move in `return std::move(error)`, but says so only to
  # GCC; and GCC 12 sees overlaps in "text" + std::string (its bug 105651).
  list(APPEND SQ_CXX_FLAGS -Wno-redundant-move -Wno-restrict)
endif()
foreach(sanitizer IN LISTS SQ_SANITIZE)
  add_compile_options(-fsanitize=${sanitizer} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizer})
endforeach()

function(sq_add_library name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "SOURCES;LINK_LIBS;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  add_library(SparseQuant::${name} ALIAS ${name})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${SQ_CXX_FLAGS}>)
  target_include_directories(${name} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  if(NOT ARG_NO_MLIR)
    target_link_libraries(${name} PUBLIC ${SQ_MLIR_LIBS})
    # Generated headers are shared by all rooms above the dialect.
    add_dependencies(${name} sq-headers)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY SQ_LIBRARIES ${name})
endfunction()

function(sq_add_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${SQ_CXX_FLAGS}>)
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  set_property(GLOBAL APPEND PROPERTY SQ_TOOLS ${name})
endfunction()

# sq_add_unittest(<name> SOURCES ... LINK_LIBS ...): a GoogleTest binary that
# ctest and check-sq run.
function(sq_add_unittest name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${SQ_CXX_FLAGS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_property(GLOBAL APPEND PROPERTY SQ_UNITTESTS ${name})
endfunction()
