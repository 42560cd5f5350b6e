# The report of glimpse label, given labels that the test chooses: its sources are compiled in. And
# glimpse evaluate, as its users meet it.
set(LABEL_REPORT_SOURCES
    cli/memory.c
    cli/progress.c
    cli/text.c
    cli/tool.c
    report/html_text.c
    report/label_report.c
    report/label_report_html.c
    report/picture_out.c
    report/report_file.c)
list(TRANSFORM LABEL_REPORT_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/tools/")
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
glimpse_test(
  tools_label_report
  SOURCES test_label_report.c run.c ../index/label_samples.c ${LABEL_REPORT_SOURCES}
  LIBS glimpse_index glimpse_text_output PkgConfig::JANSSON PkgConfig::JPEG PkgConfig::UTF8PROC m
  TIMEOUT 120)
target_include_directories(
  test_tools_label_report PRIVATE "${PROJECT_SOURCE_DIR}/tools/cli" "${PROJECT_SOURCE_DIR}/tools/report"
                                  "${PROJECT_SOURCE_DIR}/tests/index")
target_compile_definitions(test_tools_label_report PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")

glimpse_test(tools_evaluate SOURCES test_evaluate.c run.c LIBS PkgConfig::JANSSON m TIMEOUT 300)
target_compile_definitions(test_tools_evaluate
                           PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
add_dependencies(test_tools_evaluate glimpse)
