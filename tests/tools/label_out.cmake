# What glimpse label writes, given labels that the test chooses: the sources are compiled in. And
# glimpse evaluate, as its users meet it.
set(LABEL_OUT_SOURCES
    cli/cli.c
    cli/known.c
    cli/memory.c
    report/html_text.c
    report/json_out.c
    report/label_out.c
    report/label_out_json.c
    report/label_out_tree.c
    report/label_out_xmp.c
    report/xmp_out.c
    report/label_report.c
    report/label_report_html.c
    report/picture_out.c
    cli/progress.c
    commands/table_in.c
    cli/text.c
    cli/tool.c
    commands/truth.c)
list(TRANSFORM LABEL_OUT_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/tools/")
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
foreach(part label_out label_tree)
  glimpse_test(
    tools_${part}
    SOURCES test_${part}.c label_out_support.c run.c ${LABEL_OUT_SOURCES}
    LIBS glimpse_index glimpse_index_private PkgConfig::JANSSON PkgConfig::JPEG PkgConfig::UTF8PROC m
    TIMEOUT 120)
  target_include_directories(test_tools_${part} PRIVATE "${PROJECT_SOURCE_DIR}/tools/cli" "${PROJECT_SOURCE_DIR}/tools/report"
                                                        "${PROJECT_SOURCE_DIR}/tools/commands")
  target_compile_definitions(test_tools_${part} PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
endforeach()

glimpse_test(tools_evaluate SOURCES test_evaluate.c run.c LIBS PkgConfig::JANSSON m TIMEOUT 300)
target_compile_definitions(test_tools_evaluate
                           PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
add_dependencies(test_tools_evaluate glimpse)
