# Safe actions on duplicates (journal, undo) and remembered decisions.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/actions.c"
          "${CMAKE_CURRENT_LIST_DIR}/actions_file.c"
          "${CMAKE_CURRENT_LIST_DIR}/actions_journal.c"
          "${CMAKE_CURRENT_LIST_DIR}/actions_place.c"
          "${CMAKE_CURRENT_LIST_DIR}/actions_step.c"
          "${CMAKE_CURRENT_LIST_DIR}/actions_undo.c"
          "${CMAKE_CURRENT_LIST_DIR}/decisions.c")
