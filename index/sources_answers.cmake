# Answers of vision-language models, kept.
target_sources(glimpse_index PRIVATE "${CMAKE_CURRENT_LIST_DIR}/answers.c")
