# Captions and re-ranking through the command, with an endpoint inside the test.
glimpse_test(tools_second_look SOURCES test_second_look.c endpoint.c run.c
             "${PROJECT_SOURCE_DIR}/tests/random_blip.c"
             "${PROJECT_SOURCE_DIR}/tests/random_model.c" LIBS PkgConfig::JANSSON Threads::Threads
             util TIMEOUT 300)
target_compile_definitions(test_tools_second_look
                           PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
add_dependencies(test_tools_second_look glimpse)
