/*
 * dedup_page.c - the HTML page of dedup and audit: its head, its style, text made safe and short.
 *
 * One file with everything inside: thumbnails are JPEG data URIs, the style is inline, there is no
 * script, and the policy in the head forbids loading anything. Paths are bytes from outside:
 * whatever they contain, they come out as text.
 *
 * Ten thousand groups must open: sections off the screen are not laid out (content-visibility),
 * which needs their width without looking inside: it is worked out from the number of pictures, and
 * small groups then stand beside each other.
 */
#include "dedup_report.h"

#include "display.h"
#include "html_text.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* --w: the width of a picture's column, so that three pairs fill a usual window; --n: how many
 * columns a section has; --h: the greatest height of a thumbnail. */
static const char style[] =
    ":root{color-scheme:light dark;--back:#f6f6f4;--card:#fff;--ink:#1d1d1f;--soft:#636368;"
    "--line:#e2e2de;--accent:#2f6fdf;--keep:#1f8a4c;--warn:#b4540a;--box:#e0245e;"
    "--w:clamp(9.5rem,calc((100vw - 17rem)/6),12.5rem);--h:190px}"
    "@media(prefers-color-scheme:dark){:root{--back:#141416;--card:#1f1f23;--ink:#ececf0;"
    "--soft:#a2a2aa;--line:#303036;--accent:#7aa7ff;--keep:#5fd08c;--warn:#f0a35e;--box:#ff5c8a}}"
    "@media(max-width:640px){:root{--w:calc((100vw - 6rem)/2)}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:2rem clamp(1rem,4vw,3rem);background:var(--back);color:var(--ink);"
    "font:15px/1.45 system-ui,sans-serif}"
    "header{margin-bottom:1.5rem}h1{font-size:1.6rem;margin:0 0 .25rem;overflow-wrap:anywhere}"
    "h2{font-size:1rem;margin:0 0 .6rem;font-weight:600}"
    "h2 small{display:block;font-size:.8rem;font-weight:400;color:var(--soft)}"
    "header p{margin:.15rem 0;color:var(--soft)}"
    "main{display:flex;flex-wrap:wrap;gap:1rem;align-items:stretch}"
    "section{content-visibility:auto;contain-intrinsic-size:auto 360px;background:var(--card);"
    "border:1px solid var(--line);border-radius:10px;padding:.8rem;"
    "width:calc(var(--n)*(var(--w) + .75rem) - .75rem + 1.6rem + 2px);max-width:100%}"
    ".row{display:flex;flex-wrap:wrap;gap:.75rem}"
    "figure{margin:0;width:var(--w);min-width:0}"
    "figure.keep .frame{outline:3px solid var(--keep);outline-offset:0}"
    "a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    ".frame{display:flex;align-items:center;justify-content:center;height:var(--h);"
    "border-radius:6px;"
    "background:color-mix(in srgb,var(--ink) 6%,transparent);color:var(--soft);"
    "text-decoration:none;overflow:hidden}"
    ".pic{position:relative;display:block;flex:none;width:min(100%,calc(var(--h)*var(--r)))}"
    "img{width:100%;height:auto;display:block}"
    ".box{position:absolute;border:2px solid var(--box);box-shadow:0 0 0 1px #fff;min-width:8px;"
    "min-height:8px}"
    "figcaption{padding-top:.45rem;font-size:.85rem;overflow-wrap:anywhere}.nb{white-space:nowrap}"
    ".tag{display:inline-block;font-size:.75rem;font-weight:600;border-radius:4px;"
    "padding:0 .4rem;border:1px solid currentColor;color:var(--accent);white-space:nowrap}"
    ".keep .tag{color:var(--keep)}.warn{color:var(--warn)}"
    /* Shortened in the middle: the beginning gives way, the end stays. */
    ".cut{display:flex;white-space:nowrap;overflow:hidden}"
    ".cut span:first-child{overflow:hidden;text-overflow:ellipsis;min-width:0;white-space:pre}"
    ".cut span+span{flex:none;max-width:75%;overflow:hidden;text-overflow:ellipsis;white-space:pre}"
    ".name{font-weight:500;margin-top:.2rem}"
    ".facts,.path,.more{color:var(--soft)}"
    ".facts{display:flex;flex-wrap:wrap;column-gap:.6rem}.facts span{white-space:nowrap}"
    ".path,.more{font-size:.78rem}.more{display:flex;gap:.4rem}.more .cut{flex:1;min-width:0}"
    ".holds{display:flex;flex-wrap:wrap;gap:.2rem;margin:.25rem 0;padding:0;list-style:none;"
    "font-size:.72rem}"
    ".holds li{border-radius:4px;padding:0 .35rem;white-space:nowrap;max-width:100%;"
    "overflow:hidden;text-overflow:ellipsis;"
    "background:color-mix(in srgb,var(--ink) 8%,transparent)}"
    ".holds li.only{background:none;border:1px solid var(--warn);color:var(--warn)}"
    ".edits{display:flex;flex-wrap:wrap;column-gap:.75rem}"
    ".edit{flex:none;margin-top:.75rem;padding-top:.6rem;border-top:1px solid "
    "var(--line);font-size:.85rem;"
    "width:calc(2*var(--w) + .75rem);max-width:100%;break-inside:avoid}"
    ".edit p{margin:0 0 .4rem}.crops{display:flex;gap:.75rem}"
    ".crops figure{flex:1;width:auto}.crops .pic{width:100%}"
    ".crops figcaption{display:flex;gap:.4rem;align-items:baseline}.crops .cut{min-width:0}"
    "table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.15rem .7rem .15rem 0;"
    "text-align:right;font-variant-numeric:tabular-nums}td:first-child,th:first-child"
    "{text-align:left}"
    "@media print{:root{color-scheme:light;--back:#fff;--card:#fff;--ink:#000;--soft:#444;"
    "--line:#bbb;--w:5.2cm;--h:4.4cm}body{padding:0;font-size:10pt}"
    "section{content-visibility:visible;break-inside:avoid}"
    ".cut{display:block;white-space:normal}"
    ".cut span:first-child,.cut span+span{white-space:normal;overflow-wrap:anywhere}"
    "*{print-color-adjust:exact}}";

void page_text(FILE *to, const char *bytes) {
    html_text(to, bytes);
}

void page_sentence(FILE *to, const char *text) {
    enum { LONGEST_WHOLE = 24 };
    while (*text) {
        const size_t word = strcspn(text, " "), gap = strspn(text + word, " ");
        const int whole = word <= LONGEST_WHOLE && memchr(text, '-', word) != NULL;
        char *part = xprintf("%.*s", (int)word, text);
        if (whole) (void)fputs("<span class=\"nb\">", to);
        page_text(to, part);
        if (whole) (void)fputs("</span>", to);
        if (gap > 0) (void)fputc(' ', to);
        free(part);
        text += word + gap;
    }
}

void page_file_link(FILE *to, const char *path) {
    html_file_link(to, path);
}

void page_begin(FILE *to, const char *title) {
    (void)fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "img-src data:; style-src 'unsafe-inline'\"><title>",
                to);
    page_text(to, title);
    (void)fprintf(to, " - glimpse</title><style>%s</style></head><body>\n", style);
}

void page_end(FILE *to) {
    (void)fputs("</body></html>\n", to);
}

/* Writes bytes first .. first+size-1. */
static void write_part(FILE *to, const char *bytes, size_t size) {
    char *part = xprintf("%.*s", (int)size, bytes);
    (void)fputs("<span>", to);
    page_text(to, part);
    (void)fputs("</span>", to);
    free(part);
}

void page_short(FILE *to, const char *class, const char *text, size_t end) {
    size_t length = 0, characters = 0, at = 0;
    for (const char *s = text; glimpse_text_next(&s) != 0; characters++)
        length = (size_t)(s - text);
    const size_t first = characters > end ? characters - end : 0;
    const char *s = text;
    for (size_t i = 0; i < first && glimpse_text_next(&s) != 0; i++)
        at = (size_t)(s - text);
    (void)fprintf(to, "<div class=\"cut %s\" title=\"", class);
    page_text(to, text);
    (void)fputs("\">", to);
    if (at > 0) write_part(to, text, at);
    write_part(to, text + at, length - at);
    (void)fputs("</div>", to);
}

void page_path(FILE *to, const char *path) {
    enum { NAME_END = 12, DIRECTORY_END = 16 };
    const char *slash = strrchr(path, '/');
    page_short(to, "name", slash ? slash + 1 : path, NAME_END);
    if (!slash) return;
    char *directory = xprintf("%.*s", slash == path ? 1 : (int)(slash - path), path);
    const char *last = strrchr(directory, '/');
    size_t end = 0;
    for (const char *s = last; s && glimpse_text_next(&s) != 0;)
        end++;
    page_short(to, "path", directory, end < DIRECTORY_END ? end : DIRECTORY_END);
    free(directory);
}
