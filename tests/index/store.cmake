# The store: catalogue, vector files, search, upkeep. Tests reach private headers of index/, which
# name SQLite's.
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
function(glimpse_store_test name)
  glimpse_test(${name} SOURCES test_${name}.c store_support.c ${ARGN} LIBS glimpse_index glimpse_index_private
                                                                         PkgConfig::SQLITE3)
endfunction()

# The interface by itself: nothing of SQLite or FAISS.
glimpse_test(store SOURCES test_store.c LIBS glimpse_index glimpse_index_private)
glimpse_store_test(catalog)
glimpse_store_test(search)
glimpse_store_test(vectors)
glimpse_store_test(siblings LABELS threads)
glimpse_store_test(upkeep)
glimpse_store_test(durability TIMEOUT 600)
