# Queries and labels against a fake model whose embeddings can be worked out by hand: the sources
# are compiled in, so that the fakes take the place of the encoder.
set(QUERY_SOURCES query.c)
set(LABEL_SOURCES platt.c calibrate.c calibrate_json.c classes.c classes_json.c fewshot.c label.c
                  label_cache.c label_lines.c label_many.c prompts.c)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
set(CLASSES_SOURCES ${LABEL_SOURCES})
set(LABEL_MANY_SOURCES ${LABEL_SOURCES})
set(LABEL_SIGMOID_SOURCES ${LABEL_SOURCES})
foreach(part query label classes label_many label_sigmoid)
  string(TOUPPER ${part} upper)
  list(TRANSFORM ${upper}_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/index/" OUTPUT_VARIABLE sources)
  glimpse_test(${part} SOURCES "${CMAKE_CURRENT_LIST_DIR}/test_${part}.c" ${sources}
               LIBS PkgConfig::JANSSON)
  target_include_directories(
    test_${part} PRIVATE "${CMAKE_CURRENT_LIST_DIR}" "${PROJECT_SOURCE_DIR}/index"
                         "${PROJECT_SOURCE_DIR}/index/include")
endforeach()
