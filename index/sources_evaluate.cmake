# How good labels and searches are.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/evaluate.c" "${CMAKE_CURRENT_LIST_DIR}/evaluate_labels.c"
          "${CMAKE_CURRENT_LIST_DIR}/evaluate_retrieval.c")
