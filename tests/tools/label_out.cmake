# The report of glimpse label, given labels that the test chooses: the objects of the command are linked in. And
# glimpse evaluate, as its users meet it.
glimpse_test(
  tools_label_report
  SOURCES test_label_report.c run.c ../index/label_samples.c
  LIBS glimpse_cli glimpse_report PkgConfig::JANSSON m
  TIMEOUT 120)
target_include_directories(test_tools_label_report PRIVATE "${PROJECT_SOURCE_DIR}/tests/index")
target_compile_definitions(test_tools_label_report PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")

glimpse_test(tools_evaluate SOURCES test_evaluate.c run.c LIBS PkgConfig::JANSSON m TIMEOUT 300)
target_compile_definitions(test_tools_evaluate
                           PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
add_dependencies(test_tools_evaluate glimpse)
