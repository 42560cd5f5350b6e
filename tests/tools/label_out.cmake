# What glimpse label writes, given labels that the test chooses: the sources are compiled in. And
# glimpse evaluate, as its users meet it.
set(LABEL_OUT_SOURCES
    cli/cli.c
    cli/memory.c
    report/html_text.c
    ../src/text/output/json_out.c
    ../index/datasets/writer.c
    ../index/datasets/write_json.c
    ../index/datasets/write_tree.c
    ../index/datasets/write_xmp.c
    ../index/datasets/xmp.c
    report/label_report.c
    report/label_report_html.c
    commands/label_walk.c
    report/picture_out.c
    cli/progress.c
    ../index/datasets/table.c
    cli/text.c
    cli/tool.c
    ../index/datasets/truth.c)
list(TRANSFORM LABEL_OUT_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/tools/")
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
foreach(part label_out label_tree)
  glimpse_test(
    tools_${part}
    SOURCES test_${part}.c label_out_support.c run.c ${LABEL_OUT_SOURCES}
    LIBS glimpse_index PkgConfig::JANSSON PkgConfig::JPEG PkgConfig::UTF8PROC m
    TIMEOUT 120)
  target_include_directories(test_tools_${part} PRIVATE "${PROJECT_SOURCE_DIR}/tools/cli" "${PROJECT_SOURCE_DIR}/tools/report"
                                                        "${PROJECT_SOURCE_DIR}/tools/commands" "${PROJECT_SOURCE_DIR}/index/datasets"
                                                        "${PROJECT_SOURCE_DIR}/src/text/output")
  target_compile_definitions(test_tools_${part} PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
endforeach()

glimpse_test(tools_evaluate SOURCES test_evaluate.c run.c LIBS PkgConfig::JANSSON m TIMEOUT 300)
target_compile_definitions(test_tools_evaluate
                           PRIVATE GLIMPSE_PROGRAM="$<TARGET_FILE:glimpse>")
add_dependencies(test_tools_evaluate glimpse)
