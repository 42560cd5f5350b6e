# The walk over folder trees and the ingest pipeline.
target_sources(
  glimpse_index
  PRIVATE "${CMAKE_CURRENT_LIST_DIR}/walk.c"
          "${CMAKE_CURRENT_LIST_DIR}/walk_rules.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest_budget.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest_ledger.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest_model.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest_read.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest_roots.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest_scan.c"
          "${CMAKE_CURRENT_LIST_DIR}/ingest_worker.c"
          "${CMAKE_CURRENT_LIST_DIR}/trace.c")
