/*
 * dedup_print.c - duplicates as a table, as JSON and as CSV.
 */
#include "dedup_report.h"

#include "csv_out.h"
#include "dedup_words.h"
#include "local_date.h"
#include "table.h"
#include "text.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN_FAILURES = 5, FACTS_COLUMNS = 8 + 11 + 1 + 8 + 2 + 17 + 1 };

/*
 * Shared pieces.
 */
static void write_time(const glimpse_dedup_picture *picture, char out[32],
                       struct tm *(*zone)(const time_t *, struct tm *)) {
    time_t seconds = (time_t)(picture->mtime_ns / 1000000000);
    struct tm when;
    out[0] = '\0';
    if (zone(&seconds, &when)) (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &when);
}

void dedup_modified(const glimpse_dedup_picture *picture, char out[32]) {
    write_time(picture, out, gmtime_r);
}

char *dedup_date(const glimpse_dedup_picture *picture) {
    if (*picture->taken) return local_day(picture->taken);
    char modified[32];
    write_time(picture, modified, localtime_r);
    char *day = local_day(modified), *whole = xprintf("%s (file)", day);
    free(day);
    return whole;
}

size_t dedup_spare_count(const dedup_view *view) {
    size_t count = 0;
    for (size_t g = 0; g < view->count; g++)
        count += view->groups[g]->count - 1;
    return count;
}

uint64_t dedup_spare_bytes(const dedup_view *view) {
    return view->freed;
}

void dedup_report_failures(const glimpse_dedup_report *report) {
    for (size_t i = 0; i < report->failed_count && i < SHOWN_FAILURES; i++) {
        const glimpse_dedup_failure *f = &report->failed[i];
        tool_print("unusable: %s: %s", f->path, f->reason);
    }
    if (report->failed_count > SHOWN_FAILURES) {
        tool_print("... and %s more; --json lists all",
                   text_count(report->failed_count - SHOWN_FAILURES));
    }
}

/*
 * The table.
 */
static void print_names(const glimpse_dedup_picture *p) {
    for (size_t i = 0; i < p->name_count; i++) {
        (void)fputs("        also ", stdout);
        table_print_path(p->names[i].path, TERMINAL_PLAIN);
        (void)puts(p->names[i].is_hard_link ? " (hard link)" : "");
    }
    if (p->links_elsewhere > 0 && !p->is_link) {
        (void)printf("        and %s outside the search\n",
                     text_counted(p->links_elsewhere, "hard link", "hard links"));
    }
}

/* Size, date, and why it is the keeper, or what became of it. */
static void print_facts(const glimpse_dedup_group *group, size_t m) {
    const glimpse_dedup_member *member = &group->members[m];
    const glimpse_dedup_picture *p = member->picture;
    char *date = dedup_date(p), size[32];
    (void)snprintf(size, sizeof size, "%ux%u", (unsigned)p->width, (unsigned)p->height);
    (void)printf("        %-11s %8s  ", size, text_bytes(p->bytes));
    text_print_padded(date, 17);
    char *facts =
        m == 0 ? xstrdup(group->reason)
               : xprintf("%s %.3f%s%s", glimpse_dedup_relation_name(member->relation),
                         member->score, *member->differences ? ": " : "", member->differences);
    char *words = text_display(facts);
    if (table_fits(FACTS_COLUMNS + text_width(words))) {
        (void)printf(" %s\n", words);
    } else {
        (void)putchar('\n');
        table_print_line(words, TERMINAL_PLAIN);
    }
    free(words);
    free(facts);
    free(date);
}

static void print_member(const glimpse_dedup_group *group, size_t m) {
    const glimpse_dedup_member *member = &group->members[m];
    const glimpse_dedup_picture *p = member->picture;
    (void)printf("  %s%-4s%s  ", terminal_begin(TERMINAL_ACCENT), m == 0 ? "keep" : "",
                 terminal_end(TERMINAL_ACCENT));
    table_print_path(p->path, TERMINAL_STRONG);
    (void)putchar('\n');
    print_facts(group, m);
    if (member->region_count > 0) {
        char *where = dedup_region_words(member);
        (void)printf("        differs: %s\n", where);
        free(where);
    }
    for (size_t i = 0; i < member->hold_count; i++) {
        char *words = dedup_hold_words(member->holds[i]), *shown = text_display(words);
        (void)printf("%s%s%s", i == 0 ? "        holds: " : ", ", shown,
                     i + 1 < member->hold_count ? "" : "\n");
        free(words);
        free(shown);
    }
    print_names(p);
}

static void print_leak_row(const char *label, const glimpse_dedup_leak *leak) {
    char *shown = text_display(label);
    (void)printf("  %-20s %9s %9s %7.2f%% %9s %9s %10s %9s %11s\n", shown,
                 text_count(leak->pictures), text_count(leak->leaked), 100 * leak->rate,
                 text_count(leak->exact), text_count(leak->reencoded), text_count(leak->holds_more),
                 text_count(leak->edited), text_count(leak->conflicting));
    free(shown);
}

static void print_leak(const glimpse_dedup_report *r) {
    (void)printf("\nLeakage: pictures that are also in the other set\n"
                 "  %-20s %9s %9s %8s %9s %9s %10s %9s %11s\n",
                 "class", "pictures", "leaked", "rate", "identical", "re-enc.", "holds-more",
                 "edited", "other class");
    for (size_t i = 0; i < r->leak_label_count; i++) {
        const char *label = r->leak_labels[i].label;
        print_leak_row(label && *label ? label : "(no folder)", &r->leak_labels[i]);
    }
    print_leak_row("all", &r->leak);
}

void dedup_print_table(const dedup_view *view) {
    const glimpse_dedup_report *r = view->report;
    uint64_t relations[GLIMPSE_RELATION_SIMILAR + 1] = {0};
    for (size_t g = 0; g < view->count; g++) {
        const glimpse_dedup_group *group = view->groups[g];
        (void)printf("%s%zu. %s, %s, %s%s%s\n", terminal_begin(TERMINAL_STRONG), g + 1,
                     glimpse_dedup_relation_name(group->relation),
                     glimpse_dedup_kind_name(group->kind),
                     text_counted(group->count, "file", "files"),
                     view->classes && group->labels_differ ? ", in different classes" : "",
                     terminal_end(TERMINAL_STRONG));
        for (size_t m = 0; m < group->count; m++) {
            print_member(group, m);
            unsigned relation = (unsigned)group->members[m].relation;
            if (m > 0 && relation <= GLIMPSE_RELATION_SIMILAR) relations[relation]++;
        }
        (void)putchar('\n');
    }
    size_t spare = dedup_spare_count(view);
    (void)printf("%s, %s beside the keepers in %s", text_counted(view->count, "group", "groups"),
                 text_counted(spare, "file", "files"),
                 text_counted(r->scanned, "picture", "pictures"));
    const char *between = ": ";
    for (unsigned i = 0; i <= GLIMPSE_RELATION_SIMILAR; i++) {
        if (relations[i] == 0) continue;
        (void)printf("%s%s %s", between, text_count(relations[i]),
                     glimpse_dedup_relation_name((glimpse_dedup_relation)i));
        between = ", ";
    }
    if (view->freed > 0) {
        (void)printf("; %s could be freed%s", text_bytes(view->freed),
                     view->acts ? "" : " (identical and re-encoded ones)");
    }
    (void)putchar('\n');
    if (r->other_names > 0) {
        (void)printf("%s (links, or folders seen twice) lead to these pictures\n",
                     text_counted(r->other_names, "more name", "more names"));
    }
    if (view->against) print_leak(r);
}

/*
 * JSON.
 */
static void json_picture(const glimpse_dedup_picture *p, json_out *j) {
    char modified[32];
    dedup_modified(p, modified);
    jout_key(j, "id"), jout_string(j, p->picture_id);
    jout_key(j, "width"), jout_uint(j, p->width);
    jout_key(j, "height"), jout_uint(j, p->height);
    jout_key(j, "bytes"), jout_uint(j, p->bytes);
    jout_text_or_null(j, "format", p->format);
    jout_key(j, "quality"), jout_int(j, p->quality);
    jout_text_or_null(j, "taken", p->taken);
    jout_text_or_null(j, "modified", modified);
    jout_path(j, "label", p->label);
    jout_key(j, "protected"), jout_bool(j, p->is_protected);
    jout_key(j, "links_elsewhere"), jout_uint(j, p->links_elsewhere);
    jout_key(j, "names");
    jout_open(j, '[');
    for (size_t i = 0; i < p->name_count; i++) {
        jout_open(j, '{');
        jout_path(j, "path", p->names[i].path);
        jout_key(j, "hard_link"), jout_bool(j, p->names[i].is_hard_link);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void json_holds(const glimpse_dedup_member *member, json_out *j) {
    jout_key(j, "holds");
    jout_open(j, '[');
    for (size_t i = 0; i < member->hold_count; i++)
        jout_string(j, member->holds[i]);
    jout_close(j, ']');
    jout_key(j, "regions");
    jout_open(j, '[');
    for (size_t i = 0; i < member->region_count; i++) {
        const glimpse_dedup_region *r = &member->regions[i];
        jout_open(j, '{');
        jout_key(j, "x"), jout_number(j, r->x);
        jout_key(j, "y"), jout_number(j, r->y);
        jout_key(j, "width"), jout_number(j, r->width);
        jout_key(j, "height"), jout_number(j, r->height);
        jout_key(j, "strength"), jout_number(j, r->strength);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void json_group(const glimpse_dedup_group *group, json_out *j) {
    jout_open(j, '{');
    jout_key(j, "kind"), jout_string(j, glimpse_dedup_kind_name(group->kind));
    jout_key(j, "relation"), jout_string(j, glimpse_dedup_relation_name(group->relation));
    jout_path(j, "keeper", group->members[0].picture->path);
    jout_path(j, "reason", group->reason);
    jout_key(j, "labels_differ"), jout_bool(j, group->labels_differ);
    jout_key(j, "members");
    jout_open(j, '[');
    for (size_t m = 0; m < group->count; m++) {
        const glimpse_dedup_member *member = &group->members[m];
        jout_open(j, '{');
        jout_path(j, "path", member->picture->path);
        jout_key(j, "relation"), jout_string(j, glimpse_dedup_relation_name(member->relation));
        jout_key(j, "score"), jout_number(j, member->score);
        jout_key(j, "kind"), jout_string(j, glimpse_dedup_kind_name(member->kind));
        jout_key(j, "keeper"), jout_bool(j, m == 0);
        jout_key(j, "distance");
        if (member->distance < 0) {
            jout_null(j);
        } else {
            jout_int(j, member->distance);
        }
        jout_key(j, "turn"), jout_int(j, member->orientation);
        jout_path(j, "differences", member->differences);
        json_holds(member, j);
        json_picture(member->picture, j);
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_close(j, '}');
}

static void json_leak(const glimpse_dedup_leak *leak, json_out *j) {
    jout_open(j, '{');
    if (leak->label) jout_path(j, "label", leak->label);
    jout_key(j, "pictures"), jout_uint(j, leak->pictures);
    jout_key(j, "leaked"), jout_uint(j, leak->leaked);
    jout_key(j, "rate"), jout_number(j, leak->rate);
    jout_key(j, "identical"), jout_uint(j, leak->exact);
    jout_key(j, "re-encoded"), jout_uint(j, leak->reencoded);
    jout_key(j, "holds-more"), jout_uint(j, leak->holds_more);
    jout_key(j, "edited"), jout_uint(j, leak->edited);
    jout_key(j, "near-shot"), jout_uint(j, leak->near_shot);
    jout_key(j, "variant"), jout_uint(j, leak->variant);
    jout_key(j, "similar"), jout_uint(j, leak->similar);
    jout_key(j, "conflicting"), jout_uint(j, leak->conflicting);
    jout_close(j, '}');
}

void dedup_json_failures(const glimpse_dedup_report *r, json_out *j) {
    jout_key(j, "failed");
    jout_open(j, '[');
    for (size_t i = 0; i < r->failed_count; i++) {
        jout_open(j, '{');
        jout_path(j, "path", r->failed[i].path);
        jout_path(j, "reason", r->failed[i].reason);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

void dedup_print_json(const dedup_view *view, json_out *j) {
    const glimpse_dedup_report *r = view->report;
    jout_open(j, '{');
    jout_key(j, "groups");
    jout_open(j, '[');
    for (size_t g = 0; g < view->count; g++)
        json_group(view->groups[g], j);
    jout_close(j, ']');
    jout_key(j, "scanned"), jout_uint(j, r->scanned);
    jout_key(j, "other_names"), jout_uint(j, r->other_names);
    dedup_json_failures(r, j);
    jout_key(j, "decided"), jout_uint(j, r->decided);
    jout_key(j, "conflicts"), jout_uint(j, r->conflicts);
    if (view->against) {
        jout_key(j, "leak");
        json_leak(&r->leak, j);
        jout_key(j, "leak_by_label");
        jout_open(j, '[');
        for (size_t i = 0; i < r->leak_label_count; i++)
            json_leak(&r->leak_labels[i], j);
        jout_close(j, ']');
    }
    if (r->min_similarity > 0) jout_key(j, "min_similarity"), jout_number(j, r->min_similarity);
    jout_key(j, "cached"), jout_uint(j, r->cached);
    jout_key(j, "seconds"), jout_number(j, r->seconds);
}

/*
 * CSV and files.
 */
void dedup_outcomes_free(dedup_outcomes *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++) {
        free(outcomes->items[i].path);
        free(outcomes->items[i].other);
        free(outcomes->items[i].keeper);
        free(outcomes->items[i].companion_of);
    }
    free(outcomes->items);
    memset(outcomes, 0, sizeof *outcomes);
}

/* By the picture they belong to; that itself first. */
static const char *picture_of(const dedup_outcome *o) {
    return o->companion_of ? o->companion_of : o->path;
}

static int compare_outcomes(const void *a, const void *b) {
    const dedup_outcome *x = a, *y = b;
    int order = strcmp(picture_of(x), picture_of(y));
    if (order) return order;
    if (!x->companion_of != !y->companion_of) return x->companion_of ? 1 : -1;
    return strcmp(x->path, y->path);
}

/* The first that belongs to `path`, and how many. */
static size_t find_outcomes(const dedup_outcomes *outcomes, const char *path, size_t *count) {
    size_t low = 0, high = outcomes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(picture_of(&outcomes->items[middle]), path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *count = 0;
    while (low + *count < outcomes->count &&
           strcmp(picture_of(&outcomes->items[low + *count]), path) == 0)
        (*count)++;
    return low;
}

/* action, keeper, destination, outcome; empty for what no action is about. */
static void write_outcome(FILE *to, const dedup_outcomes *outcomes, const dedup_outcome *o) {
    (void)fprintf(to, ",%s,", o ? outcomes->action : "");
    glimpse_csv_field(to, o ? o->keeper : "");
    (void)fputc(',', to);
    glimpse_csv_field(to, o ? o->other : "");
    (void)fprintf(to, ",%s\r\n", o ? o->outcome : "");
}

/* holds, regions, protected, set. */
static void write_member(FILE *to, const dedup_view *view, const glimpse_dedup_member *member) {
    char *holds = xstrdup("");
    for (size_t i = 0; i < member->hold_count; i++) {
        char *longer = xprintf("%s%s%s", holds, i > 0 ? " " : "", member->holds[i]);
        free(holds);
        holds = longer;
    }
    (void)fputc(',', to);
    glimpse_csv_field(to, holds);
    free(holds);
    (void)fprintf(to, ",%zu,%s,%s", member->region_count,
                  member->picture->is_protected ? "yes" : "no",
                  !view->against              ? ""
                  : member->picture->set == 0 ? "searched"
                                              : "against");
}

/* A number, "lossless", or nothing where it is not known. */
static void write_quality(FILE *to, int quality) {
    enum { LOSSLESS = 101 };
    if (quality >= LOSSLESS) {
        (void)fputs("lossless", to);
    } else if (quality > 0) {
        (void)fprintf(to, "%d", quality);
    }
}

/* Files that are acted on with a member: rows of their own, with little in them. */
static void write_more(FILE *to, const dedup_outcomes *outcomes, size_t group, const char *path,
                       const char *role) {
    size_t count, at = find_outcomes(outcomes, path, &count);
    for (size_t i = 0; i < count; i++) {
        const dedup_outcome *o = &outcomes->items[at + i];
        const int is_itself = !o->companion_of;
        if (is_itself && !role) continue;
        (void)fprintf(to, "%zu,,,%s,", group, is_itself ? role : "companion");
        glimpse_csv_field(to, o->path);
        (void)fputs(",,,,,,,,,,,,,,,,,,,", to);
        write_outcome(to, outcomes, o);
    }
}

static void write_row(FILE *to, const dedup_view *view, const dedup_outcomes *outcomes, size_t g,
                      size_t m) {
    const glimpse_dedup_group *group = view->groups[g];
    const glimpse_dedup_member *member = &group->members[m];
    const glimpse_dedup_picture *p = member->picture;
    char modified[32];
    size_t count, at = find_outcomes(outcomes, p->path, &count);
    const dedup_outcome *own =
        count > 0 && !outcomes->items[at].companion_of ? &outcomes->items[at] : NULL;
    dedup_modified(p, modified);
    (void)fprintf(to, "%zu,%s,%s,%s,", g + 1, glimpse_dedup_kind_name(group->kind),
                  glimpse_dedup_relation_name(group->relation), m == 0 ? "keeper" : "member");
    glimpse_csv_field(to, p->path);
    (void)fprintf(to, ",%s,%.6f,%u,%u,%llu,%s,", glimpse_dedup_relation_name(member->relation),
                  member->score, (unsigned)p->width, (unsigned)p->height,
                  (unsigned long long)p->bytes, p->format);
    write_quality(to, p->quality);
    (void)fprintf(to, ",%s,%s,", p->taken, modified);
    glimpse_csv_field(to, p->label);
    (void)fprintf(to, ",%d,%d,", member->distance, member->orientation);
    glimpse_csv_field(to, member->differences);
    (void)fputc(',', to);
    glimpse_csv_field(to, m == 0 ? group->reason : "");
    (void)fprintf(to, ",%s", p->picture_id);
    write_member(to, view, member);
    write_outcome(to, outcomes, m > 0 ? own : NULL);
    if (m == 0) return;
    write_more(to, outcomes, g + 1, p->path, NULL);
    for (size_t i = 0; i < p->name_count; i++) {
        if (p->names[i].is_hard_link)
            write_more(to, outcomes, g + 1, p->names[i].path, "hard-link");
    }
}

int dedup_write_csv(const dedup_view *view, dedup_outcomes *outcomes, const char *name) {
    report_file file;
    if (report_file_open_text(&file, name) < 0) return -1;
    (void)fputs("group,kind,relation,role,path,member_relation,score,width,height,bytes,format,"
                "quality,taken,modified,label,distance,turn,differences,reason,id,holds,regions,"
                "protected,set,action,keeper,destination,outcome\r\n",
                file.to);
    if (outcomes->count > 1)
        qsort(outcomes->items, outcomes->count, sizeof *outcomes->items, compare_outcomes);
    for (size_t g = 0; g < view->count; g++) {
        for (size_t m = 0; m < view->groups[g]->count; m++)
            write_row(file.to, view, outcomes, g, m);
    }
    return report_file_close(&file);
}
