# Queries, class lists, prompts, classifiers.
foreach(part query label classes label_many label_sigmoid)
  glimpse_test(${part} SOURCES "${CMAKE_CURRENT_LIST_DIR}/test_${part}.c"
               LIBS glimpse_index glimpse_index_private PkgConfig::JANSSON)
endforeach()
