# Data sets: what is written reads back, what is read is refused with the line.
foreach(part files trees)
  glimpse_test(
    dataset_${part}
    SOURCES "${CMAKE_CURRENT_LIST_DIR}/test_dataset_${part}.c" "${CMAKE_CURRENT_LIST_DIR}/label_samples.c"
            "${CMAKE_CURRENT_LIST_DIR}/../tools/run.c"
    LIBS glimpse_index glimpse_index_private PkgConfig::JANSSON m
    TIMEOUT 120)
  target_compile_definitions(test_dataset_${part} PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
endforeach()
