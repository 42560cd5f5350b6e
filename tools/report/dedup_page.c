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
    "--w:clamp(9.5rem,calc((100vw - 17rem)/6),12.5rem);--h:190px;--part:360px}"
    "@media(prefers-color-scheme:dark){:root{--back:#141416;--card:#1f1f23;--ink:#ececf0;"
    "--soft:#a2a2aa;--line:#303036;--accent:#7aa7ff;--keep:#5fd08c;--warn:#f0a35e;--box:#ff5c8a}}"
    "@media(max-width:640px){:root{--w:calc((100vw - 6rem)/2)}table{font-size:.75rem}}"
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
    "a:focus-visible,.scroll:focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
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
    /* Shortened in the middle where it is written, so that there is no gap; on paper whole. */
    ".cut{white-space:pre;overflow:hidden;text-overflow:ellipsis}.whole{display:none}"
    ".name{font-weight:500;margin-top:.2rem}"
    ".facts,.path,.more{color:var(--soft)}"
    ".facts{display:flex;flex-wrap:wrap;column-gap:.6rem}.facts span{white-space:nowrap}"
    ".path,.more{font-size:.78rem}.more{overflow-wrap:anywhere}.more a{color:inherit}"
    ".rest{font-size:.78rem;margin-top:.6rem}.rest summary{cursor:pointer}"
    ".holds{display:flex;flex-wrap:wrap;gap:.2rem;margin:.25rem 0;padding:0;list-style:none;"
    "font-size:.72rem}"
    ".holds li{border-radius:4px;padding:0 .35rem;white-space:nowrap;max-width:100%;"
    "overflow:hidden;text-overflow:ellipsis;"
    "background:color-mix(in srgb,var(--ink) 8%,transparent)}"
    ".holds li.only{background:none;border:1px solid var(--warn);color:var(--warn)}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.15rem "
    ".7rem .15rem 0;"
    "text-align:right;font-variant-numeric:tabular-nums}td:first-child,th:first-child"
    "{text-align:left}"
    "@media print{:root{color-scheme:light;--back:#fff;--card:#fff;--ink:#000;--soft:#444;"
    "--line:#bbb;--w:5.2cm;--h:4.4cm}body{padding:0;font-size:10pt}"
    "section{content-visibility:visible;break-inside:avoid}"
    ".cut{white-space:normal;overflow-wrap:anywhere}.short{display:none}.whole{display:inline}"
    "*{print-color-adjust:exact}}";

/* What differs, and findings. */
static const char parts_style[] =
    ".edits{display:flex;flex-wrap:wrap;column-gap:.75rem}"
    ".edit{flex:none;margin-top:.75rem;padding-top:.6rem;border-top:1px solid "
    "var(--line);font-size:.85rem;"
    "width:calc(2*var(--part) + .75rem);max-width:100%;break-inside:avoid}"
    /* Beside each other at full size, or, in narrow windows, below each other. */
    "section.edited{min-width:min(100%,calc(2*var(--part) + .75rem + 1.6rem + 2px))}"
    /* Of a pair the parts stand beside the pictures, where there is room. */
    "section.pair{display:flex;flex-wrap:wrap;column-gap:1.2rem;align-content:flex-start;"
    "width:calc(2*(var(--w) + var(--part)) + 4.3rem + 2px)}"
    ".pair h2{width:100%}.pair .row{flex:none;width:calc(2*var(--w) + .75rem);max-width:100%}"
    ".pair .edits{max-width:100%}.pair .edit{border:0;margin:0;padding:0}"
    ".edit p{margin:0 0 .4rem}.crops{display:flex;flex-wrap:wrap;gap:.75rem}"
    ".crops figure{width:var(--part);max-width:100%}.crops .pic{width:100%}"
    ".crops img{outline:1px solid var(--line);outline-offset:-1px}"
    ".crops figcaption{display:flex;gap:.4rem;align-items:baseline}.crops .cut{min-width:0}"
    "@media(max-width:640px){.crops{gap:.4rem}}"
    /* Findings of all kinds in one grid, each with its heading above it. */
    "main.findings{display:grid;grid-template-columns:repeat(auto-fill,var(--w));gap:1.2rem .75rem}"
    ".findings figure{content-visibility:auto;contain-intrinsic-size:auto 300px}"
    ".findings h2,.findings .kind{font-size:.85rem;line-height:1.3;margin:0 0 .3rem}"
    ".findings .kind{color:var(--soft)}";

void page_text(FILE *to, const char *bytes) {
    html_text(to, bytes);
}

/* Digits where the pattern has a 0, and the same character elsewhere: its length, or 0. */
static size_t match(const char *text, const char *pattern) {
    size_t n = 0;
    for (; pattern[n]; n++) {
        const int digit = text[n] >= '0' && text[n] <= '9';
        if (pattern[n] == '0' ? !digit : text[n] != pattern[n]) return 0;
    }
    return n;
}

/* A date with a time in ISO 8601, 'T' or a space between the two: how long it is with seconds,
 * their fraction and the zone, and how long without them; 0 where there is none. */
enum { MINUTES = 16 };
static size_t time_at(const char *text, size_t *to_seconds) {
    size_t n = MINUTES;
    if (!match(text, "0000-00-00T00:00") && !match(text, "0000-00-00 00:00")) return 0;
    n += match(text + n, ":00");
    if (n > MINUTES && match(text + n, ".0")) {
        n += 2;
        while (text[n] >= '0' && text[n] <= '9')
            n++;
    }
    *to_seconds = n;
    const size_t zone = match(text + n, "+00:00") | match(text + n, "-00:00");
    return n + (zone ? zone : match(text + n, "Z"));
}

/* 1 when the text has two times within one minute. */
static int needs_seconds(const char *text) {
    size_t a, b;
    for (; *text; text++) {
        if (!time_at(text, &a)) continue;
        for (const char *other = text + 1; *other; other++) {
            if (time_at(other, &b) && memcmp(other, text, 10) == 0 &&
                memcmp(other + 11, text + 11, MINUTES - 11) == 0 &&
                (a != b || memcmp(other + MINUTES, text + MINUTES, a - MINUTES) != 0))
                return 1;
        }
    }
    return 0;
}

static void write_unbroken(FILE *to, const char *text, size_t size) {
    char *part = xprintf("%.*s", (int)size, text);
    (void)fputs("<span class=\"nb\">", to);
    page_text(to, part);
    (void)fputs("</span>", to);
    free(part);
}

static void write_time(FILE *to, const char *text, size_t size) {
    char *time = xprintf("%.10s %.*s", text, (int)size - 11, text + 11);
    write_unbroken(to, time, strlen(time));
    free(time);
}

void page_sentence(FILE *to, const char *text) {
    enum { LONGEST_WHOLE = 24 };
    const int with_seconds = needs_seconds(text);
    while (*text) {
        size_t to_seconds = 0, word = time_at(text, &to_seconds);
        if (word > 0) {
            write_time(to, text, with_seconds ? to_seconds : (size_t)MINUTES);
            text += word;
            continue;
        }
        word = strcspn(text, " ");
        if (word <= LONGEST_WHOLE && memchr(text, '-', word)) {
            write_unbroken(to, text, word);
        } else {
            char *part = xprintf("%.*s", (int)word, text);
            page_text(to, part);
            free(part);
        }
        const size_t gap = strspn(text + word, " ");
        if (gap > 0) (void)fputc(' ', to);
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
    (void)fprintf(to, " - glimpse</title><style>%s%s</style></head><body>\n", style, parts_style);
}

void page_end(FILE *to) {
    (void)fputs("</body></html>\n", to);
}

static size_t characters_of(const char *text) {
    size_t count = 0;
    while (glimpse_text_next(&text) != 0)
        count++;
    return count;
}

/* Where the `n`th character begins. */
static const char *character_at(const char *text, size_t n) {
    while (n-- > 0)
        (void)glimpse_text_next(&text);
    return text;
}

void page_short(FILE *to, const char *class, const char *text, size_t capacity, size_t end) {
    const size_t count = characters_of(text);
    (void)fprintf(to, "<div class=\"cut %s\" title=\"", class);
    page_text(to, text);
    (void)fputs("\">", to);
    if (count <= capacity) {
        page_text(to, text);
    } else {
        if (end + 1 > capacity) end = capacity - 1;
        const char *first = character_at(text, capacity - 1 - end);
        char *beginning = xprintf("%.*s", (int)(first - text), text);
        (void)fputs("<span class=\"short\">", to);
        page_text(to, beginning);
        (void)fputs("\xE2\x80\xA6", to); /* an ellipsis */
        page_text(to, character_at(first, count - capacity + 1));
        (void)fputs("</span><span class=\"whole\">", to);
        page_text(to, text);
        (void)fputs("</span>", to);
        free(beginning);
    }
    (void)fputs("</div>", to);
}

void page_path(FILE *to, const char *path) {
    const char *slash = strrchr(path, '/');
    (void)fputs("<div class=\"name\">", to);
    html_path(to, slash ? slash + 1 : path);
    (void)fputs("</div>", to);
    if (!slash) return;
    char *directory = xprintf("%.*s", slash == path ? 1 : (int)(slash - path), path);
    (void)fputs("<div class=\"path\">", to);
    html_path(to, directory);
    (void)fputs("</div>", to);
    free(directory);
}
