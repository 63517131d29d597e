# The layers of the house. Each is a target with an include path of its own, so that a layer sees only what it may use:
# `#include "base/mutex.h"` works in core, since core links base; `#include "core/decide.h"` does not build in base.

find_package(Threads REQUIRED)

# What every target of the project is compiled with.
add_library(errand_options INTERFACE)
target_compile_features(errand_options INTERFACE cxx_std_20)
target_compile_options(errand_options INTERFACE -Wall -Wextra $<$<BOOL:${ERRAND_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
if(ERRAND_SANITIZE)
  target_compile_options(errand_options INTERFACE -fsanitize=${ERRAND_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(errand_options INTERFACE -fsanitize=${ERRAND_SANITIZE})
endif()

if(ERRAND_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ERRAND_FUZZ: expected clang, got ${CMAKE_CXX_COMPILER_ID}; "
      "-DCMAKE_CXX_COMPILER=clang++-16 with the packages clang-16 and libclang-rt-16-dev will do")
  endif()
  target_compile_options(errand_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The public headers, for every layer.
add_library(errand_headers INTERFACE)
target_include_directories(errand_headers INTERFACE ${CMAKE_CURRENT_LIST_DIR}/../include)

# errand_layer(NAME SOURCES a.cc ... [USES layer ...] [LIBRARIES lib ...])
# Defines the object library errand_NAME, whose headers are found as "NAME/...".
function(errand_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(root ${PROJECT_BINARY_DIR}/layers/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${name} SYMBOLIC)
  add_library(errand_${name} OBJECT ${ARG_SOURCES})
  set_target_properties(errand_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(errand_${name} PUBLIC $<BUILD_INTERFACE:${root}>)
  target_link_libraries(errand_${name} PRIVATE errand_options PUBLIC errand_headers)
  foreach(used IN LISTS ARG_USES)
    # Include paths only: the objects of all layers meet in the one library `errand`.
    target_include_directories(errand_${name} PUBLIC
      $<TARGET_PROPERTY:errand_${used},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
  target_link_libraries(errand_${name} PRIVATE ${ARG_LIBRARIES})
endfunction()
