/*
 * dedup_page.c - the HTML page of dedup and audit: its head, text made safe, thumbnails.
 *
 * One file with everything inside: thumbnails are JPEG data URIs, the style is inline, there is no
 * script, and the policy in the head forbids loading anything. Paths are bytes from outside:
 * whatever they contain, they come out as text.
 *
 * Ten thousand groups must open: sections off the screen are not laid out (content-visibility),
 * pictures are decoded when they come into view (loading=lazy), and thumbnails get smaller the more
 * there are, so that the file stays in the order of 100 MB at worst. Making them is most of the
 * work: several threads, a window of pictures ahead of the writer, written in order.
 */
#include "dedup_report.h"

#include "base64.h"
#include "html_text.h"
#include "picture_out.h"
#include "tool.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { WINDOW = 64, MAX_JOBS = 64 };

static const char style[] =
    ":root{color-scheme:light dark;--back:#f6f6f4;--card:#fff;--ink:#1d1d1f;--soft:#6b6b70;"
    "--line:#e2e2de;--accent:#2f6fdf;--keep:#1f8a4c;--warn:#b4540a}"
    "@media(prefers-color-scheme:dark){:root{--back:#141416;--card:#1f1f23;--ink:#ececf0;"
    "--soft:#9a9aa2;--line:#303036;--accent:#7aa7ff;--keep:#5fd08c;--warn:#f0a35e}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:2rem clamp(1rem,4vw,3rem);background:var(--back);color:var(--ink);"
    "font:15px/1.45 system-ui,sans-serif}"
    "header{margin-bottom:1.5rem}h1{font-size:1.6rem;margin:0 0 .25rem;overflow-wrap:anywhere}"
    "h2{font-size:1rem;margin:0 0 .6rem;font-weight:600}"
    "header p{margin:.15rem 0;color:var(--soft)}"
    "section{content-visibility:auto;contain-intrinsic-size:auto 360px;background:var(--card);"
    "border:1px solid var(--line);border-radius:10px;padding:1rem;margin-bottom:1rem}"
    ".row{display:flex;flex-wrap:wrap;gap:1rem}"
    "figure{margin:0;width:240px;min-width:0}"
    "figure.keep .frame{outline:3px solid var(--keep);outline-offset:-3px}"
    ".frame{display:flex;align-items:center;justify-content:center;height:200px;border-radius:6px;"
    "background:color-mix(in srgb,var(--ink) 6%,transparent);color:var(--soft);"
    "text-decoration:none;overflow:hidden}"
    "img{max-width:100%;max-height:200px;object-fit:contain;display:block}"
    "figcaption{padding-top:.45rem;font-size:.85rem}"
    ".tag{display:inline-block;font-size:.75rem;font-weight:600;border-radius:4px;"
    "padding:0 .4rem;border:1px solid currentColor;color:var(--accent)}"
    ".keep .tag{color:var(--keep)}.warn{color:var(--warn)}"
    ".name{font-weight:500;overflow-wrap:anywhere;margin-top:.2rem}"
    ".facts,.path,.more{color:var(--soft);overflow-wrap:anywhere}"
    ".path{font-size:.78rem}"
    "table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.15rem .7rem .15rem 0;"
    "text-align:right;font-variant-numeric:tabular-nums}td:first-child,th:first-child"
    "{text-align:left}";

void page_text(FILE *to, const char *bytes) {
    html_text(to, bytes);
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

/*
 * Thumbnails.
 */
typedef struct made {
    int ready;
    uint8_t *jpeg;
    size_t size;
    uint32_t width, height;
    char *problem;
} made;

struct page_thumbs {
    const glimpse_dedup_picture *const *pictures;
    size_t count;
    uint32_t side;
    int quality;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t next, written; /* to be made; to be put */
    int stop;
    made window[WINDOW];
    pthread_t threads[MAX_JOBS];
    size_t thread_count;
};

static void make_one(const page_thumbs *t, const glimpse_dedup_picture *picture, made *out) {
    thumbnail small = {0};
    *out = (made){0};
    if (thumbnail_make(&small, picture->path, t->side, t->side) == 0) {
        out->jpeg = thumbnail_jpeg(&small, t->quality, &out->size);
        out->width = small.width;
        out->height = small.height;
    }
    if (!out->jpeg) out->problem = xstrdup(glimpse_last_error());
    thumbnail_free(&small);
}

static void *work(void *argument) {
    page_thumbs *t = argument;
    (void)pthread_mutex_lock(&t->mutex);
    for (;;) {
        while (!t->stop && t->next < t->count && t->next >= t->written + WINDOW)
            (void)pthread_cond_wait(&t->changed, &t->mutex);
        if (t->stop || t->next >= t->count) break;
        size_t mine = t->next++;
        (void)pthread_mutex_unlock(&t->mutex);
        made result;
        make_one(t, t->pictures[mine], &result);
        (void)pthread_mutex_lock(&t->mutex);
        result.ready = 1;
        t->window[mine % WINDOW] = result;
        (void)pthread_cond_broadcast(&t->changed);
    }
    (void)pthread_mutex_unlock(&t->mutex);
    return NULL;
}

page_thumbs *page_thumbs_start(const glimpse_dedup_picture *const *pictures, size_t count,
                               unsigned jobs) {
    page_thumbs *t = xcalloc(1, sizeof *t);
    t->pictures = pictures;
    t->count = count;
    t->side = count <= 600 ? 360 : count <= 4000 ? 240 : 160;
    t->quality = count <= 600 ? 80 : count <= 4000 ? 72 : 62;
    (void)pthread_mutex_init(&t->mutex, NULL);
    (void)pthread_cond_init(&t->changed, NULL);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = jobs > 0 ? jobs : cores > 0 ? (size_t)cores : 1;
    if (wanted > MAX_JOBS) wanted = MAX_JOBS;
    if (wanted > count) wanted = count;
    while (t->thread_count < wanted &&
           pthread_create(&t->threads[t->thread_count], NULL, work, t) == 0) {
        t->thread_count++;
    }
    return t;
}

void page_thumbs_write(page_thumbs *t, FILE *to) {
    if (t->written >= t->count) return;
    made *slot = &t->window[t->written % WINDOW], mine;
    if (t->thread_count == 0) {
        make_one(t, t->pictures[t->written++], &mine);
    } else {
        (void)pthread_mutex_lock(&t->mutex);
        while (!slot->ready)
            (void)pthread_cond_wait(&t->changed, &t->mutex);
        mine = *slot;
        *slot = (made){0};
        t->written++;
        (void)pthread_cond_broadcast(&t->changed);
        (void)pthread_mutex_unlock(&t->mutex);
    }
    if (!mine.jpeg) {
        (void)fputs("<span>cannot be shown</span>", to);
        tool_note("not in the report: %s", mine.problem ? mine.problem : "");
    } else {
        (void)fprintf(to,
                      "<img width=\"%u\" height=\"%u\" alt=\"\" loading=\"lazy\" "
                      "decoding=\"async\" src=\"data:image/jpeg;base64,",
                      (unsigned)mine.width, (unsigned)mine.height);
        glimpse_base64_write(to, mine.jpeg, mine.size);
        (void)fputs("\">", to);
    }
    free(mine.jpeg);
    free(mine.problem);
}

void page_thumbs_free(page_thumbs *t) {
    if (!t) return;
    (void)pthread_mutex_lock(&t->mutex);
    t->stop = 1;
    (void)pthread_cond_broadcast(&t->changed);
    (void)pthread_mutex_unlock(&t->mutex);
    for (size_t i = 0; i < t->thread_count; i++)
        (void)pthread_join(t->threads[i], NULL);
    for (size_t i = 0; i < WINDOW; i++) {
        free(t->window[i].jpeg);
        free(t->window[i].problem);
    }
    (void)pthread_mutex_destroy(&t->mutex);
    (void)pthread_cond_destroy(&t->changed);
    free(t);
}
