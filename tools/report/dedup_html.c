/*
 * dedup_html.c - duplicates side by side on one HTML page: the keeper first, framed, with the
 * reason; every member with its relation, what is different about it, and what its file holds.
 */
#include "dedup_report.h"

#include "dedup_crops.h"
#include "dedup_words.h"
#include "progress.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>

/* Of a larger group the rest is listed by name only. */
enum { SHOWN_MEMBERS = 24, SHOWN_BOXES = 12, SHOWN_TAGS = 16 };

static size_t shown_of(const glimpse_dedup_group *group) {
    return group->count < SHOWN_MEMBERS ? group->count : SHOWN_MEMBERS;
}

static void write_holds(FILE *to, const glimpse_dedup_group *group, size_t m) {
    const glimpse_dedup_member *member = &group->members[m];
    if (member->hold_count == 0) return;
    (void)fputs("<ul class=\"holds\">", to);
    for (size_t i = 0; i < member->hold_count && i < SHOWN_TAGS; i++) {
        const char *hold = member->holds[i];
        char *words = dedup_hold_words(hold);
        const int only = m > 0 && !dedup_keeper_holds(group, hold);
        (void)fputs(only ? "<li class=\"only\" title=\"the keeper does not hold it\">" : "<li>",
                    to);
        page_text(to, words);
        (void)fputs("</li>", to);
        free(words);
    }
    (void)fputs("</ul>", to);
}

/* The edited places of all members, or of one where they are in its own picture. */
static size_t boxes_of(const glimpse_dedup_group *group, size_t m, page_box boxes[SHOWN_BOXES]) {
    size_t count = 0;
    for (size_t k = m == 0 ? 1 : m; k < (m == 0 ? shown_of(group) : m + 1); k++) {
        const glimpse_dedup_member *member = &group->members[k];
        for (size_t i = 0; i < member->region_count && count < SHOWN_BOXES; i++) {
            const glimpse_dedup_region *r = &member->regions[i];
            page_box box = {r->x, r->y, r->width, r->height};
            if (m == 0 || dedup_box_in_member(member, &box)) boxes[count++] = box;
        }
    }
    return count;
}

static void write_facts(FILE *to, const glimpse_dedup_picture *p) {
    char date[32];
    dedup_date(p, date);
    (void)fprintf(to, "<div class=\"facts\"><span>%u &times; %u</span><span>%s</span><span>",
                  (unsigned)p->width, (unsigned)p->height, text_bytes(p->bytes));
    page_text(to, p->format);
    if (p->quality > 0 && p->quality <= 100) (void)fprintf(to, " q%d", p->quality);
    (void)fprintf(to, "</span><span>%s</span></div>", date);
}

static void write_member(FILE *to, const glimpse_dedup_group *group, size_t m,
                         page_thumbs *thumbs) {
    const glimpse_dedup_member *member = &group->members[m];
    page_box boxes[SHOWN_BOXES];
    const size_t box_count = boxes_of(group, m, boxes);
    (void)fprintf(to, "<figure%s><a class=\"frame\" href=\"", m == 0 ? " class=\"keep\"" : "");
    page_file_link(to, member->picture->path);
    (void)fputs("\">", to);
    page_thumbs_write(thumbs, to, boxes, box_count);
    (void)fputs("</a><figcaption><span class=\"tag\">", to);
    if (m == 0) {
        (void)fputs("keep</span> ", to);
        page_sentence(to, group->reason);
    } else {
        (void)fprintf(to, "%s</span> %.3f<div>", glimpse_dedup_relation_name(member->relation),
                      member->score);
        page_text(to, dedup_relation_words(member->relation));
        if (*member->differences) {
            (void)fputs(": ", to);
            page_sentence(to, member->differences);
        }
        (void)fputs("</div>", to);
    }
    page_path(to, member->picture->path);
    write_facts(to, member->picture);
    write_holds(to, group, m);
    (void)fputs("</figcaption></figure>\n", to);
}

static void write_heading(FILE *to, const glimpse_dedup_group *group, size_t number, int classes) {
    uint64_t spare = 0;
    for (size_t m = 1; m < group->count; m++)
        spare += group->members[m].picture->bytes;
    const size_t columns = shown_of(group);
    (void)fprintf(
        to,
        "<section id=\"g%zu\" style=\"--n:%zu\"><h2>%zu. %s, %s <small>%s, %s beside the keeper%s"
        "</small></h2><div class=\"row\">\n",
        number, columns, number, glimpse_dedup_relation_name(group->relation),
        text_counted(group->count, "file", "files"), glimpse_dedup_kind_name(group->kind),
        text_bytes(spare),
        classes && group->labels_differ ? " <span class=\"warn\">in different classes</span>" : "");
}

static void write_group(FILE *to, const glimpse_dedup_group *group, size_t number, int classes,
                        page_thumbs *thumbs, dedup_crops *crops) {
    write_heading(to, group, number, classes);
    for (size_t m = 0; m < shown_of(group); m++)
        write_member(to, group, m, thumbs);
    (void)fputs("</div>", to);
    dedup_crops_write(to, crops, group, shown_of(group), thumbs);
    for (size_t m = shown_of(group); m < group->count; m++) {
        (void)fprintf(
            to, "<div class=\"more\">%s:", glimpse_dedup_relation_name(group->members[m].relation));
        page_short(to, "", group->members[m].picture->path, 30);
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
                "correlation of the aligned pictures, or cosine for similar content. Red frames "
                "are where an edited picture differs; tags are what a file holds beside the "
                "colours of its first picture, outlined where the keeper's does not.</p>",
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
    page_picture *pictures = xcalloc(count + 2 * DEDUP_CROPS, sizeof *pictures);
    dedup_crops planned = {0}, crops = {0};
    for (size_t g = 0; g < view->count; g++) {
        const glimpse_dedup_group *group = view->groups[g];
        for (size_t m = 0; m < shown_of(group); m++)
            pictures[used++].path = group->members[m].picture->path;
        used += dedup_crops_plan(pictures + used, &planned, group, shown_of(group));
    }
    char *title = xprintf("Duplicates in %s", view->what);
    page_begin(file.to, title);
    write_header(file.to, view, title);
    page_thumbs *thumbs = page_thumbs_start(pictures, used, view->jobs);
    double start = progress_now();
    for (size_t g = 0; g < view->count && !tool_stopped(); g++) {
        progress_show("report", g, view->count, 1, progress_now() - start, NULL);
        write_group(file.to, view->groups[g], g + 1, view->classes, thumbs, &crops);
    }
    progress_clear();
    page_thumbs_free(thumbs);
    (void)fputs("</main>", file.to);
    page_end(file.to);
    free(title);
    free(pictures);
    return report_file_close(&file);
}
