/*
 * index/dedup/dedup_plan.c - the plan of an action on duplicates: which files an action is about,
 * and where moved ones may not go.
 */
#include <glimpse/dedup_plan.h>

#include "core/error.h"
#include "core/options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const unsigned DEFAULT_RELATIONS =
    1U << GLIMPSE_RELATION_IDENTICAL | 1U << GLIMPSE_RELATION_REENCODED;

typedef struct plan {
    glimpse_dedup_plan given; /* first: it is what the caller holds */
    glimpse_action_item *items;
    char **roots; /* [root_count], absolute; each root with its links followed and as it was said */
    size_t root_count;
    char *target;
} plan;

/* malloc'ed "BEFORE/NAME"; NULL when out of memory. */
static char *join(const char *before, const char *name) {
    size_t length = strlen(before) + strlen(name) + 2;
    char *joined = malloc(length);
    if (!joined) return NULL;
    char *end = stpcpy(joined, before);
    *end++ = '/';
    (void)stpcpy(end, name);
    return joined;
}

/* Absolute and without links as far as it exists; malloc'ed, NULL when out of memory. */
static char *resolve(const char *path) {
    char *full = realpath(path, NULL);
    if (full) return full;
    char *copy = strdup(path), *resolved = NULL, *above = NULL, here[PATH_MAX];
    if (!copy) return NULL;
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    char *slash = strrchr(copy, '/');
    if (!slash) {
        resolved = join(getcwd(here, sizeof here) ? here : "", copy);
    } else {
        char *name = strdup(slash + 1);
        slash[slash == copy] = '\0';
        above = strcmp(copy, "/") == 0 ? strdup("") : resolve(copy);
        if (above && name) resolved = join(above, name);
        free(name);
    }
    free(above);
    free(copy);
    return resolved;
}

static int is_below(const char *path, const char *directory) {
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 &&
           (path[length] == '/' || path[length] == '\0' || strcmp(directory, "/") == 0);
}

int glimpse_dedup_check_target(const char *target, const char *const *roots, size_t root_count) {
    if (!target || !*target) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no directory to move files to");
    }
    if (root_count > 0 && !roots) return glimpse_fail_null(__func__);
    char *resolved = resolve(target);
    if (!resolved) return glimpse_fail_nomem(strlen(target), "a path");
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < root_count && status == GLIMPSE_OK; i++) {
        char *root = realpath(roots[i], NULL);
        if (root && is_below(resolved, root)) {
            status = glimpse_fail(GLIMPSE_E_INVALID,
                                  "%s is inside %s: the next run would find the files again; move "
                                  "them out of the folders that are searched",
                                  target, roots[i]);
        }
        free(root);
    }
    free(resolved);
    return status;
}

unsigned glimpse_dedup_weakest(unsigned relations) {
    unsigned weakest = 0;
    for (unsigned bits = relations ? relations : DEFAULT_RELATIONS; bits; bits >>= 1)
        weakest++;
    return weakest;
}

/* Roots in the forms that a file's path below them may have. */
static int keep_roots(plan *p, const char *const *roots, size_t count) {
    char here[PATH_MAX];
    p->roots = calloc(2 * count + 1, sizeof *p->roots);
    if (!p->roots) return glimpse_fail_nomem(count * sizeof *p->roots, "roots");
    for (size_t i = 0; i < count; i++) {
        char *real = realpath(roots[i], NULL), *said = NULL;
        if (real) p->roots[p->root_count++] = real;
        if (roots[i][0] == '/') {
            said = strdup(roots[i]);
        } else if (getcwd(here, sizeof here)) {
            said = join(here, roots[i]);
        } else {
            continue;
        }
        if (!said) return glimpse_fail_nomem(strlen(roots[i]), "a root");
        p->roots[p->root_count++] = said;
    }
    return GLIMPSE_OK;
}

/* The root that the file lies below, the deepest of several; NULL: none. */
static const char *root_of(const plan *p, const char *path) {
    const char *best = NULL;
    for (size_t i = 0; i < p->root_count; i++) {
        if (!is_below(path, p->roots[i])) continue;
        if (!best || strlen(p->roots[i]) > strlen(best)) best = p->roots[i];
    }
    return best;
}

/* What would be lost with a member, and may not be. */
static uint32_t losses(const glimpse_dedup_member *member, uint32_t allowed) {
    const uint32_t of_the_shot = UINT32_C(1) << GLIMPSE_HOLDING_DATE |
                                 UINT32_C(1) << GLIMPSE_HOLDING_PLACE |
                                 UINT32_C(1) << GLIMPSE_HOLDING_CAMERA;
    if (member->relation >= GLIMPSE_RELATION_NEAR_SHOT) allowed |= of_the_shot;
    return member->lacking_in_keeper & ~allowed;
}

static void gather(plan *p, const glimpse_dedup_report *report, unsigned relations,
                   int conflicts_only, uint32_t allowed) {
    for (size_t g = 0; g < report->group_count; g++) {
        const glimpse_dedup_group *group = &report->groups[g];
        const glimpse_dedup_picture *keeper = group->members[0].picture;
        if (conflicts_only && !group->labels_differ) continue;
        for (size_t m = 1; m < group->count; m++) {
            const glimpse_dedup_member *member = &group->members[m];
            if (!(relations >> (unsigned)member->relation & 1)) {
                p->given.not_included++;
                continue;
            }
            const uint32_t lost = losses(member, allowed);
            if (lost) {
                p->given.held_back++;
                p->given.held_kinds |= lost;
                continue;
            }
            glimpse_action_item *item = &p->items[p->given.count++];
            item->path = member->picture->path;
            item->id = member->picture->id;
            item->keeper = keeper->path;
            item->keeper_id = keeper->id;
            item->relative_to = root_of(p, item->path);
        }
    }
}

int glimpse_dedup_plan_create(glimpse_dedup_plan **out, const glimpse_dedup_report *report,
                              const glimpse_dedup_plan_options *options) {
    glimpse_dedup_plan_options own = GLIMPSE_DEDUP_PLAN_OPTIONS_INIT;
    if (out) *out = NULL;
    if (!out || !report) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_dedup_plan_create: a NULL argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_dedup_plan_options, conflicts_only);
    if (status == GLIMPSE_OK && own.target) {
        status = glimpse_dedup_check_target(own.target, own.roots, own.root_count);
    }
    if (status < 0) return status;
    size_t members = 0;
    for (size_t g = 0; g < report->group_count; g++)
        members += report->groups[g].count;
    plan *p = calloc(1, sizeof *p);
    if (!p) return glimpse_fail_nomem(sizeof *p, "a plan");
    p->items = calloc(members + 1, sizeof *p->items);
    if (!p->items) status = glimpse_fail_nomem(members * sizeof *p->items, "a plan");
    if (status == GLIMPSE_OK) status = keep_roots(p, own.roots, own.root_count);
    if (status == GLIMPSE_OK && own.target && !(p->target = resolve(own.target))) {
        status = glimpse_fail_nomem(strlen(own.target), "a path");
    }
    if (status < 0) {
        glimpse_dedup_plan_free(&p->given);
        return status;
    }
    gather(p, report, own.relations ? own.relations : DEFAULT_RELATIONS, own.conflicts_only,
           own.allow_loss);
    p->given.items = p->items;
    p->given.target = p->target;
    *out = &p->given;
    return GLIMPSE_OK;
}

void glimpse_dedup_plan_free(glimpse_dedup_plan *given) {
    plan *p = (plan *)given;
    if (!p) return;
    for (size_t i = 0; i < p->root_count; i++)
        free(p->roots[i]);
    free(p->roots);
    free(p->items);
    free(p->target);
    free(p);
}
