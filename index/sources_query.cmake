# Queries in words and pictures, and zero-shot labels: need the engine, no SQLite and no FAISS.
target_sources(glimpse_index PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/query.c"
                                     "${CMAKE_CURRENT_SOURCE_DIR}/label.c")
