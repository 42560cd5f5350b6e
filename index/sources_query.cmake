# Queries in words and pictures, and what the build was made with.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/query.c" "${CMAKE_CURRENT_LIST_DIR}/build.c")
if(FaissC_LIBRARY MATCHES "/faiss-([^/]+)/lib/libfaiss_c\\.a$")
  set_source_files_properties("${CMAKE_CURRENT_LIST_DIR}/build.c"
                              PROPERTIES COMPILE_DEFINITIONS "GLIMPSE_FAISS_VERSION=\"${CMAKE_MATCH_1}\"")
endif()
