# The walk and the ingest pipeline. Tests reach private headers of index/.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
function(glimpse_ingest_test name)
  glimpse_test(${name} ${ARGN} LIBS glimpse_index glimpse_index_private)
endfunction()

glimpse_ingest_test(walk SOURCES test_ingest_walk.c TIMEOUT 60)
glimpse_ingest_test(ingest SOURCES test_ingest_run.c ingest_support.c LABELS threads)
target_link_libraries(test_ingest PRIVATE PkgConfig::JANSSON)
glimpse_ingest_test(ingest_roots SOURCES test_ingest_roots.c ingest_support.c LABELS threads)
glimpse_ingest_test(ingest_crash SOURCES test_ingest_crash.c ingest_support.c)
glimpse_ingest_test(ingest_many SOURCES test_ingest_speed.c ingest_support.c)
glimpse_ingest_test(ingest_faults SOURCES test_ingest_faults.c ingest_support.c LABELS threads)
target_link_options(test_ingest_faults PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=fstatat)
glimpse_ingest_test(ingest_corpus SOURCES test_ingest_corpus.c ingest_support.c TIMEOUT 600)
