/*
 * audit_report.c - writes what glimpse audit found, as a table, JSON, CSV and HTML.
 */
#include "audit_report.h"

#include "csv_out.h"
#include "dedup_report.h"
#include "progress.h"
#include "table.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

static const char *title_of(glimpse_audit_kind kind) {
    switch (kind) {
    case GLIMPSE_AUDIT_DARK: return "Too dark";
    case GLIMPSE_AUDIT_BRIGHT: return "Too bright";
    case GLIMPSE_AUDIT_BLURRED: return "Blurred";
    case GLIMPSE_AUDIT_LOW_INFORMATION: return "Low information";
    case GLIMPSE_AUDIT_NEAR_CONSTANT: return "Nearly one colour";
    case GLIMPSE_AUDIT_ODD_ASPECT: return "Odd shape";
    case GLIMPSE_AUDIT_SMALL: return "Small";
    case GLIMPSE_AUDIT_ODD_SIZE: return "Size unlike the rest";
    case GLIMPSE_AUDIT_MISLABELLED: return "Perhaps in the wrong class";
    case GLIMPSE_AUDIT_OUTLIER: return "Unlike all others";
    case GLIMPSE_AUDIT_COUNT: break;
    }
    return "Odd";
}

static void print_finding(const glimpse_audit_finding *f) {
    char *storage = NULL, *text = text_display(f->text);
    char *path = text_display(text_near_path(f->picture->path, &storage));
    (void)fputs("  ", stdout);
    table_print_path(f->picture->path, TERMINAL_PLAIN);
    if (table_fits(2 + text_width(path) + 2 + text_width(text))) {
        (void)printf(": %s\n", text);
    } else {
        (void)putchar('\n');
        table_print_line(text, TERMINAL_FAINT);
    }
    free(path);
    free(storage);
    free(text);
}

void audit_print_table(const audit_view *view) {
    const glimpse_audit *a = view->audit;
    for (size_t i = 0; i < a->count; i++) {
        const glimpse_audit_finding *f = &a->findings[i];
        if (i == 0 || a->findings[i - 1].kind != f->kind) {
            (void)printf("%s%s%s (%s)%s\n", i > 0 ? "\n" : "", terminal_begin(TERMINAL_STRONG),
                         title_of(f->kind), text_count(a->counts[f->kind]),
                         terminal_end(TERMINAL_STRONG));
        }
        print_finding(f);
    }
    (void)printf("%s%s in %s\n", a->count > 0 ? "\n" : "",
                 text_counted(a->count, "finding", "findings"),
                 text_counted(view->report->scanned, "picture", "pictures"));
    if (!a->has_embeddings) {
        (void)printf("Without embeddings, %soutliers were not looked at (--embed)\n",
                     view->class_directories ? "classes and " : "");
    } else if (!view->class_directories) {
        (void)printf("Folders were not taken for classes (--class-dirs)\n");
    }
}

static void json_measures(const glimpse_picture_measures *m, json_out *j) {
    jout_key(j, "measures");
    jout_open(j, '{');
    jout_key(j, "mean"), jout_number(j, m->mean);
    jout_key(j, "deviation"), jout_number(j, m->deviation);
    jout_key(j, "low"), jout_number(j, m->low);
    jout_key(j, "high"), jout_number(j, m->high);
    jout_key(j, "entropy"), jout_number(j, m->entropy);
    jout_key(j, "sharpness"), jout_number(j, m->sharpness);
    jout_key(j, "colourfulness"), jout_number(j, m->colourfulness);
    jout_key(j, "aspect"), jout_number(j, m->aspect);
    jout_key(j, "grey"), jout_bool(j, m->grey);
    jout_close(j, '}');
}

void audit_print_json(const audit_view *view) {
    const glimpse_audit *a = view->audit;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_key(&j, "findings");
    jout_open(&j, '[');
    for (size_t i = 0; i < a->count; i++) {
        const glimpse_audit_finding *f = &a->findings[i];
        jout_open(&j, '{');
        jout_path(&j, "path", f->picture->path);
        jout_key(&j, "kind"), jout_string(&j, glimpse_audit_kind_name(f->kind));
        jout_key(&j, "value"), jout_number(&j, f->value);
        jout_key(&j, "limit"), jout_number(&j, f->limit);
        jout_path(&j, "text", f->text);
        jout_path(&j, "label", f->picture->label);
        jout_text_or_null(&j, "suggestion", f->suggestion);
        jout_key(&j, "id"), jout_string(&j, f->picture->picture_id);
        jout_key(&j, "transparent"), jout_bool(&j, f->picture->is_transparent);
        json_measures(&f->picture->measures, &j);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "counts");
    jout_open(&j, '{');
    for (int kind = 0; kind < GLIMPSE_AUDIT_COUNT; kind++) {
        jout_key(&j, glimpse_audit_kind_name((glimpse_audit_kind)kind));
        jout_uint(&j, a->counts[kind]);
    }
    jout_close(&j, '}');
    jout_key(&j, "scanned"), jout_uint(&j, view->report->scanned);
    dedup_json_failures(view->report, &j);
    jout_key(&j, "embeddings"), jout_bool(&j, a->has_embeddings);
    jout_key(&j, "class_dirs"), jout_bool(&j, view->class_directories);
    jout_key(&j, "labels"), jout_bool(&j, a->has_labels);
    jout_close(&j, '}');
    jout_end(&j);
}

int audit_write_csv(const audit_view *view, const char *name) {
    report_file file;
    if (report_file_open_text(&file, name) < 0) return -1;
    FILE *to = file.to;
    (void)fputs("kind,path,value,limit,text,label,suggestion,width,height,bytes,id\r\n", to);
    for (size_t i = 0; i < view->audit->count; i++) {
        const glimpse_audit_finding *f = &view->audit->findings[i];
        const glimpse_dedup_picture *p = f->picture;
        (void)fprintf(to, "%s,", glimpse_audit_kind_name(f->kind));
        glimpse_csv_field(to, p->path);
        (void)fprintf(to, ",%.6g,%.6g,", f->value, f->limit);
        glimpse_csv_field(to, f->text);
        (void)fputc(',', to);
        glimpse_csv_field(to, p->label);
        (void)fputc(',', to);
        glimpse_csv_field(to, f->suggestion);
        (void)fprintf(to, ",%u,%u,%llu,%s\r\n", (unsigned)p->width, (unsigned)p->height,
                      (unsigned long long)p->bytes, p->picture_id);
    }
    return report_file_close(&file);
}

/* Each finding has its heading with it, so that those of few pictures need no line of their own. */
static void write_finding(FILE *to, const glimpse_audit *a, size_t i, page_thumbs *thumbs) {
    const glimpse_audit_finding *f = &a->findings[i];
    const glimpse_dedup_picture *p = f->picture;
    const int first = i == 0 || a->findings[i - 1].kind != f->kind;
    (void)fputs("<figure>", to);
    if (first) {
        (void)fprintf(to, "<h2>%s (%s)</h2>", title_of(f->kind), text_count(a->counts[f->kind]));
    } else {
        (void)fprintf(to, "<div class=\"kind\">%s</div>", title_of(f->kind));
    }
    (void)fputs("<a class=\"frame\" href=\"", to);
    page_file_link(to, p->path);
    (void)fputs("\">", to);
    page_thumbs_write(thumbs, to, NULL, 0);
    (void)fputs("</a><figcaption>", to);
    page_sentence(to, f->text);
    page_path(to, p->path);
    char *date = dedup_date(p);
    (void)fprintf(to, "<div class=\"facts\"><span>%u &times; %u</span><span>%s</span><span>",
                  (unsigned)p->width, (unsigned)p->height, text_bytes(p->bytes));
    page_text(to, date);
    (void)fputs("</span></div></figcaption></figure>\n", to);
    free(date);
}

int audit_write_html(const audit_view *view, const char *name) {
    const glimpse_audit *a = view->audit;
    report_file file;
    if (report_file_open_text(&file, name) < 0) return -1;
    FILE *to = file.to;
    char *title = xprintf("Audit of %s", view->what);
    page_picture *pictures = xcalloc(a->count, sizeof *pictures);
    for (size_t i = 0; i < a->count; i++)
        pictures[i].path = a->findings[i].picture->path;
    page_begin(to, title);
    (void)fputs("<header><h1>", to);
    page_text(to, title);
    (void)fprintf(to, "</h1><p>%s in %s.</p>", text_counted(a->count, "finding", "findings"),
                  text_counted(view->report->scanned, "picture", "pictures"));
    if (!a->has_embeddings) {
        (void)fprintf(to, "<p>Without embeddings, %soutliers were not looked at.</p>",
                      view->class_directories ? "classes and " : "");
    } else if (!view->class_directories) {
        (void)fputs("<p>Folders were not taken for classes.</p>", to);
    }
    (void)fputs("</header><main class=\"findings\">\n", to);
    page_thumbs *thumbs = page_thumbs_start(pictures, a->count, view->jobs);
    double start = progress_now();
    for (size_t i = 0; i < a->count && !tool_stopped(); i++) {
        progress_show("report", i, a->count, 1, progress_now() - start, NULL);
        write_finding(to, a, i, thumbs);
    }
    progress_clear();
    page_thumbs_free(thumbs);
    (void)fputs("</main>", to);
    page_end(to);
    free(pictures);
    free(title);
    return report_file_close(&file);
}
