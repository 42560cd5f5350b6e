# What programs build against: libglimpse.so and libglimpse.a, pkg-config files and a CMake package.
# All of it is relocatable: nothing installed names the prefix it was configured with.
#
# Soname: libglimpse.so.0.MINOR before 1.0, because a minor version may change the interface then;
# libglimpse.so.MAJOR from 1.0 on (docs/api.md).
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_CURRENT_BINARY_DIR}/package")
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(soversion "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
else()
  set(soversion "${PROJECT_VERSION_MAJOR}")
endif()

# The shared library: engine and index together, whether shared.c refers to them or not. FAISS is
# inside it, and only our own calls are visible.
add_library(glimpse_shared SHARED index/session/shared.c)
target_link_libraries(glimpse_shared PRIVATE glimpse_flags glimpse_index)
target_include_directories(
  glimpse_shared
  PRIVATE "${PROJECT_SOURCE_DIR}/index/include" "${PROJECT_SOURCE_DIR}/src/include"
  INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_options(
  glimpse_shared
  PRIVATE
  "LINKER:--whole-archive,$<TARGET_FILE:glimpse_index>,$<TARGET_FILE:glimpse_engine>,--no-whole-archive"
  "LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/libglimpse.map")
set_target_properties(
  glimpse_shared
  PROPERTIES OUTPUT_NAME glimpse
             EXPORT_NAME glimpse
             VERSION "${PROJECT_VERSION}"
             SOVERSION "${soversion}"
             LINKER_LANGUAGE CXX
             LINK_DEPENDS "${PROJECT_SOURCE_DIR}/cmake/libglimpse.map")

# The static library: one object whose only global symbols are the public ones, and FAISS's members
# where FAISS is static itself. What it has to be linked with is what the shared library needs.
set(static_library "${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libglimpse.a")
set(faiss_archives "")
if(FaissC_LIBRARY MATCHES "\\.a$")
  get_filename_component(faiss_dir "${FaissC_LIBRARY}" DIRECTORY)
  file(GLOB faiss_archives "${faiss_dir}/libfaiss.a" "${faiss_dir}/libfaiss_avx2.a")
  list(PREPEND faiss_archives "${FaissC_LIBRARY}")
endif()
add_custom_command(
  OUTPUT "${static_library}" "${package_dir}/glimpse-static.pc" "${package_dir}/static-libs.cmake"
  COMMAND
    "${CMAKE_COMMAND}" "-DLINKER=${CMAKE_LINKER}" "-DOBJCOPY=${CMAKE_OBJCOPY}" "-DAR=${CMAKE_AR}"
    "-DRANLIB=${CMAKE_RANLIB}" "-DREADELF=${CMAKE_READELF}"
    "-DARCHIVES=$<TARGET_FILE:glimpse_engine>;$<TARGET_FILE:glimpse_index>"
    "-DFAISS=${faiss_archives}" "-DSHARED=$<TARGET_FILE:glimpse_shared>"
    "-DOUTPUT=${static_library}" "-DPC_TEMPLATE=${package_dir}/glimpse-static.pc.in"
    "-DPACKAGE_DIR=${package_dir}" -P "${PROJECT_SOURCE_DIR}/cmake/static_library.cmake"
  DEPENDS glimpse_engine glimpse_index glimpse_shared "${PROJECT_SOURCE_DIR}/cmake/static_library.cmake"
          "${package_dir}/glimpse-static.pc.in"
  COMMENT "Linking libglimpse.a"
  VERBATIM)
set(all ALL)
if(GLIMPSE_SANITIZE) # nobody installs such a build
  set(all "")
endif()
add_custom_target(glimpse_static ${all} DEPENDS "${static_library}")

# From where the .pc file lies back to the prefix.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(PC_LIBDIR "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(PC_INCLUDEDIR "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH up "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
  string(REGEX REPLACE "/$" "" PC_PREFIX "\${pcfiledir}/${up}")
  set(PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/glimpse.pc.in "${package_dir}/glimpse.pc" @ONLY)
configure_file(cmake/glimpse-static.pc.in "${package_dir}/glimpse-static.pc.in" @ONLY)

set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/glimpse")
configure_package_config_file(cmake/glimpse-config.cmake.in "${package_dir}/glimpse-config.cmake"
                              INSTALL_DESTINATION "${config_dir}")
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file("${package_dir}/glimpse-config-version.cmake"
                                 COMPATIBILITY ${compatibility})

install(TARGETS glimpse_shared EXPORT glimpse-targets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT glimpse-targets NAMESPACE glimpse:: DESTINATION "${config_dir}")
install(FILES "${static_library}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${package_dir}/glimpse.pc" "${package_dir}/glimpse-static.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES "${package_dir}/glimpse-config.cmake" "${package_dir}/glimpse-config-version.cmake"
              "${package_dir}/static-libs.cmake" DESTINATION "${config_dir}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/index/include/glimpse"
                  "${PROJECT_SOURCE_DIR}/src/include/glimpse"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/models"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/glimpse")
install(FILES "${PROJECT_SOURCE_DIR}/data/relevance.txt"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/glimpse")
