# Duplicate search: hashing, grouping, whole runs.
foreach(part dups_mih dups_groups dups_run)
  glimpse_test(${part} SOURCES "${CMAKE_CURRENT_LIST_DIR}/test_${part}.c" LIBS glimpse_index glimpse_index_private LABELS
               threads)
endforeach()
