# Duplicates and audits.
foreach(
  part
  dups
  dups_list
  dups_scan
  dups_cache
  dups_classes
  dups_candidates
  dups_mih
  dups_mih_table
  dups_semantic
  dups_verify
  dups_groups
  dups_rank
  dups_texts
  dups_leak
  dups_report
  audit)
  target_sources(glimpse_index PRIVATE "${CMAKE_CURRENT_LIST_DIR}/${part}.c")
endforeach()
