# Captions in the catalogue, searched as text; re-ranking.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/captions.c" "${CMAKE_CURRENT_LIST_DIR}/captions_match.c"
          "${CMAKE_CURRENT_LIST_DIR}/captions_verify.c" "${CMAKE_CURRENT_LIST_DIR}/fusion.c"
          "${CMAKE_CURRENT_LIST_DIR}/pictures.c"
          "${CMAKE_CURRENT_LIST_DIR}/rerank.c")
