/*
 * bench_dedup_quality.c - recall per transform and precision, on files whose truth is known.
 */
#include "bench.h"
#include "bench_dedup.h"

#include <glimpse/dedup.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

truth_file *truth_add(truth *t, const char *path, const char *original, const char *transform) {
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 256;
        t->files = realloc(t->files, t->capacity * sizeof *t->files);
        if (!t->files) exit(1);
    }
    truth_file *f = &t->files[t->count++];
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    (void)snprintf(f->original, sizeof f->original, "%s", original);
    (void)snprintf(f->transform, sizeof f->transform, "%s", transform);
    return f;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(((const truth_file *)a)->path, ((const truth_file *)b)->path);
}

static const truth_file *look_up(const truth *t, const char *path) {
    truth_file key;
    (void)snprintf(key.path, sizeof key.path, "%s", path);
    return bsearch(&key, t->files, t->count, sizeof *t->files, compare_paths);
}

typedef struct row {
    const char *transform;
    size_t files, found, exact, reencoded, edited;
} row;

static row *row_of(row *rows, size_t *count, const char *transform) {
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(rows[i].transform, transform) == 0) return &rows[i];
    }
    rows[*count] = (row){.transform = transform};
    return &rows[(*count)++];
}

static int compare_rows(const void *a, const void *b) {
    return strcmp(((const row *)a)->transform, ((const row *)b)->transform);
}

/* The group of each file of the truth, as the same picture; -1: none. */
static void number_groups(const truth *t, const glimpse_dedup_report *report, long *group,
                          const glimpse_dedup_member **as) {
    for (size_t i = 0; i < t->count; i++)
        group[i] = -1;
    for (size_t g = 0; g < report->group_count; g++) {
        const glimpse_dedup_group *from = &report->groups[g];
        for (size_t m = 0; m < from->count; m++) {
            const truth_file *f = look_up(t, from->members[m].picture->path);
            if (!f || from->members[m].relation > GLIMPSE_RELATION_EDITED) continue;
            if (from->relation > GLIMPSE_RELATION_EDITED) continue;
            group[f - t->files] = (long)g;
            as[f - t->files] = &from->members[m];
        }
    }
}

/* "p7 shot 20" is a shot of p7: another picture, and near it. */
static int is_same(const char *a, const char *b, int strong) {
    if (strong) return strcmp(a, b) == 0;
    size_t length = strcspn(a, " ");
    return strcspn(b, " ") == length && strncmp(a, b, length) == 0;
}

static void print_wrong(const truth *t, const glimpse_dedup_report *report) {
    size_t pairs = 0, wrong = 0, weak = 0, weak_wrong = 0;
    for (size_t g = 0; g < report->group_count; g++) {
        const glimpse_dedup_group *group = &report->groups[g];
        const truth_file *keeper = look_up(t, group->members[0].picture->path);
        for (size_t m = 1; m < group->count; m++) {
            const truth_file *f = look_up(t, group->members[m].picture->path);
            int strong = group->members[m].relation <= GLIMPSE_RELATION_EDITED;
            int same = keeper && f && is_same(keeper->original, f->original, strong);
            pairs += strong ? 1 : 0;
            weak += strong ? 0 : 1;
            wrong += strong && !same ? 1 : 0;
            weak_wrong += strong || same ? 0 : 1;
            if (!same) {
                printf("  wrong (%s, %.3f): %s\n                        %s\n",
                       glimpse_dedup_relation_name(group->members[m].relation),
                       group->members[m].score, group->members[0].picture->path,
                       group->members[m].picture->path);
            }
        }
    }
    printf("precision of the same picture: %zu of %zu pairs right = %.4f; weaker relations: %zu of "
           "%zu right\n",
           pairs - wrong, pairs, pairs ? (double)(pairs - wrong) / (double)pairs : 1.0,
           weak - weak_wrong, weak);
}

static int judge(const truth *t, const char *const *roots, size_t root_count, int rotations) {
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    options.roots = roots;
    options.root_count = root_count;
    options.rotations = rotations;
    const char *radius = getenv("BENCH_DEDUP_RADIUS");
    if (radius) options.radius = (unsigned)strtoul(radius, NULL, 10);
    if (glimpse_dedup_run(&report, &options) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        return 1;
    }
    row *rows = calloc(t->count + 1, sizeof *rows);
    long *group = malloc((t->count + 1) * sizeof *group);
    const glimpse_dedup_member **as = calloc(t->count + 1, sizeof *as);
    size_t count = 0, found = 0, all = 0;
    if (!rows || !group || !as) return 1;
    number_groups(t, report, group, as);
    for (size_t i = 0; i < t->count; i++) {
        const truth_file *f = &t->files[i];
        long original = -1;
        if (strcmp(f->transform, "original") == 0 || f->transform[0] == '\0') continue;
        for (size_t k = 0; k < t->count && original < 0; k++) {
            if (strcmp(t->files[k].transform, "original") == 0 &&
                strcmp(t->files[k].original, f->original) == 0)
                original = group[k];
        }
        row *r = row_of(rows, &count, f->transform);
        r->files++;
        all++;
        if (original < 0 || group[i] != original) continue;
        r->found++;
        found++;
        r->exact += (size_t)(as[i]->relation == GLIMPSE_RELATION_IDENTICAL);
        r->reencoded += (size_t)(as[i]->relation == GLIMPSE_RELATION_REENCODED);
        r->edited += (size_t)(as[i]->relation == GLIMPSE_RELATION_EDITED);
    }
    qsort(rows, count, sizeof *rows, compare_rows);
    printf("\n%s: %llu files, %zu failed, %zu groups; %llu candidates, %llu verified; %.1f s "
           "reading, %.2f s matching\n",
           rotations ? "with --rotations" : "without --rotations",
           (unsigned long long)report->scanned, report->failed_count, report->group_count,
           (unsigned long long)report->candidates, (unsigned long long)report->verified,
           report->seconds_read, report->seconds_match);
    printf("%-28s %5s %5s %7s   %9s %10s %6s\n", "transform", "files", "found", "recall",
           "identical", "re-encoded", "edited");
    for (size_t i = 0; i < count; i++) {
        printf("%-28s %5zu %5zu %7.3f   %9zu %10zu %6zu\n", rows[i].transform, rows[i].files,
               rows[i].found, (double)rows[i].found / (double)rows[i].files, rows[i].exact,
               rows[i].reencoded, rows[i].edited);
    }
    printf("%-28s %5zu %5zu %7.3f\n", "all", all, found, all ? (double)found / (double)all : 0);
    print_wrong(t, report);
    if (getenv("BENCH_DEDUP_MISSED")) {
        for (size_t i = 0; i < t->count; i++) {
            if (group[i] < 0 && t->files[i].transform[0] &&
                strcmp(t->files[i].transform, "original") != 0)
                printf("  missed: %s %s\n", t->files[i].transform, t->files[i].path);
        }
    }
    free(as);
    free(group);
    free(rows);
    glimpse_dedup_report_free(report);
    return 0;
}

int truth_judge(truth *t, const char *const *roots, size_t root_count) {
    qsort(t->files, t->count, sizeof *t->files, compare_paths);
    int failed = judge(t, roots, root_count, 0);
    return failed ? failed : judge(t, roots, root_count, 1);
}

/* One field of a CSV line, quotes taken off; *at moves behind it. */
static char *field(char **at) {
    char *start = *at, *to = start, *p = start;
    int quoted = *p == '"';
    if (quoted) p++;
    while (*p && *p != '\n' && *p != '\r' && (quoted || *p != ',')) {
        if (quoted && *p == '"') {
            if (p[1] != '"') {
                quoted = 0;
                p++;
                continue;
            }
            p++;
        }
        *to++ = *p++;
    }
    *at = *p == ',' ? p + 1 : p;
    *to = '\0';
    return start;
}

static char *real_of(const char *directory, const char *name, char *out) {
    char path[2 * PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return realpath(path, out);
}

int bench_dedup_quality(const char *images) {
    char dedup[PATH_MAX], photos[PATH_MAX], csv[PATH_MAX + 16], path[PATH_MAX], line[4096];
    truth t = {0};
    if (!real_of(images, "dups", dedup) || !real_of(images, "photos", photos)) {
        (void)fprintf(stderr, "%s: there is no dups or photos in it\n", images);
        return 1;
    }
    (void)snprintf(csv, sizeof csv, "%s/dups.csv", dedup);
    FILE *file = fopen(csv, "r");
    if (!file || !fgets(line, sizeof line, file)) {
        (void)fprintf(stderr, "%s cannot be read\n", csv);
        return 1;
    }
    while (fgets(line, sizeof line, file)) {
        char *at = line, *group = field(&at), *name = field(&at), *transform = field(&at), *source;
        for (int i = 0; i < 4; i++)
            (void)field(&at);
        source = field(&at);
        if (!real_of(dedup, name, path)) continue;
        (void)truth_add(&t, path, group, transform);
        /* The original is also among the photos. */
        if (strcmp(transform, "original") == 0 && strncmp(source, "photos/", 7) == 0 &&
            real_of(photos, source + 7, path))
            (void)truth_add(&t, path, group, "exact_copy_in_photos");
    }
    (void)fclose(file);
    const char *roots[] = {dedup, photos};
    printf("files of %s\n", csv);
    int failed = truth_judge(&t, roots, 2);
    free(t.files);
    return failed;
}
