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
#include <string.h>

enum { SHOWN_BOXES = 12, SHOWN_TAGS = 16 };

/* A page being written. */
typedef struct page {
    FILE *to;
    const dedup_view *view;
    page_thumbs *thumbs;
    dedup_crops crops;
    char *keeper_tag; /* "keep", or which set it is in */
} page;

/* The last part of the second set's path, when it has one. */
static char *keeper_tag_of(const dedup_view *view) {
    if (!view->against) return xstrdup("keep");
    if (!view->against_what) return xstrdup("in the other set");
    size_t end = strlen(view->against_what), start;
    while (end > 1 && view->against_what[end - 1] == '/')
        end--;
    for (start = end; start > 0 && view->against_what[start - 1] != '/';)
        start--;
    return xprintf("in %.*s", (int)(end - start), view->against_what + start);
}

static void write_holds(FILE *to, const glimpse_dedup_group *group, size_t m) {
    const glimpse_dedup_member *member = &group->members[m];
    if (member->hold_count == 0) return;
    (void)fputs("<ul class=\"holds\">", to);
    for (size_t i = 0; i < member->hold_count && i < SHOWN_TAGS; i++) {
        const char *hold = member->holds[i];
        char *words = dedup_hold_words(hold);
        const int only = m > 0 && dedup_lacks_in_keeper(member, hold);
        (void)fputs(only ? "<li class=\"only\" title=\"the keeper does not hold it\">" : "<li>",
                    to);
        page_text(to, words);
        (void)fputs("</li>", to);
        free(words);
    }
    (void)fputs("</ul>", to);
}

/* The edited places of all members, or of one where they are in its own picture. */
static size_t boxes_of(const glimpse_dedup_group *group, const dedup_shown *shown, size_t m,
                       page_box boxes[SHOWN_BOXES]) {
    size_t count = 0;
    for (size_t k = 1; k < shown->count; k++) {
        const glimpse_dedup_member *member = &group->members[shown->members[k]];
        if (m > 0 && shown->members[k] != m) continue;
        for (size_t i = 0; i < member->region_count && count < SHOWN_BOXES; i++) {
            const glimpse_dedup_region *r = &member->regions[i];
            page_box box = {r->x, r->y, r->width, r->height};
            if (m == 0 || dedup_box_in_member(member, &box)) boxes[count++] = box;
        }
    }
    return count;
}

static void write_facts(FILE *to, const glimpse_dedup_picture *p) {
    char *date = dedup_date(p);
    (void)fprintf(to, "<div class=\"facts\"><span>%u &times; %u</span><span>%s</span><span>",
                  (unsigned)p->width, (unsigned)p->height, text_bytes(p->bytes));
    page_text(to, p->format);
    if (p->quality > 0 && p->quality <= 100) (void)fprintf(to, " q%d", p->quality);
    (void)fputs("</span><span>", to);
    page_text(to, date);
    (void)fputs("</span></div>", to);
    free(date);
}

static void write_keeper_words(const page *p, const glimpse_dedup_group *group) {
    (void)fputs("<span class=\"tag\">", p->to);
    page_text(p->to, p->keeper_tag);
    (void)fputs("</span> ", p->to);
    if (!p->view->against) page_sentence(p->to, group->reason);
}

static void write_member_words(FILE *to, const glimpse_dedup_member *member) {
    (void)fprintf(to, "<span class=\"tag\">%s</span> %.3f<div>",
                  glimpse_dedup_relation_name(member->relation), member->score);
    page_text(to, dedup_relation_words(member->relation));
    if (*member->differences) {
        (void)fputs(": ", to);
        page_sentence(to, member->differences);
    }
    (void)fputs("</div>", to);
}

static void write_member(page *p, const glimpse_dedup_group *group, const dedup_shown *shown,
                         size_t m) {
    const glimpse_dedup_member *member = &group->members[m];
    FILE *to = p->to;
    page_box boxes[SHOWN_BOXES];
    const size_t box_count = boxes_of(group, shown, m, boxes);
    (void)fprintf(to, "<figure%s><a class=\"frame\" href=\"", m == 0 ? " class=\"keep\"" : "");
    page_file_link(to, member->picture->path);
    (void)fputs("\">", to);
    page_thumbs_write(p->thumbs, to, boxes, box_count);
    (void)fputs("</a><figcaption>", to);
    if (m == 0) {
        write_keeper_words(p, group);
    } else {
        write_member_words(to, member);
    }
    page_path(to, member->picture->path);
    write_facts(to, member->picture);
    write_holds(to, group, m);
    (void)fputs("</figcaption></figure>\n", to);
}

static void write_heading(const page *p, const glimpse_dedup_group *group, const dedup_shown *shown,
                          size_t number) {
    uint64_t spare = 0;
    int edited = 0;
    for (size_t m = 1; m < group->count; m++)
        spare += group->members[m].picture->bytes;
    for (size_t i = 1; i < shown->count; i++)
        edited |= group->members[shown->members[i]].region_count > 0;
    (void)fprintf(
        p->to, "<section id=\"g%zu\"%s style=\"--n:%zu\"><h2>%zu. %s, %s <small>%s, ", number,
        !edited             ? ""
        : group->count == 2 ? " class=\"edited pair\""
                            : " class=\"edited\"",
        shown->count, number, glimpse_dedup_relation_name(group->relation),
        text_counted(group->count, "file", "files"), glimpse_dedup_kind_name(group->kind));
    if (p->view->against) {
        (void)fprintf(p->to, "%s that leaked",
                      text_counted(group->count - 1, "picture", "pictures"));
    } else {
        (void)fprintf(p->to, "%s beside the keeper", text_bytes(spare));
    }
    if (p->view->classes && group->labels_differ)
        (void)fputs(" <span class=\"warn\">in different classes</span>", p->to);
    (void)fputs("</small></h2><div class=\"row\">\n", p->to);
}

static void write_group(page *p, const glimpse_dedup_group *group, size_t number) {
    const dedup_shown shown = dedup_shown_of(group);
    write_heading(p, group, &shown, number);
    for (size_t i = 0; i < shown.count; i++)
        write_member(p, group, &shown, shown.members[i]);
    (void)fputs("</div>", p->to);
    dedup_crops_write(p->to, &p->crops, group, &shown, p->keeper_tag, p->thumbs);
    dedup_write_rest(p->to, group, &shown);
    (void)fputs("</section>\n", p->to);
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
    (void)fprintf(to, "</h1><p>%s (%s exact, %s perceptual, %s semantic) in %s",
                  text_counted(view->count, "group", "groups"), text_count(kinds[0]),
                  text_count(kinds[1]), text_count(kinds[2]),
                  text_counted(r->scanned, "picture", "pictures"));
    if (view->against) {
        (void)fputs(".</p><p>The framed picture of each group is in ", to);
        page_text(to, view->against_what ? view->against_what : "the other set");
        (void)fputs(", those beside it are in ", to);
        page_text(to, view->what);
        (void)fputs(". ", to);
    } else {
        (void)fprintf(to, "; the files beside the keepers take %s.</p>",
                      text_bytes(dedup_spare_bytes(view)));
        (void)fputs("<p>The framed picture of each group is the one to keep. ", to);
    }
    (void)fputs("Scores: 1 for identical, "
                "correlation of the aligned pictures, or cosine for similar content. Red frames "
                "are where an edited picture differs; tags are what a file holds beside the "
                "colours of its first picture, outlined where the framed one's file lacks it.</p>",
                to);
    if (view->against) {
        (void)fputs(
            "<div class=\"scroll\" "
            "tabindex=\"0\"><table><tr><th>class</th><th>pictures</th><th>leaked</th><th>rate</th>"
            "<th>identical</th><th>re-encoded</th><th>holds-more</th><th>edited</th>"
            "<th>other class</th></tr>",
            to);
        for (size_t i = 0; i < r->leak_label_count; i++) {
            const char *label = r->leak_labels[i].label;
            write_leak_row(to, label && *label ? label : "(no folder)", &r->leak_labels[i]);
        }
        write_leak_row(to, "all", &r->leak);
        (void)fputs("</table></div>", to);
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

static char *title_of(const dedup_view *view) {
    if (!view->against) return xprintf("Duplicates in %s", view->what);
    return xprintf("Pictures of %s that are in %s", view->what,
                   view->against_what ? view->against_what : "the other set");
}

/* All that will be asked for, in order. */
static size_t plan(page_picture *pictures, const dedup_view *view) {
    dedup_crops crops = {0};
    size_t used = 0;
    for (size_t g = 0; g < view->count; g++) {
        const glimpse_dedup_group *group = view->groups[g];
        const dedup_shown shown = dedup_shown_of(group);
        for (size_t i = 0; i < shown.count; i++)
            pictures[used++].path = group->members[shown.members[i]].picture->path;
        used += dedup_crops_plan(pictures + used, &crops, group, &shown);
    }
    return used;
}

int dedup_write_html(const dedup_view *view, const char *name) {
    report_file file;
    if (report_file_open_text(&file, name) < 0) return -1;
    size_t count = 0;
    for (size_t g = 0; g < view->count; g++)
        count += dedup_shown_of(view->groups[g]).count;
    page_picture *pictures = xcalloc(count + 2 * DEDUP_CROPS, sizeof *pictures);
    const size_t used = plan(pictures, view);
    page p = {.to = file.to, .view = view, .keeper_tag = keeper_tag_of(view)};
    char *title = title_of(view);
    page_begin(file.to, title);
    write_header(file.to, view, title);
    p.thumbs = page_thumbs_start(pictures, used, view->jobs);
    double start = progress_now();
    for (size_t g = 0; g < view->count && !tool_stopped(); g++) {
        progress_show("report", g, view->count, 1, progress_now() - start, NULL);
        write_group(&p, view->groups[g], g + 1);
    }
    progress_clear();
    page_thumbs_free(p.thumbs);
    (void)fputs("</main>", file.to);
    page_end(file.to);
    free(title);
    free(p.keeper_tag);
    free(pictures);
    return report_file_close(&file);
}
