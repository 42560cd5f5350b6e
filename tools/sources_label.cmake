# glimpse label: from options to a classifier, from pictures to embeddings, from these to labels.
target_sources(
  glimpse
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/label_embed.c" "${CMAKE_CURRENT_LIST_DIR}/label_journal.c"
          "${CMAKE_CURRENT_LIST_DIR}/label_run.c" "${CMAKE_CURRENT_LIST_DIR}/label_sample.c"
          "${CMAKE_CURRENT_LIST_DIR}/label_setup.c" "${CMAKE_CURRENT_LIST_DIR}/label_walk.c")
