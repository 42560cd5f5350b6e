# Captions in the catalogue, fused search, re-ranking.
glimpse_store_test(captions)
glimpse_test(rerank SOURCES test_rerank.c LIBS glimpse_index glimpse_index_private)
