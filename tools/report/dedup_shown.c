/*
 * dedup_shown.c - chooses the members of a group that are shown, and lists the rest.
 */
#include "dedup_shown.h"

#include "text.h"

#include <string.h>

static int has_equal_bytes(const glimpse_dedup_member *a, const glimpse_dedup_member *b) {
    return *a->picture->id && strcmp(a->picture->id, b->picture->id) == 0;
}

static int is_worth_showing(const glimpse_dedup_group *group, const dedup_shown *shown, size_t m) {
    const glimpse_dedup_member *member = &group->members[m];
    size_t equal = 0, identical = 0;
    for (size_t i = 0; i < shown->count; i++) {
        const glimpse_dedup_member *other = &group->members[shown->members[i]];
        equal += (size_t)has_equal_bytes(member, other);
        identical += other->relation == GLIMPSE_RELATION_IDENTICAL;
    }
    if (equal >= DEDUP_SHOWN_EQUAL) return 0;
    return member->relation != GLIMPSE_RELATION_IDENTICAL || identical < DEDUP_SHOWN_EQUAL;
}

dedup_shown dedup_shown_of(const glimpse_dedup_group *group) {
    dedup_shown shown = {{0}, 0};
    for (size_t m = 0; m < group->count && shown.count < DEDUP_SHOWN; m++) {
        if (m == 0 || is_worth_showing(group, &shown, m)) shown.members[shown.count++] = m;
    }
    return shown;
}

static void write_path(FILE *to, const char *path) {
    (void)fputs("<div class=\"more\"><a href=\"", to);
    page_file_link(to, path);
    (void)fputs("\">", to);
    page_text(to, path);
    (void)fputs("</a></div>", to);
}

/* The first shown member with the same bytes; `count` where there is none. */
static size_t shown_like(const glimpse_dedup_group *group, const dedup_shown *shown, size_t m) {
    size_t i = 0;
    while (i < shown->count &&
           !has_equal_bytes(&group->members[m], &group->members[shown->members[i]]))
        i++;
    return i;
}

/* Without those that are shown, `next` being the first that may be. */
static int is_shown(const dedup_shown *shown, size_t *next, size_t m) {
    if (*next >= shown->count || shown->members[*next] != m) return 0;
    (*next)++;
    return 1;
}

static void write_equal(FILE *to, const glimpse_dedup_group *group, const dedup_shown *shown,
                        size_t like) {
    const char *path = group->members[shown->members[like]].picture->path;
    const char *slash = strrchr(path, '/');
    size_t count = 0;
    for (int writes = 0; writes < 2; writes++) {
        size_t next = 0;
        if (writes && count == 0) return;
        if (writes) {
            (void)fprintf(to, "<details class=\"rest\"%s><summary>%s of the bytes of ",
                          count > DEDUP_SHOWN ? "" : " open",
                          text_counted(count, "more file", "more files"));
            page_text(to, slash ? slash + 1 : path);
            (void)fputs("</summary>", to);
        }
        for (size_t m = 0; m < group->count; m++) {
            if (is_shown(shown, &next, m) || shown_like(group, shown, m) != like) continue;
            if (writes) write_path(to, group->members[m].picture->path);
            count++;
        }
    }
    (void)fputs("</details>\n", to);
}

int dedup_shown_before(const glimpse_dedup_group *group, const dedup_shown *shown, size_t i) {
    return shown_like(group, shown, shown->members[i]) < i;
}

void dedup_write_rest(FILE *to, const glimpse_dedup_group *group, const dedup_shown *shown) {
    size_t next = 0;
    if (shown->count == group->count) return;
    for (size_t like = 0; like < shown->count; like++) {
        if (shown_like(group, shown, shown->members[like]) == like)
            write_equal(to, group, shown, like);
    }
    for (size_t m = 0; m < group->count; m++) {
        const glimpse_dedup_member *member = &group->members[m];
        if (is_shown(shown, &next, m) || shown_like(group, shown, m) < shown->count) continue;
        (void)fprintf(to, "<div class=\"rest\">%s:", glimpse_dedup_relation_name(member->relation));
        write_path(to, member->picture->path);
        (void)fputs("</div>", to);
    }
}
