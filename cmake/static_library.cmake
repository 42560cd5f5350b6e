# Makes libglimpse.a of the archives of our own: one relocatable object, in which everything that is
# hidden in the shared library becomes local, so that no name of ours meets one of the program's.
# FAISS's members follow as they are. What has to be linked with it is read from the shared library,
# which needs the same: into glimpse-static.pc and static-libs.cmake.
#
# Run at build time by Packaging.cmake with LINKER, OBJCOPY, AR, RANLIB, READELF, ARCHIVES, FAISS,
# SHARED, OUTPUT, PC_TEMPLATE and PACKAGE_DIR.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "failed: ${line}")
  endif()
endfunction()

# In a directory of its own and by plain names: ar's script cannot quote a path with a space.
set(work "${PACKAGE_DIR}/static")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")
run("${LINKER}" -r -o "${work}/glimpse.o" --whole-archive ${ARCHIVES})
run("${OBJCOPY}" --localize-hidden "${work}/glimpse.o")
set(script "CREATE libglimpse.a\nADDMOD glimpse.o\n")
foreach(archive ${FAISS})
  get_filename_component(name "${archive}" NAME)
  file(CREATE_LINK "${archive}" "${work}/${name}" SYMBOLIC)
  string(APPEND script "ADDLIB ${name}\n")
endforeach()
string(APPEND script "SAVE\nEND\n")
file(WRITE "${work}/script.mri" "${script}")
execute_process(
  COMMAND "${AR}" -M
  INPUT_FILE "${work}/script.mri"
  WORKING_DIRECTORY "${work}"
  RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "failed: ${AR} -M")
endif()
run("${RANLIB}" "${work}/libglimpse.a")
file(RENAME "${work}/libglimpse.a" "${OUTPUT}")
file(REMOVE_RECURSE "${work}")

execute_process(
  COMMAND "${READELF}" -d "${SHARED}"
  OUTPUT_VARIABLE dynamic
  RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "failed: ${READELF} -d ${SHARED}")
endif()
string(REGEX REPLACE "[][]" "|" dynamic "${dynamic}") # brackets confuse CMake's lists
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*\\|lib[^|]*" needed "${dynamic}")
set(libraries "")
foreach(line ${needed})
  string(REGEX REPLACE ".*\\|lib(.*)\\.so.*" "\\1" name "${line}")
  if(NOT name MATCHES "^(c|gcc_s|pthread|dl)$")
    list(APPEND libraries "${name}")
  endif()
endforeach()
list(APPEND libraries pthread dl)
list(REMOVE_DUPLICATES libraries)
file(WRITE "${PACKAGE_DIR}/static-libs.cmake" "set(glimpse_static_libs ${libraries})\n")
list(TRANSFORM libraries PREPEND "-l")
list(JOIN libraries " " flags)
file(READ "${PC_TEMPLATE}" pc)
string(REPLACE "STATIC_LIBS" "${flags}" pc "${pc}")
file(WRITE "${PACKAGE_DIR}/glimpse-static.pc" "${pc}")
