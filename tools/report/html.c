/*
 * html.c - the contact sheet: one HTML file with everything inside, to keep or to send.
 *
 * Nothing is loaded from outside (the policy in the head forbids it): thumbnails are JPEG data
 * URIs, the style is inline, there is no script. Paths are bytes from outside: whatever they
 * contain, they come out as text. The file appears under its name only when it is complete.
 */
#include "base64.h"
#include "html_text.h"
#include "local_date.h"
#include "output.h"
#include "picture_out.h"
#include "progress.h"
#include "report_file.h"
#include "text.h"
#include "tile_frame.h"
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
    "header{margin-bottom:1.5rem}h1{font-size:1.6rem;margin:0 0 .25rem;overflow-wrap:break-word}"
    "header p{margin:0;color:var(--soft)}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(220px,100%),1fr));"
    "gap:1rem}"
    "figure{margin:0;min-width:0;background:var(--card);border:1px solid var(--line);"
    "border-radius:10px;overflow:hidden;display:flex;flex-direction:column}"
    "a.picture{display:flex;align-items:center;justify-content:center;height:220px;"
    "background:color-mix(in srgb,var(--ink) 6%,transparent);color:var(--soft);"
    "text-decoration:none}"
    /* The figure cuts off what is outside of it. */
    "a.picture:focus-visible{outline:3px solid var(--accent);outline-offset:-3px}"
    "img{max-width:100%;max-height:220px;object-fit:contain;display:block}"
    "figcaption{padding:.6rem .75rem .7rem}"
    ".top{display:flex;justify-content:space-between;align-items:baseline;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".score{font-weight:600;color:var(--accent)}.score small{font-weight:400;color:var(--soft)}"
    ".rank,.facts{color:var(--soft);font-size:.85rem}"
    ".bar{height:3px;border-radius:2px;background:var(--line);margin:.3rem 0 .45rem}"
    ".bar i{display:block;height:100%;border-radius:2px;background:var(--accent)}"
    /* Breaks are where the text has them, behind a slash; elsewhere only where nothing else
     * helps. Sizes and dates stay whole. */
    ".name,.path,.facts{overflow-wrap:break-word}.name{font-weight:500}"
    ".facts span{white-space:nowrap}.size{display:flex;flex-wrap:wrap;column-gap:.7rem}"
    ".path{color:var(--soft);font-size:.8rem}"
    "@media print{:root{color-scheme:light;--back:#fff;--card:#fff;--ink:#000;--soft:#444;"
    "--line:#bbb;--accent:#000}body{padding:0;font-size:10pt}"
    "main{grid-template-columns:repeat(3,1fr);gap:.4cm}figure{break-inside:avoid}"
    "a.picture{height:4.5cm}img{max-height:4.5cm}*{print-color-adjust:exact}}";

/* What ordered the results: its name, and its value for one of them, NaN where there is none. */
static const char *ordered_by(const output_list *list) {
    if (list->seconds) return "blended";
    return list->captions ? "fused" : "score";
}

static double order_of(const output_list *list, size_t i) {
    if (list->seconds) return list->seconds[i].blended;
    return list->captions ? list->results[i]->fused : list->results[i]->score;
}

/* What is heard instead of the picture. */
static void write_alt(FILE *to, const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    const char *slash = strrchr(r->path, '/');
    html_text(to, slash ? slash + 1 : r->path);
    (void)fprintf(to, ", result %zu of %zu for ", list->before + i + 1, list->before + list->count);
    html_text(to, list->query);
    if (r->caption) {
        (void)fputs(": ", to);
        html_text(to, r->caption);
    }
}

static void write_picture(FILE *to, const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    thumbnail t;
    size_t size = 0;
    uint8_t *jpeg = NULL;
    if (thumbnail_make(&t, r->path, THUMB, THUMB) == 0) {
        tile_frame_draw(&t, r);
        jpeg = thumbnail_jpeg(&t, 82, &size);
    }
    if (!jpeg) {
        (void)fputs("<span>cannot be shown</span>", to);
        tool_note("not in the contact sheet: %s", glimpse_last_error());
    } else {
        (void)fprintf(to, "<img width=\"%u\" height=\"%u\" alt=\"", (unsigned)t.width,
                      (unsigned)t.height);
        write_alt(to, list, i);
        (void)fputs("\" src=\"data:image/jpeg;base64,", to);
        glimpse_base64_write(to, jpeg, size);
        (void)fputs("\">", to);
    }
    free(jpeg);
    thumbnail_free(&t);
}

/* Further scores and what they come from, below the one that ordered. */
static void write_rankings(FILE *to, const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    if (list->seconds || list->captions) {
        (void)fprintf(to, "<div class=\"facts\">score %.*f</div>", list->models ? 4 : 3, r->score);
    }
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
        (void)fprintf(to,
                      "<div class=\"facts\">looked at again: %.3f <span>(was #%zu)</span></div>",
                      list->seconds[i].probability, r->rank);
    }
}

/* How many more, and which on request. */
static void write_alike(FILE *to, const glimpse_result *r) {
    (void)fputs("<span title=\"", to);
    for (size_t i = 0; i < r->other_count; i++) {
        if (i > 0) (void)fputs("&#10;", to);
        html_text(to, r->others[i]);
    }
    (void)fprintf(to, "\">+%zu alike</span>", r->collapsed);
}

static void write_facts(FILE *to, const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    (void)fprintf(to, "<div class=\"facts size\"><span>%u &times; %u</span><span>%s</span>",
                  (unsigned)r->width, (unsigned)r->height, text_bytes(r->bytes));
    const char *date = r->taken && *r->taken ? r->taken : r->modified ? r->modified : "";
    if (*date) {
        char *day = local_day(date);
        (void)fputs("<span><time datetime=\"", to);
        html_text(to, date);
        (void)fputs("\">", to);
        html_text(to, day);
        (void)fputs("</time></span>", to);
        free(day);
    }
    if (r->copies > 1) (void)fprintf(to, "<span>%zu copies</span>", r->copies);
    if (r->collapsed > 0) write_alike(to, r);
    if (r->offline) (void)fputs("<span>offline</span>", to);
    if (list->relevances && !isnan(list->relevances[i])) {
        (void)fprintf(to, "<span>relevance %.2f</span>", list->relevances[i]);
    }
    (void)fputs("</div>", to);
}

static void write_score(FILE *to, const output_list *list, size_t i, double best) {
    double value = order_of(list, i), width = best > 0 && value > 0 ? 100 * value / best : 0;
    (void)fprintf(to, "<div class=\"top\"><span class=\"score\"><small>%s</small> ",
                  ordered_by(list));
    if (isnan(value)) {
        (void)fputs("&ndash;", to);
    } else {
        int digits = !list->seconds && (list->models || list->captions) ? 4 : 3;
        (void)fprintf(to, "%.*f", digits, value);
    }
    (void)fprintf(to,
                  "</span><span class=\"rank\">#%zu</span></div><div class=\"bar\"><i "
                  "style=\"width:%.0f%%\"></i></div>",
                  list->before + i + 1, width);
}

static void write_result(FILE *to, const output_list *list, size_t i, double best) {
    const glimpse_result *r = list->results[i];
    const char *slash = strrchr(r->path, '/'), *name = slash ? slash + 1 : r->path;
    char *directory = xprintf("%.*s", slash ? (int)(slash - r->path) : 0, r->path);
    (void)fputs("<figure><a class=\"picture\" href=\"", to);
    html_file_link(to, r->path);
    (void)fputs("\">", to);
    write_picture(to, list, i);
    (void)fputs("</a><figcaption>", to);
    if (!list->has_no_scores) write_score(to, list, i, best);
    (void)fputs("<div class=\"name\">", to);
    html_path(to, name);
    (void)fputs("</div>", to);
    write_facts(to, list, i);
    if (r->tile.width > 0) {
        (void)fprintf(to, "<div class=\"facts\">in the frame: %u &times; %u pixels at %u,%u</div>",
                      (unsigned)r->tile.width, (unsigned)r->tile.height, (unsigned)r->tile.x,
                      (unsigned)r->tile.y);
    }
    if (!list->has_no_scores) write_rankings(to, list, i);
    (void)fputs("<div class=\"path\">", to);
    html_path(to, directory);
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
    if (count == 0) (void)fputs("<p>Nothing was found.</p>\n", to);
    double best = 0, start = progress_now();
    for (size_t i = 0; i < count; i++) /* comparisons with NaN are false */
        best = order_of(list, i) > best ? order_of(list, i) : best;
    for (size_t i = 0; i < count; i++) {
        progress_show("contact sheet", i, count, 1, progress_now() - start, NULL);
        write_result(to, list, i, best);
    }
    progress_clear();
    (void)fputs("</main></body></html>\n", to);
    return report_file_close(&page);
}
