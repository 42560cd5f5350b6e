# Queries and labels against a fake model whose embeddings can be worked out by hand: the sources
# are compiled in, so that the fakes take the place of the encoder.
foreach(part query label)
  glimpse_test(${part} SOURCES "${CMAKE_CURRENT_LIST_DIR}/test_${part}.c"
                               "${PROJECT_SOURCE_DIR}/index/${part}.c")
  target_include_directories(
    test_${part} PRIVATE "${CMAKE_CURRENT_LIST_DIR}" "${PROJECT_SOURCE_DIR}/index"
                         "${PROJECT_SOURCE_DIR}/index/include")
endforeach()
