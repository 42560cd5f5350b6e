# The walk over folder trees and the ingest pipeline.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/walk.c"
          "${CMAKE_CURRENT_LIST_DIR}/walk_rules.c")
