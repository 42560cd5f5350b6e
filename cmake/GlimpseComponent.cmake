# glimpse_component(NAME SOURCES a.c ... [USES other ...] [LIBS target ...])
#
# A component of index/: an object library of the sources in this directory, all of which end up in
# libglimpse. It sees its own headers, the public ones, the engine's private ones and those of the
# components that it USES: an include of any other does not compile. So the USES lists are the
# arrows of the design, and they point from components added later to those added earlier.
function(glimpse_component name)
  cmake_parse_arguments(C "" "" "SOURCES;USES;LIBS" ${ARGN})
  set(target glimpse_${name})
  add_library(${target} OBJECT ${C_SOURCES})
  target_include_directories(
    ${target}
    PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}"
    PRIVATE "${PROJECT_SOURCE_DIR}/index/include" "${PROJECT_SOURCE_DIR}/src/include")
  target_link_libraries(${target} PRIVATE glimpse_flags glimpse_private ${C_LIBS})
  foreach(used ${C_USES})
    if(NOT TARGET glimpse_${used})
      message(FATAL_ERROR "${name} uses ${used}, which is no earlier component")
    endif()
    target_include_directories(
      ${target} PRIVATE $<TARGET_PROPERTY:glimpse_${used},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
  target_sources(glimpse_index PRIVATE $<TARGET_OBJECTS:${target}>)
  target_link_libraries(glimpse_index PRIVATE ${C_LIBS})
endfunction()
