/*
 * browser.c - runs Chromium without a window, with a profile of its own.
 */
#include "support/browser.h"

#include "support/commands.h"

static char *browse(const char *what, const char *page) {
    run_result r;
    char command[2400];
    (void)snprintf(command, sizeof command,
                   "for b in chromium chromium-browser google-chrome; do "
                   "command -v $b >/dev/null && B=$b && break; done; "
                   "test -n \"$B\" || { echo 'no Chromium on this machine' >&2; exit 9; }; "
                   "mkdir -p profile && timeout 60 \"$B\" --headless --no-sandbox --disable-gpu "
                   "--disable-quic --no-first-run --disable-background-networking "
                   "--user-data-dir=\"$PWD/profile\" %s \"file://$PWD/%s\"; "
                   "code=$?; rm -rf profile; exit $code",
                   what, page);
    run_shell(&r, command);
    char *out = NULL;
    if (r.code != 0) {
        print_message("SKIPPED: %.300s\n", r.err);
    } else {
        out = strdup(r.out);
        assert_non_null(out);
    }
    run_free(&r);
    return out;
}

int browser_screenshot(const char *page, const char *png, unsigned width, unsigned height) {
    char what[600];
    (void)snprintf(what, sizeof what, "--window-size=%u,%u --screenshot=\"$PWD/%s\"", width, height,
                   png);
    char *out = browse(what, page);
    const int seen = out && path_exists(png);
    free(out);
    return seen;
}

char *browser_dom(const char *page) {
    return browse("--dump-dom", page);
}

unsigned browser_page_width(const char *page, unsigned width) {
    static const char policy[] = "<meta http-equiv=\"Content-Security-Policy\"";
    static const char script[] = "<script>document.documentElement.setAttribute('data-width',"
                                 "document.documentElement.scrollWidth)</script>";
    char *text = read_whole_file(page, NULL), *at = strstr(text, policy), what[64];
    assert_non_null(at);
    memcpy(at, "<meta name=\"nothing\" ", 21); /* a page with the policy runs no script */
    FILE *copy = fopen("measured.html", "w");
    assert_non_null(copy);
    assert_true(fprintf(copy, "%s%s", text, script) > 0);
    assert_int_equal(fclose(copy), 0);
    free(text);
    (void)snprintf(what, sizeof what, "--window-size=%u,800 --dump-dom", width);
    char *dom = browse(what, "measured.html");
    const char *measured = dom ? strstr(dom, "data-width=\"") : NULL;
    const unsigned pixels = measured ? (unsigned)strtoul(measured + 12, NULL, 10) : 0;
    free(dom);
    return pixels;
}
