# Figures of labels and retrieval, on cases that can be worked out by hand.
glimpse_test(evaluate SOURCES "${CMAKE_CURRENT_LIST_DIR}/test_evaluate.c" LIBS glimpse_index glimpse_index_private m)
