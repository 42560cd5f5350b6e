# The library on disk: catalogue (SQLite), vectors (FAISS), search and upkeep.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/catalog.c"
          "${CMAKE_CURRENT_LIST_DIR}/catalog_contents.c"
          "${CMAKE_CURRENT_LIST_DIR}/catalog_files.c"
          "${CMAKE_CURRENT_LIST_DIR}/db.c"
          "${CMAKE_CURRENT_LIST_DIR}/f16.c"
          "${CMAKE_CURRENT_LIST_DIR}/paths.c"
          "${CMAKE_CURRENT_LIST_DIR}/schema.c")
