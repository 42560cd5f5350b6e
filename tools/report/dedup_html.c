/*
 * dedup_html.c - duplicates side by side on one HTML page: the keeper first, framed, with the
 * reason; every member with its relation and what is different about it.
 */
#include "dedup_report.h"

#include "progress.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* Of a larger group the rest is listed by name only. */
enum { SHOWN_MEMBERS = 24 };

static size_t shown_of(const glimpse_dedup_group *group) {
    return group->count < SHOWN_MEMBERS ? group->count : SHOWN_MEMBERS;
}

static void write_member(FILE *to, const glimpse_dedup_group *group, size_t m,
                         page_thumbs *thumbs) {
    const glimpse_dedup_member *member = &group->members[m];
    const glimpse_dedup_picture *p = member->picture;
    const char *slash = strrchr(p->path, '/'), *name = slash ? slash + 1 : p->path;
    char *directory = xprintf("%.*s", slash ? (int)(slash - p->path) : 0, p->path), date[32];
    (void)fprintf(to, "<figure%s><a class=\"frame\" href=\"", m == 0 ? " class=\"keep\"" : "");
    page_file_link(to, p->path);
    (void)fputs("\">", to);
    page_thumbs_write(thumbs, to);
    (void)fputs("</a><figcaption><span class=\"tag\">", to);
    if (m == 0) {
        (void)fputs("keep</span> ", to);
        page_text(to, group->reason);
    } else {
        (void)fprintf(to, "%s</span> %.3f", glimpse_dedup_relation_name(member->relation),
                      member->score);
        if (*member->differences) {
            (void)fputs(" &middot; ", to);
            page_text(to, member->differences);
        }
    }
    (void)fputs("<div class=\"name\">", to);
    page_text(to, name);
    dedup_date(p, date);
    (void)fprintf(to, "</div><div class=\"facts\">%u &times; %u &middot; %s &middot; ",
                  (unsigned)p->width, (unsigned)p->height, text_bytes(p->bytes));
    page_text(to, p->format);
    if (p->quality > 0 && p->quality <= 100) (void)fprintf(to, " q%d", p->quality);
    (void)fprintf(to, " &middot; %s", date);
    (void)fputs("</div><div class=\"path\">", to);
    page_text(to, directory);
    (void)fputs("</div></figcaption></figure>\n", to);
    free(directory);
}

static void write_group(FILE *to, const glimpse_dedup_group *group, size_t number, int classes,
                        page_thumbs *thumbs) {
    uint64_t spare = 0;
    for (size_t m = 1; m < group->count; m++)
        spare += group->members[m].picture->bytes;
    (void)fprintf(
        to,
        "<section id=\"g%zu\"><h2>%zu. %s (%s), %s, %s beside the keeper%s</h2>"
        "<div class=\"row\">\n",
        number, number, glimpse_dedup_relation_name(group->relation),
        glimpse_dedup_kind_name(group->kind), text_counted(group->count, "file", "files"),
        text_bytes(spare),
        classes && group->labels_differ ? " <span class=\"warn\">in different classes</span>" : "");
    for (size_t m = 0; m < shown_of(group); m++)
        write_member(to, group, m, thumbs);
    (void)fputs("</div>", to);
    for (size_t m = shown_of(group); m < group->count; m++) {
        (void)fprintf(to, "<div class=\"more\">%s: ",
                      glimpse_dedup_relation_name(group->members[m].relation));
        page_text(to, group->members[m].picture->path);
        (void)fputs("</div>", to);
    }
    (void)fputs("</section>\n", to);
}

static void write_leak_row(FILE *to, const char *label, const glimpse_dedup_leak *leak) {
    (void)fputs("<tr><td>", to);
    page_text(to, label);
    (void)fprintf(to,
                  "</td><td>%s</td><td>%s</td><td>%.2f%%</td><td>%s</td><td>%s</td><td>%s</td>"
                  "<td>%s</td><td>%s</td></tr>\n",
                  text_count(leak->pictures), text_count(leak->leaked), 100 * leak->rate,
                  text_count(leak->exact), text_count(leak->reencoded),
                  text_count(leak->holds_more), text_count(leak->edited),
                  text_count(leak->conflicting));
}

static void write_header(FILE *to, const dedup_view *view, const char *title) {
    const glimpse_dedup_report *r = view->report;
    uint64_t kinds[3] = {0};
    for (size_t g = 0; g < view->count; g++)
        kinds[(unsigned)view->groups[g]->kind % 3]++;
    (void)fputs("<header><h1>", to);
    page_text(to, title);
    (void)fprintf(to,
                  "</h1><p>%s (%s exact, %s perceptual, %s semantic) in %s; the files "
                  "beside the keepers take %s.</p>",
                  text_counted(view->count, "group", "groups"), text_count(kinds[0]),
                  text_count(kinds[1]), text_count(kinds[2]),
                  text_counted(r->scanned, "picture", "pictures"),
                  text_bytes(dedup_spare_bytes(view)));
    (void)fputs("<p>The framed picture of each group is the one to keep. Scores: 1 for identical, "
                "correlation of the aligned pictures, or cosine for similar content.</p>",
                to);
    if (view->against) {
        (void)fputs("<table><tr><th>class</th><th>pictures</th><th>leaked</th><th>rate</th>"
                    "<th>identical</th><th>re-encoded</th><th>holds-more</th><th>edited</th>"
                    "<th>other class</th></tr>",
                    to);
        for (size_t i = 0; i < r->leak_label_count; i++) {
            const char *label = r->leak_labels[i].label;
            write_leak_row(to, label && *label ? label : "(no folder)", &r->leak_labels[i]);
        }
        write_leak_row(to, "all", &r->leak);
        (void)fputs("</table>", to);
    }
    for (size_t i = 0; i < r->failed_count; i++) {
        if (i == 0)
            (void)fprintf(to, "<p class=\"warn\">%zu could not be used:</p>", r->failed_count);
        (void)fputs("<div class=\"more\">", to);
        page_text(to, r->failed[i].path);
        (void)fputs(": ", to);
        page_text(to, r->failed[i].reason);
        (void)fputs("</div>", to);
    }
    (void)fputs("</header><main>\n", to);
}

int dedup_write_html(const dedup_view *view, const char *name) {
    report_file file;
    if (report_file_open(&file, name) < 0) return -1;
    size_t count = 0, used = 0;
    for (size_t g = 0; g < view->count; g++)
        count += shown_of(view->groups[g]);
    const glimpse_dedup_picture **pictures = xcalloc(count, sizeof *pictures);
    for (size_t g = 0; g < view->count; g++) {
        for (size_t m = 0; m < shown_of(view->groups[g]); m++)
            pictures[used++] = view->groups[g]->members[m].picture;
    }
    char *title = xprintf("Duplicates in %s", view->what);
    page_begin(file.to, title);
    write_header(file.to, view, title);
    page_thumbs *thumbs = page_thumbs_start(pictures, count, view->jobs);
    double start = progress_now();
    for (size_t g = 0; g < view->count && !tool_stopped(); g++) {
        progress_show("report", g, view->count, 1, progress_now() - start, NULL);
        write_group(file.to, view->groups[g], g + 1, view->classes, thumbs);
    }
    progress_clear();
    page_thumbs_free(thumbs);
    (void)fputs("</main>", file.to);
    page_end(file.to);
    free(title);
    free(pictures);
    return report_file_close(&file);
}
