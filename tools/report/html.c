/*
 * html.c - the contact sheet: one HTML file with everything inside, to keep or to send.
 *
 * Nothing is loaded from outside (the policy in the head forbids it): thumbnails are JPEG data
 * URIs, the style is inline, there is no script. Paths are bytes from outside: whatever they
 * contain, they come out as text. The file appears under its name only when it is complete.
 */
#include "base64.h"
#include "html_text.h"
#include "output.h"
#include "picture_out.h"
#include "progress.h"
#include "report_file.h"
#include "text.h"
#include "tool.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THUMB = 360 };

static const char style[] =
    ":root{color-scheme:light dark;--back:#f6f6f4;--card:#fff;--ink:#1d1d1f;--soft:#6b6b70;"
    "--line:#e2e2de;--accent:#2f6fdf}"
    "@media(prefers-color-scheme:dark){:root{--back:#141416;--card:#1f1f23;--ink:#ececf0;"
    "--soft:#9a9aa2;--line:#303036;--accent:#7aa7ff}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:2rem clamp(1rem,4vw,3rem);background:var(--back);color:var(--ink);"
    "font:15px/1.45 system-ui,sans-serif}"
    "header{margin-bottom:1.5rem}h1{font-size:1.6rem;margin:0 0 .25rem;overflow-wrap:anywhere}"
    "header p{margin:0;color:var(--soft)}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:1rem}"
    "figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "overflow:hidden;display:flex;flex-direction:column}"
    "figure a.picture{display:flex;align-items:center;justify-content:center;height:220px;"
    "background:color-mix(in srgb,var(--ink) 6%,transparent);color:var(--soft);"
    "text-decoration:none}"
    "img{max-width:100%;max-height:220px;object-fit:contain;display:block}"
    "figcaption{padding:.6rem .75rem .7rem}"
    ".top{display:flex;justify-content:space-between;font-variant-numeric:tabular-nums}"
    ".score{font-weight:600;color:var(--accent)}.rank,.facts{color:var(--soft);font-size:.85rem}"
    ".bar{height:3px;border-radius:2px;background:var(--line);margin:.3rem 0 .45rem}"
    ".bar i{display:block;height:100%;border-radius:2px;background:var(--accent)}"
    ".name{font-weight:500;overflow-wrap:anywhere}"
    ".path{color:var(--soft);font-size:.8rem;overflow-wrap:anywhere}";

static void write_picture(FILE *to, const char *path) {
    thumbnail t;
    size_t size = 0;
    uint8_t *jpeg = NULL;
    if (thumbnail_make(&t, path, THUMB, THUMB) == 0) {
        jpeg = thumbnail_jpeg(&t, 82, &size);
    }
    if (!jpeg) {
        (void)fputs("<span>cannot be shown</span>", to);
        tool_note("not in the contact sheet: %s", glimpse_last_error());
    } else {
        (void)fprintf(to, "<img width=\"%u\" height=\"%u\" alt=\"\" src=\"data:image/jpeg;base64,",
                      (unsigned)t.width, (unsigned)t.height);
        glimpse_base64_write(to, jpeg, size);
        (void)fputs("\">", to);
    }
    free(jpeg);
    thumbnail_free(&t);
}

/* Further scores and what they come from, below the first one. */
static void write_rankings(FILE *to, const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    for (size_t m = 0; list->models && m < list->model_count; m++) {
        const glimpse_hit_rank *rank = &list->ranks[i][m];
        (void)fputs("<div class=\"facts\">", to);
        html_text(to, list->models[m].name);
        if (rank->rank > 0) {
            (void)fprintf(to, ": #%zu, %.3f</div>", rank->rank, rank->score);
        } else {
            (void)fputs(": no rank</div>", to);
        }
    }
    if (list->captions && r->caption) {
        (void)fprintf(to, "<div class=\"facts\">caption %.2f, #%zu: ", r->caption_score,
                      r->caption_rank);
        html_text(to, r->caption);
        (void)fputs("</div>", to);
    }
    if (list->seconds && list->seconds[i].reason) {
        (void)fputs("<div class=\"facts\">not looked at again: ", to);
        html_text(to, list->seconds[i].reason);
        (void)fputs("</div>", to);
    } else if (list->seconds && !isnan(list->seconds[i].probability)) {
        (void)fprintf(to, "<div class=\"facts\">looked at again: %.3f (was #%zu)</div>",
                      list->seconds[i].probability, r->rank);
    }
}

static void write_result(FILE *to, const output_list *list, size_t i, double best) {
    const glimpse_result *r = list->results[i];
    const char *slash = strrchr(r->path, '/'), *name = slash ? slash + 1 : r->path;
    char *directory = xprintf("%.*s", slash ? (int)(slash - r->path) : 0, r->path);
    double width = best > 0 && r->score > 0 ? 100 * r->score / best : 0;
    (void)fputs("<figure><a class=\"picture\" href=\"", to);
    html_file_link(to, r->path);
    (void)fputs("\">", to);
    write_picture(to, r->path);
    (void)fputs("</a><figcaption>", to);
    if (!list->has_no_scores) {
        (void)fprintf(to,
                      "<div class=\"top\"><span class=\"score\">%.*f</span>"
                      "<span class=\"rank\">#%zu</span></div><div class=\"bar\"><i "
                      "style=\"width:%.0f%%\"></i></div>",
                      list->models ? 4 : 3, r->score, i + 1, width);
    }
    (void)fputs("<div class=\"name\">", to);
    html_text(to, name);
    (void)fprintf(to, "</div><div class=\"facts\">%u &times; %u &middot; %s", (unsigned)r->width,
                  (unsigned)r->height, text_bytes(r->bytes));
    const char *date = r->taken && *r->taken ? r->taken : r->modified ? r->modified : "";
    if (*date) {
        (void)fputs(" &middot; ", to);
        char *day = xprintf("%.10s", date);
        html_text(to, day);
        free(day);
    }
    if (r->copies > 1) (void)fprintf(to, " &middot; %zu copies", r->copies);
    if (r->offline) (void)fputs(" &middot; offline", to);
    (void)fputs("</div>", to);
    if (!list->has_no_scores) write_rankings(to, list, i);
    (void)fputs("<div class=\"path\">", to);
    html_text(to, directory);
    (void)fputs("</div></figcaption></figure>\n", to);
    free(directory);
}

int html_write(const char *file, const output_list *list) {
    size_t count = list->count;
    report_file page;
    if (report_file_open_text(&page, file) < 0) return -1;
    FILE *to = page.to;
    (void)fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "img-src data:; style-src 'unsafe-inline'\"><title>",
                to);
    html_text(to, list->query);
    (void)fprintf(to, " - glimpse</title><style>%s</style></head><body><header><h1>", style);
    html_text(to, list->query);
    (void)fprintf(to, "</h1><p>%s", text_counted(count, "picture", "pictures"));
    if (list->model) {
        (void)fputs(" &middot; model ", to);
        html_text(to, list->model);
        (void)fputs(list->models ? " &middot; ranks fused"
                                 : " &middot; scores are cosine similarities",
                    to);
    }
    if (list->captions) (void)fputs(" &middot; fused with captions (BM25)", to);
    if (list->seconds) {
        (void)fputs(" &middot; looked at again by ", to);
        html_text(to, list->second_model);
        (void)fprintf(to, ", weight %g", list->weight);
        if (list->failed > 0) {
            (void)fprintf(to, " &middot; %s kept their place, no score", text_count(list->failed));
        }
    }
    (void)fputs("</p></header><main>\n", to);
    double best = 0, start = progress_now();
    for (size_t i = 0; i < count; i++)
        best = list->results[i]->score > best ? list->results[i]->score : best;
    for (size_t i = 0; i < count; i++) {
        progress_show("contact sheet", i, count, 1, progress_now() - start, NULL);
        write_result(to, list, i, best);
    }
    progress_clear();
    (void)fputs("</main></body></html>\n", to);
    return report_file_close(&page);
}
