/*
 * label_report_html.c - the page of label_report.h.
 *
 * Nothing is loaded from outside (the policy in the head forbids it) and there is no script.
 * Thumbnails are JPEG data URIs, each picture decoded once. How many are shown per class shrinks
 * with the number of classes, so that the page stays below some tens of megabytes. Names are bytes
 * from outside: whatever they contain, they come out as text.
 */
#include "label_report_internal.h"

#include "base64.h"
#include "evaluate_out.h"
#include "html_text.h"
#include "picture_out.h"
#include "progress.h"
#include "text.h"
#include "tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    THUMB = 220,
    SHOWN = 18,        /* pictures in each list of the most or least certain */
    MAX_SHEETS = 1200, /* pictures in all contact sheets */
    MAX_PER_CLASS = 18,
    MAX_MATRIX = 30, /* classes in the confusion matrix */
    MAX_PAIRS = 20
};

static const char style[] =
    ":root{color-scheme:light dark;--back:#f6f6f4;--card:#fff;--ink:#1d1d1f;--soft:#6b6b70;"
    "--line:#e2e2de;--accent:#2f6fdf;--good:#1f8a4c;--bad:#c8372d}"
    "@media(prefers-color-scheme:dark){:root{--back:#141416;--card:#1f1f23;--ink:#ececf0;"
    "--soft:#9a9aa2;--line:#303036;--accent:#7aa7ff;--good:#5cc98a;--bad:#ff7a6e}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:1500px;padding:2rem clamp(1rem,4vw,3rem);background:var(--back);"
    "color:var(--ink);font:15px/1.45 system-ui,sans-serif}"
    "h1{font-size:1.7rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.2rem 0 .2rem}"
    "h3{font-size:1rem;margin:1.6rem 0 .5rem;overflow-wrap:anywhere}h3 small{font-weight:400}"
    "p{margin:.2rem 0 .8rem;color:var(--soft)}small,.soft{color:var(--soft)}"
    "a{color:inherit}"
    ".tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:.7rem 1rem;min-width:9.5rem}"
    ".tile b{display:block;font-size:1.45rem;font-variant-numeric:tabular-nums}"
    ".tile span{color:var(--soft);font-size:.85rem;display:block}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:.7rem}"
    "figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "overflow:hidden}"
    "figure a{display:flex;align-items:center;justify-content:center;height:130px;"
    "background:color-mix(in srgb,var(--ink) 6%,transparent);color:var(--soft);"
    "text-decoration:none;font-size:.8rem}"
    "figure a:focus-visible{outline:3px solid var(--accent);outline-offset:-3px}"
    "img{max-width:100%;max-height:130px;object-fit:contain;display:block}"
    "figcaption{padding:.4rem .55rem .5rem;font-size:.82rem;line-height:1.3}"
    "figcaption div{overflow-wrap:anywhere}"
    ".is,.then,.file,.was{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;"
    "overflow:hidden}.then,.file{-webkit-line-clamp:2}"
    ".is{font-weight:600}.p{color:var(--accent);font-variant-numeric:tabular-nums}"
    ".right{border-bottom:3px solid var(--good)}.wrong{border-bottom:3px solid var(--bad)}"
    ".was{color:var(--bad)}.file{color:var(--soft);font-size:.75rem}"
    ".scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);"
    "border-radius:10px;padding:.8rem}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem}"
    "th{font-weight:500;text-align:left;padding:.15rem .5rem;max-width:14rem;"
    "overflow-wrap:anywhere}thead th.up{vertical-align:bottom;padding:.2rem 0}"
    ".up span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:11rem}"
    "td{text-align:right;padding:.15rem .5rem;min-width:1.9rem}"
    ".matrix td{text-align:center;border:1px solid var(--line)}.matrix td.n{color:transparent}"
    "nav{display:flex;flex-wrap:wrap;gap:.3rem .9rem;margin:.6rem 0;font-size:.9rem}"
    "nav a{text-decoration-color:var(--line)}"
    ".warn{background:color-mix(in srgb,var(--bad) 14%,transparent);border-radius:8px;"
    "padding:.6rem .9rem;color:var(--ink)}"
    "@media print{:root{color-scheme:light;--back:#fff;--card:#fff;--ink:#000;--soft:#444;"
    "--line:#bbb}body{padding:0;font-size:10pt}figure{break-inside:avoid}"
    "h2,h3{break-after:avoid}.scroll{overflow:visible}*{print-color-adjust:exact}}";

static const char *class_name(const label_report *report, size_t i) {
    return i < report->class_count ? report->classes[i] : "";
}

/* The name, or (no name) for the empty one. */
static void write_class(FILE *to, const label_report *report, size_t i) {
    const char *name = class_name(report, i);
    html_text(to, *name ? name : "(no name)");
}

/*
 * A picture.
 */
/* `alt`: what is heard instead, any bytes. */
static void write_thumbnail(FILE *to, report_entry *e, const char *alt) {
    if (!e->tried) {
        thumbnail t = {0};
        e->tried = 1;
        if (thumbnail_make(&t, e->path, THUMB, THUMB) == 0) {
            e->jpeg = thumbnail_jpeg(&t, 78, &e->jpeg_size);
            e->width = t.width;
            e->height = t.height;
        }
        thumbnail_free(&t);
    }
    if (!e->jpeg) {
        (void)fputs("cannot be shown", to);
        return;
    }
    (void)fprintf(to, "<img loading=\"lazy\" width=\"%u\" height=\"%u\" alt=\"", (unsigned)e->width,
                  (unsigned)e->height);
    html_text(to, alt);
    (void)fputs("\" src=\"data:image/jpeg;base64,", to);
    glimpse_base64_write(to, e->jpeg, e->jpeg_size);
    (void)fputs("\">", to);
}

static void write_truth(FILE *to, const label_report *report, const report_entry *e) {
    (void)fputs("<div class=\"was\">is ", to);
    for (size_t i = 0; i < e->truth_count; i++) {
        if (i > 0) (void)fputs(", ", to);
        write_class(to, report, e->truth[i]);
    }
    (void)fputs(e->truth_count == 0 ? "none of these</div>" : "</div>", to);
}

/* `choice` is the label it is shown for. */
static void write_figure(FILE *to, const label_report *report, report_entry *e, size_t choice) {
    const char *slash = strrchr(e->path, '/');
    char *shown = text_display(e->path);
    (void)fprintf(to, "<figure%s title=\"",
                  !e->judged ? ""
                  : e->right ? " class=\"right\""
                             : " class=\"wrong\"");
    html_text(to, shown);
    (void)fputs("\"><a href=\"", to);
    free(shown);
    char *full = realpath(e->path, NULL);
    html_file_link(to, full ? full : e->path);
    free(full);
    (void)fputs("\">", to);
    char *alt = xprintf("%s, labelled %s", slash ? slash + 1 : e->path,
                        class_name(report, e->choices[choice].class_index));
    write_thumbnail(to, e, alt);
    free(alt);
    (void)fprintf(to, "</a><figcaption><div class=\"p\">%.1f%%</div><div class=\"is\">",
                  100 * e->choices[choice].probability);
    write_class(to, report, e->choices[choice].class_index);
    (void)fputs("</div>", to);
    if (e->judged && !e->right) write_truth(to, report, e);
    if (e->choice_count > 1 && choice == 0) {
        (void)fputs("<div class=\"soft then\">then ", to);
        write_class(to, report, e->choices[1].class_index);
        (void)fprintf(to, " %.1f%%</div>", 100 * e->choices[1].probability);
    }
    (void)fputs("<div class=\"file\">", to);
    html_path(to, slash ? slash + 1 : e->path);
    (void)fputs("</div></figcaption></figure>\n", to);
}

/*
 * Lists of pictures.
 */
typedef struct shown {
    report_entry *entry;
    size_t choice;
    double probability;
    size_t order;
} shown;

static int most_first(const void *a, const void *b) {
    const shown *x = a, *y = b;
    if (x->probability > y->probability || x->probability < y->probability) {
        return x->probability > y->probability ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

typedef int (*wanted_fn)(const report_entry *e, size_t choice, size_t class_index);

static int is_claimed(const report_entry *e, size_t choice, size_t class_index) {
    (void)class_index;
    return choice == 0 && !e->abstained;
}

static int is_abstained(const report_entry *e, size_t choice, size_t class_index) {
    (void)class_index;
    return choice == 0 && e->abstained;
}

static int is_mistake(const report_entry *e, size_t choice, size_t class_index) {
    (void)class_index;
    return choice == 0 && e->judged && !e->right && !e->abstained;
}

static int has_class(const report_entry *e, size_t choice, size_t class_index) {
    return e->choices[choice].accepted && e->choices[choice].class_index == class_index;
}

/* Those wanted, most probable first; free the list. */
static shown *select_shown(label_report *report, wanted_fn wanted, size_t class_index,
                           size_t *count) {
    size_t capacity = 64;
    shown *list = xmalloc(capacity * sizeof *list);
    *count = 0;
    for (size_t i = 0; i < report->count; i++) {
        report_entry *e = &report->entries[i];
        for (size_t k = 0; k < e->choice_count; k++) {
            if (!wanted(e, k, class_index)) continue;
            if (*count == capacity) list = xrealloc(list, (capacity *= 2) * sizeof *list);
            list[(*count)++] = (shown){e, k, e->choices[k].probability, i};
        }
    }
    if (*count > 0) qsort(list, *count, sizeof *list, most_first);
    return list;
}

static void write_list(FILE *to, label_report *report, const char *title, const char *about,
                       wanted_fn wanted, int min) {
    size_t count = 0;
    shown *list = select_shown(report, wanted, 0, &count);
    /* So that no picture is both among the most and the least certain. */
    size_t max = wanted == is_claimed ? (count + (size_t)min) / 2 : count;
    if (max > SHOWN) max = SHOWN;
    if (max > 0) {
        (void)fprintf(to, "<h2>%s</h2><p>%s</p><div class=\"grid\">\n", title, about);
        for (size_t i = 0; i < max; i++) {
            const shown *s = &list[min ? count - 1 - i : i];
            write_figure(to, report, s->entry, s->choice);
        }
        (void)fputs("</div>\n", to);
    }
    free(list);
}

static void write_sheets(FILE *to, label_report *report) {
    size_t *counts = xcalloc(report->class_count, sizeof *counts), used = 0;
    for (size_t i = 0; i < report->count; i++) {
        const report_entry *e = &report->entries[i];
        for (size_t k = 0; k < e->choice_count; k++) {
            size_t c = e->choices[k].class_index;
            if (e->choices[k].accepted) used += counts[c]++ == 0;
        }
    }
    size_t each = used > 0 ? MAX_SHEETS / used : 0;
    each = each > MAX_PER_CLASS ? MAX_PER_CLASS : each < 3 ? 3 : each;
    (void)fprintf(to,
                  "<h2>Classes</h2><p>%s of %s have pictures; the most certain ones of each "
                  "are shown.</p><nav>\n",
                  text_count(used), text_count(report->class_count));
    for (size_t c = 0; c < report->class_count; c++) {
        if (counts[c] == 0) continue;
        (void)fprintf(to, "<a href=\"#c%zu\">", c);
        write_class(to, report, c);
        (void)fprintf(to, "</a><small>%s</small>\n", text_count(counts[c]));
    }
    (void)fputs("</nav>\n", to);
    double start = progress_now();
    for (size_t c = 0, done = 0; c < report->class_count; c++) {
        size_t count = 0;
        if (counts[c] == 0) continue;
        progress_show("report", done++, used, 1, progress_now() - start, NULL);
        shown *list = select_shown(report, has_class, c, &count);
        (void)fprintf(to, "<h3 id=\"c%zu\">", c);
        write_class(to, report, c);
        (void)fprintf(to, " <small>%s", text_counted(count, "picture", "pictures"));
        if (report->figures && report->figures->classes[c].pictures > 0) {
            const glimpse_class_report *f = &report->figures->classes[c];
            (void)fprintf(to, ", %s of the %s that are known to be it found", text_count(f->right),
                          text_count(f->pictures));
        }
        if (count > each) (void)fprintf(to, "; %zu shown", each);
        (void)fputs("</small></h3><div class=\"grid\">\n", to);
        for (size_t i = 0; i < count && i < each; i++)
            write_figure(to, report, list[i].entry, list[i].choice);
        (void)fputs("</div>\n", to);
        free(list);
    }
    progress_clear();
    free(counts);
}

/*
 * Figures.
 */
static void write_tile(FILE *to, const char *name, glimpse_figure f, int percent) {
    if (isnan(f.value)) return;
    double scale = percent ? 100 : 1;
    (void)fprintf(to, "<div class=\"tile\"><b>%.*f%s</b>%s", percent ? 1 : 3, scale * f.value,
                  percent ? "%" : "", name);
    if (!isnan(f.low)) {
        (void)fprintf(to, "<span>%.*f to %.*f</span>", percent ? 1 : 3, scale * f.low,
                      percent ? 1 : 3, scale * f.high);
    }
    (void)fputs("</div>\n", to);
}

static void write_figures(FILE *to, const label_report *report) {
    const glimpse_label_report *f = report->figures;
    (void)fprintf(to,
                  "<h2>How good they are</h2><p>From %s whose classes are known; "
                  "below each figure its 95%% interval. Ties count as wrong.</p>"
                  "<div class=\"tiles\">\n",
                  text_counted(f->pictures, "picture", "pictures"));
    write_tile(to, "top-1 accuracy", f->top1, 1);
    write_tile(to, "top-5 accuracy", f->top5, 1);
    write_tile(to, "mean per-class recall", f->mean_per_class_recall, 1);
    write_tile(to, "macro F1", f->macro_f1, 0);
    write_tile(to, "calibration error (ECE)", f->ece, 0);
    if (f->abstained > 0) {
        write_tile(to, "answered", f->coverage, 1);
        write_tile(to, "right among the answered", f->selective_accuracy, 1);
    }
    (void)fputs("</div>\n", to);
}

static void write_pairs(FILE *to, const label_report *report, const evaluate_confused *pairs,
                        size_t count) {
    (void)fputs(
        "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>is</th><th>taken for</th>"
        "<th>pictures</th></tr></thead><tbody>\n",
        to);
    for (size_t i = 0; i < count && i < MAX_PAIRS; i++) {
        (void)fputs("<tr><th>", to);
        write_class(to, report, pairs[i].truth);
        (void)fputs("</th><th>", to);
        if (pairs[i].guess == report->class_count) {
            (void)fputs("(nothing)", to);
        } else {
            write_class(to, report, pairs[i].guess);
        }
        (void)fprintf(to, "</th><td>%s</td></tr>\n", text_count(pairs[i].count));
    }
    (void)fputs("</tbody></table></div>\n", to);
}

/* Of the classes that are confused with others, and of all when they are few. */
static void write_matrix(FILE *to, const label_report *report, const evaluate_confused *pairs,
                         size_t count) {
    const glimpse_label_report *f = report->figures;
    size_t classes = report->class_count, used = 0, largest = 1;
    unsigned char *in = xcalloc(classes + 1, 1);
    size_t *shown_classes = xcalloc(classes + 1, sizeof *shown_classes);
    for (size_t i = 0; i < count && used + 2 <= MAX_MATRIX; i++) {
        used += !in[pairs[i].truth];
        in[pairs[i].truth] = 1;
        if (pairs[i].guess < classes) {
            used += !in[pairs[i].guess];
            in[pairs[i].guess] = 1;
        }
    }
    for (size_t c = 0; c < classes && classes <= MAX_MATRIX; c++)
        in[c] = 1;
    used = 0;
    for (size_t c = 0; c < classes; c++) {
        if (in[c]) shown_classes[used++] = c;
    }
    for (size_t i = 0; i < used; i++) {
        for (size_t k = 0; k < used; k++) {
            size_t n = f->confusion[shown_classes[i] * (classes + 1) + shown_classes[k]];
            if (n > largest) largest = n;
        }
    }
    (void)fprintf(
        to,
        "<p>Rows: what the pictures show. Columns: what they were labelled.%s</p>"
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"matrix\"><thead><tr><th></th>",
        used < classes ? " Only classes that are confused with others." : "");
    for (size_t k = 0; k < used; k++) {
        (void)fputs("<th class=\"up\"><span>", to);
        write_class(to, report, shown_classes[k]);
        (void)fputs("</span></th>", to);
    }
    (void)fputs("</tr></thead><tbody>\n", to);
    for (size_t i = 0; i < used; i++) {
        (void)fputs("<tr><th>", to);
        write_class(to, report, shown_classes[i]);
        (void)fputs("</th>", to);
        for (size_t k = 0; k < used; k++) {
            size_t n = f->confusion[shown_classes[i] * (classes + 1) + shown_classes[k]];
            int share = (int)(15 + 65 * n / largest);
            if (n == 0) {
                (void)fputs("<td class=\"n\">0</td>", to);
            } else {
                (void)fprintf(to,
                              "<td style=\"background:color-mix(in srgb,var(--%s) %d%%,"
                              "transparent)\">%zu</td>",
                              i == k ? "good" : "bad", share, n);
            }
        }
        (void)fputs("</tr>\n", to);
    }
    (void)fputs("</tbody></table></div>\n", to);
    free(in);
    free(shown_classes);
}

static void write_confusion(FILE *to, const label_report *report) {
    size_t count;
    evaluate_confused *pairs =
        evaluate_list_confused(report->figures->confusion, report->class_count, &count);
    if (!pairs) return;
    (void)fputs("<h2>What is taken for what</h2>\n", to);
    if (count == 0) {
        (void)fputs("<p>Nothing is confused.</p>\n", to);
    } else {
        write_matrix(to, report, pairs, count);
        (void)fputs("<h3>Most frequent mistakes</h3>\n", to);
        write_pairs(to, report, pairs, count);
    }
    free(pairs);
}

void report_html(FILE *to, label_report *report, const glimpse_label_totals *totals) {
    const glimpse_label_set *set = report->set;
    (void)fprintf(to,
                  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "img-src data:; style-src 'unsafe-inline'\"><title>Labels - glimpse</title>"
                  "<style>%s</style></head><body><header><h1>Labels</h1><p>%s &middot; %s",
                  style, text_counted(totals->labelled, "picture", "pictures"),
                  text_counted(set->count, "class", "classes"));
    if (set->model_name) {
        (void)fputs(" &middot; model ", to);
        html_text(to, set->model_name);
    }
    if (set->each_alone) (void)fputs(" &middot; probabilities of each class alone", to);
    if (set->multi_label) (void)fputs(" &middot; several labels for a picture", to);
    (void)fputs("</p>", to);
    if (totals->failed > 0) {
        (void)fprintf(to, "<p class=\"warn\">%s could not be used and %s not in this report.</p>",
                      text_count(totals->failed), totals->failed == 1 ? "is" : "are");
    }
    if (totals->abstained > 0) {
        (void)fprintf(to, "<p>%s have no label, because none was certain enough.</p>",
                      text_count(totals->abstained));
    }
    (void)fputs("</header>\n", to);
    if (report->figures) {
        write_figures(to, report);
        write_confusion(to, report);
        write_list(to, report, "Most certain mistakes",
                   "Wrong in the labels, or wrong in what was given as the truth.", is_mistake, 0);
    }
    write_list(to, report, "Least certain", "The labels to look at first.", is_claimed, 1);
    write_list(to, report, "Most certain", "What the model takes for clear cases.", is_claimed, 0);
    write_list(to, report, "Without a label", "Not certain enough; the best guess is shown.",
               is_abstained, 0);
    write_sheets(to, report);
    (void)fputs("</body></html>\n", to);
}
