# Labels: class lists, prompts, the classifier with its cache, calibration, examples, and labels
# stored in the catalogue.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
target_link_libraries(glimpse_index PRIVATE PkgConfig::JANSSON)
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/platt.c"
          "${CMAKE_CURRENT_LIST_DIR}/calibrate.c"
          "${CMAKE_CURRENT_LIST_DIR}/calibrate_json.c"
          "${CMAKE_CURRENT_LIST_DIR}/classes.c"
          "${CMAKE_CURRENT_LIST_DIR}/classes_json.c"
          "${CMAKE_CURRENT_LIST_DIR}/fewshot.c"
          "${CMAKE_CURRENT_LIST_DIR}/label.c"
          "${CMAKE_CURRENT_LIST_DIR}/label_cache.c"
          "${CMAKE_CURRENT_LIST_DIR}/label_lines.c"
          "${CMAKE_CURRENT_LIST_DIR}/label_many.c"
          "${CMAKE_CURRENT_LIST_DIR}/label_store.c"
          "${CMAKE_CURRENT_LIST_DIR}/prompts.c")
