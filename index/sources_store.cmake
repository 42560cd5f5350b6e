# The library on disk: catalogue (SQLite), vectors (FAISS), search and upkeep.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/catalog.c"
          "${CMAKE_CURRENT_LIST_DIR}/catalog_contents.c"
          "${CMAKE_CURRENT_LIST_DIR}/catalog_files.c"
          "${CMAKE_CURRENT_LIST_DIR}/dates.c"
          "${CMAKE_CURRENT_LIST_DIR}/db.c"
          "${CMAKE_CURRENT_LIST_DIR}/file_paths.c"
          "${CMAKE_CURRENT_LIST_DIR}/filter.c"
          "${CMAKE_CURRENT_LIST_DIR}/library.c"
          "${CMAKE_CURRENT_LIST_DIR}/model_calls.c"
          "${CMAKE_CURRENT_LIST_DIR}/prune.c"
          "${CMAKE_CURRENT_LIST_DIR}/results.c"
          "${CMAKE_CURRENT_LIST_DIR}/schema.c"
          "${CMAKE_CURRENT_LIST_DIR}/search.c"
          "${CMAKE_CURRENT_LIST_DIR}/status.c"
          "${CMAKE_CURRENT_LIST_DIR}/string_pool.c"
          "${CMAKE_CURRENT_LIST_DIR}/vectors.c"
          "${CMAKE_CURRENT_LIST_DIR}/vectors_file.c"
          "${CMAKE_CURRENT_LIST_DIR}/verify.c"
          "${CMAKE_CURRENT_LIST_DIR}/visit.c")
