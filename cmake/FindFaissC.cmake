# Finds FAISS with its C API, and defines the imported target FaissC::FaissC, which brings along
# whatever it links with (FAISS itself, OpenBLAS, OpenMP, the C++ run-time library).
#
# An installed faiss_c comes first (hint: FaissC_ROOT, CMAKE_PREFIX_PATH), then the build that
# tools/deps.sh keeps in GLIMPSE_DEPS_DIR: by default $XDG_CACHE_HOME/glimpse/deps or
# ~/.cache/glimpse/deps. There, a build with AVX2 is taken only where this machine's CPU has it;
# GLIMPSE_FAISS_OPT (avx2 or generic) says otherwise, for deps.sh too when in the environment.
#
# Sets FaissC_FOUND, FaissC_INCLUDE_DIR, FaissC_LIBRARY, FaissC_ORIGIN ("installed" or
# "built by tools/deps.sh") and FaissC_DESCRIPTION (one line for people).

include(FindPackageHandleStandardArgs)

# Where deps.sh puts it. The environment wins over the default, -D over the environment.
if(NOT GLIMPSE_DEPS_DIR)
  if(NOT "$ENV{GLIMPSE_DEPS_DIR}" STREQUAL "")
    set(GLIMPSE_DEPS_DIR "$ENV{GLIMPSE_DEPS_DIR}")
  elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(GLIMPSE_DEPS_DIR "$ENV{XDG_CACHE_HOME}/glimpse/deps")
  else()
    set(GLIMPSE_DEPS_DIR "$ENV{HOME}/.cache/glimpse/deps")
  endif()
endif()

# The same rule as in deps.sh.
function(_faissc_opt result)
  if(GLIMPSE_FAISS_OPT)
    set(opt "${GLIMPSE_FAISS_OPT}")
  elseif(NOT "$ENV{GLIMPSE_FAISS_OPT}" STREQUAL "")
    set(opt "$ENV{GLIMPSE_FAISS_OPT}")
  else()
    set(opt generic)
    if(EXISTS /proc/cpuinfo)
      file(STRINGS /proc/cpuinfo flags REGEX "^flags[ \t]*:" LIMIT_COUNT 1)
      set(opt avx2)
      foreach(flag avx2 fma f16c popcnt)
        if(NOT "${flags} " MATCHES " ${flag} ")
          set(opt generic)
        endif()
      endforeach()
    endif()
  endif()
  set(${result} "${opt}" PARENT_SCOPE)
endfunction()

# A file of an earlier configuration may be gone, or the other kind installed since then.
if(FaissC_LIBRARY AND NOT EXISTS "${FaissC_LIBRARY}")
  unset(FaissC_LIBRARY CACHE)
  unset(FaissC_INCLUDE_DIR CACHE)
endif()

# 1. Installed. Debian's libfaiss-dev has the headers and no library, so the library decides, and
#    the headers have to be those next to it.
find_library(FaissC_LIBRARY faiss_c PATH_SUFFIXES lib lib64)
if(FaissC_LIBRARY AND NOT FaissC_INCLUDE_DIR)
  get_filename_component(_faissc_lib_dir "${FaissC_LIBRARY}" DIRECTORY)
  find_path(
    FaissC_INCLUDE_DIR faiss/c_api/Index_c.h
    HINTS "${_faissc_lib_dir}/../include" "${_faissc_lib_dir}/../../include")
endif()

# 2. Built by deps.sh.
if(NOT FaissC_LIBRARY OR NOT FaissC_INCLUDE_DIR)
  unset(FaissC_LIBRARY CACHE)
  unset(FaissC_INCLUDE_DIR CACHE)
  _faissc_opt(_faissc_opt)
  set(_faissc_wanted "${_faissc_opt}")
  if(_faissc_opt STREQUAL "avx2")
    list(APPEND _faissc_wanted generic) # slower, but it runs here as well
  endif()
  if(CMAKE_LIBRARY_ARCHITECTURE MATCHES "^x86_64")
    set(_faissc_arch amd64)
  elseif(CMAKE_LIBRARY_ARCHITECTURE MATCHES "^aarch64")
    set(_faissc_arch arm64)
  else()
    set(_faissc_arch "*")
  endif()
  foreach(_faissc_o IN LISTS _faissc_wanted)
    file(GLOB _faissc_builds "${GLIMPSE_DEPS_DIR}/faiss-*-${_faissc_arch}-${_faissc_o}/.complete")
    list(SORT _faissc_builds COMPARE NATURAL ORDER DESCENDING)
    foreach(_faissc_build IN LISTS _faissc_builds)
      if(NOT FaissC_LIBRARY)
        get_filename_component(_faissc_dir "${_faissc_build}" DIRECTORY)
        set(FaissC_LIBRARY "${_faissc_dir}/lib/libfaiss_c.a" CACHE FILEPATH "FAISS's C API" FORCE)
        set(FaissC_INCLUDE_DIR "${_faissc_dir}/include" CACHE PATH "FAISS's C API" FORCE)
      endif()
    endforeach()
  endforeach()
endif()

# What a static library needs on top. FAISS is C++ and uses OpenMP and BLAS.
set(FaissC_LINK_LIBRARIES "")
set(_faissc_needs "")
if(FaissC_LIBRARY MATCHES "\\.a$")
  get_filename_component(_faissc_lib_dir "${FaissC_LIBRARY}" DIRECTORY)
  find_library(
    FaissC_FAISS_LIBRARY
    NAMES faiss faiss_avx2
    HINTS "${_faissc_lib_dir}"
    NO_CACHE)
  find_library(FaissC_BLAS_LIBRARY NAMES openblas blas)
  set(_faissc_needs FaissC_FAISS_LIBRARY FaissC_BLAS_LIBRARY)
  mark_as_advanced(FaissC_BLAS_LIBRARY)
  list(APPEND FaissC_LINK_LIBRARIES "${FaissC_FAISS_LIBRARY}" "${FaissC_BLAS_LIBRARY}")
  if(NOT FaissC_BLAS_LIBRARY MATCHES "openblas") # which has LAPACK inside
    find_library(FaissC_LAPACK_LIBRARY lapack)
    list(APPEND _faissc_needs FaissC_LAPACK_LIBRARY)
    mark_as_advanced(FaissC_LAPACK_LIBRARY)
    list(APPEND FaissC_LINK_LIBRARIES "${FaissC_LAPACK_LIBRARY}")
  endif()
  list(APPEND FaissC_LINK_LIBRARIES gomp stdc++ m)
endif()

if(FaissC_LIBRARY MATCHES "/faiss-([^/]+)/lib/libfaiss_c\\.a$")
  set(FaissC_ORIGIN "built by tools/deps.sh")
  set(FaissC_DESCRIPTION "FAISS ${CMAKE_MATCH_1}, ${FaissC_ORIGIN}")
else()
  set(FaissC_ORIGIN "installed")
  set(FaissC_DESCRIPTION "FAISS, ${FaissC_ORIGIN}: ${FaissC_LIBRARY}")
endif()

find_package_handle_standard_args(
  FaissC
  REQUIRED_VARS FaissC_LIBRARY FaissC_INCLUDE_DIR ${_faissc_needs}
  REASON_FAILURE_MESSAGE
    "FAISS with its C API is neither installed nor built in ${GLIMPSE_DEPS_DIR}. Run tools/deps.sh, which builds it once, or point FaissC_ROOT at an installation that has libfaiss_c.")
mark_as_advanced(FaissC_LIBRARY FaissC_INCLUDE_DIR)

if(FaissC_FOUND AND NOT TARGET FaissC::FaissC)
  add_library(FaissC::FaissC UNKNOWN IMPORTED)
  set_target_properties(
    FaissC::FaissC
    PROPERTIES IMPORTED_LOCATION "${FaissC_LIBRARY}"
               INTERFACE_INCLUDE_DIRECTORIES "${FaissC_INCLUDE_DIR}"
               INTERFACE_LINK_LIBRARIES "${FaissC_LINK_LIBRARIES}")
endif()
