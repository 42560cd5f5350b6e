/*
 * index/dedup/dedup_plan.c - the plan of an action on duplicates: which files an action is about,
 * and where moved ones may not go.
 */
#include <glimpse/dedup_plan.h>

#include "companions.h"
#include "core/error.h"
#include "core/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned DEFAULT_RELATIONS =
    1U << GLIMPSE_RELATION_IDENTICAL | 1U << GLIMPSE_RELATION_REENCODED;

typedef struct plan_root {
    char *path; /* absolute, without links */
    char *name; /* below the target */
} plan_root;

typedef struct plan {
    glimpse_dedup_plan given; /* first: it is what the caller holds */
    glimpse_action_item *items;
    glimpse_dedup_left *left;
    plan_root *roots; /* [root_count] */
    size_t root_count;
    char **resolved; /* [resolved_count] what keepers that are links lead to */
    size_t resolved_count;
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

/* What an item's files go below: the last part of the root's name, which is another one when two
 * roots share it; "" for the root directory and for a root that is a file. */
static char *name_of_root(const plan *p, const char *real) {
    struct stat info;
    const char *name = strrchr(real, '/') + 1;
    if (stat(real, &info) == 0 && !S_ISDIR(info.st_mode)) name = "";
    const size_t size = strlen(name) + 24;
    char *chosen = malloc(size);
    for (unsigned i = 1; chosen && i > 0; i++) {
        (void)snprintf(chosen, size, i == 1 ? "%s" : "%s (%u)", name, i);
        size_t k = 0;
        while (k < p->root_count && strcmp(p->roots[k].name, chosen) != 0)
            k++;
        if (k == p->root_count || !*name) break;
    }
    return chosen;
}

static int is_known(const plan *p, const char *real) {
    for (size_t i = 0; i < p->root_count; i++) {
        if (strcmp(p->roots[i].path, real) == 0) return 1;
    }
    return 0;
}

/* Roots without links, as files are called; those that do not exist are passed over. */
static int keep_roots(plan *p, const char *const *roots, size_t count) {
    p->roots = calloc(count + 1, sizeof *p->roots);
    if (!p->roots) return glimpse_fail_nomem(count * sizeof *p->roots, "roots");
    for (size_t i = 0; i < count; i++) {
        char *real = realpath(roots[i], NULL);
        if (!real || is_known(p, real)) {
            free(real);
            continue;
        }
        char *name = name_of_root(p, real);
        if (!name) {
            free(real);
            return glimpse_fail_nomem(strlen(roots[i]), "a root");
        }
        p->roots[p->root_count++] = (plan_root){real, name};
    }
    return GLIMPSE_OK;
}

/* The root that the file lies below, the outermost of several; NULL: none. */
static const plan_root *root_of(const plan *p, const char *path) {
    const plan_root *best = NULL;
    for (size_t i = 0; i < p->root_count; i++) {
        if (!is_below(path, p->roots[i].path)) continue;
        if (!best || strlen(p->roots[i].path) < strlen(best->path)) best = &p->roots[i];
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

/* A symbolic link among the names of a file. */
static const char *link_to(const glimpse_dedup_picture *picture) {
    for (size_t i = 0; i < picture->name_count; i++) {
        if (picture->names[i].is_symbolic_link) return picture->names[i].path;
    }
    return NULL;
}

/* What a keeper is called by who must not follow links: itself, or what it leads to. */
static const char *keeper_path(plan *p, const glimpse_dedup_picture *keeper) {
    if (!keeper->is_link) return keeper->path;
    char *real = realpath(keeper->path, NULL);
    char **resolved =
        real ? realloc(p->resolved, (p->resolved_count + 1) * sizeof *resolved) : NULL;
    if (!resolved) {
        free(real);
        return keeper->path; /* the action finds out that it cannot be read */
    }
    p->resolved = resolved;
    p->resolved[p->resolved_count++] = real;
    return real;
}

static void add_item(plan *p, const char *path, const glimpse_dedup_member *member,
                     const glimpse_dedup_picture *keeper, const char *keeper_at, int shares) {
    const plan_root *root = root_of(p, path);
    p->items[p->given.count++] = (glimpse_action_item){
        .path = path,
        .id = member->picture->id,
        .keeper = keeper_at,
        .keeper_id = keeper->id,
        .relative_to = root ? root->path : NULL,
        .under = root && *root->name ? root->name : NULL,
        .relation = glimpse_dedup_relation_name(member->relation),
        .link = link_to(member->picture),
        .shares = shares,
    };
}

/* 1 when a member that `lost` would go with is not acted on; counted and listed. */
static int is_left_alone(plan *p, const glimpse_dedup_member *member,
                         const glimpse_dedup_picture *keeper, uint32_t lost) {
    const glimpse_dedup_picture *picture = member->picture;
    glimpse_dedup_left left = {.path = picture->path, .keeper = keeper->path};
    if (picture->is_protected) {
        left.reason = GLIMPSE_LEFT_PROTECTED;
        p->given.references++;
    } else if (picture->is_link || member->same_file) {
        left.reason = GLIMPSE_LEFT_LINK;
        p->given.links++;
    } else if (glimpse_action_is_pair(picture->path, keeper->path) ||
               (glimpse_action_is_raw(picture->path) && strcmp(picture->id, keeper->id) != 0)) {
        left.reason = GLIMPSE_LEFT_PAIR;
        p->given.pairs++;
    } else if (lost) {
        left.reason = GLIMPSE_LEFT_HELD_BACK;
        left.kinds = lost;
        p->given.held_back++;
        p->given.held_kinds |= lost;
    } else {
        return 0;
    }
    left.bytes = picture->bytes;
    p->left[p->given.left_count++] = left;
    return 1;
}

static void count_not_included(plan *p, unsigned relation, uint64_t count) {
    p->given.not_included += (size_t)count;
    p->given.not_included_of[relation] += count;
}

static void gather(plan *p, const glimpse_dedup_report *report, unsigned relations,
                   int conflicts_only, uint32_t allowed) {
    for (size_t g = 0; g < report->group_count; g++) {
        const glimpse_dedup_group *group = &report->groups[g];
        const glimpse_dedup_picture *keeper = group->members[0].picture;
        if (conflicts_only && !group->labels_differ) continue;
        const char *keeper_at = keeper_path(p, keeper);
        for (size_t m = 1; m < group->count; m++) {
            const glimpse_dedup_member *member = &group->members[m];
            const glimpse_dedup_picture *picture = member->picture;
            if (!(relations >> (unsigned)member->relation & 1)) {
                count_not_included(p, (unsigned)member->relation, 1);
                continue;
            }
            if (is_left_alone(p, member, keeper, losses(member, allowed))) continue;
            /* Only when all names go, the file does. */
            add_item(p, picture->path, member, keeper, keeper_at, picture->links_elsewhere > 0);
            for (size_t i = 0; i < picture->name_count; i++) {
                if (picture->names[i].is_hard_link)
                    add_item(p, picture->names[i].path, member, keeper, keeper_at, 1);
            }
            p->given.elsewhere += picture->links_elsewhere > 0;
            if (picture->links_elsewhere == 0) p->given.bytes += picture->bytes;
        }
    }
    for (unsigned r = 0; r <= GLIMPSE_RELATION_SIMILAR && !conflicts_only; r++)
        count_not_included(p, r, report->left_out[r]);
}

const char *glimpse_dedup_left_name(glimpse_dedup_left_reason reason) {
    switch (reason) {
    case GLIMPSE_LEFT_HELD_BACK: return "held-back";
    case GLIMPSE_LEFT_PROTECTED: return "protected";
    case GLIMPSE_LEFT_LINK: return "link";
    case GLIMPSE_LEFT_PAIR: return "pair";
    }
    return "unknown";
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
    if (own.relations >> GLIMPSE_RELATION_VARIANT) {
        return glimpse_fail(
            GLIMPSE_E_INVALID,
            "variants and pictures that are only similar are different pictures, and "
            "are never acted on: take them out of %s",
            glimpse_wording("options.relations", NULL));
    }
    size_t members = 0;
    for (size_t g = 0; g < report->group_count; g++) {
        for (size_t m = 0; m < report->groups[g].count; m++)
            members += 1 + report->groups[g].members[m].picture->name_count;
    }
    plan *p = calloc(1, sizeof *p);
    if (!p) return glimpse_fail_nomem(sizeof *p, "a plan");
    p->items = calloc(members + 1, sizeof *p->items);
    p->left = calloc(members + 1, sizeof *p->left);
    if (!p->items || !p->left) status = glimpse_fail_nomem(members * sizeof *p->items, "a plan");
    if (status == GLIMPSE_OK) {
        const int given = own.root_count > 0;
        status = keep_roots(p, given ? own.roots : report->roots,
                            given ? own.root_count : report->root_count);
    }
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
    p->given.left = p->left;
    p->given.target = p->target;
    *out = &p->given;
    return GLIMPSE_OK;
}

void glimpse_dedup_plan_free(glimpse_dedup_plan *given) {
    plan *p = (plan *)given;
    if (!p) return;
    for (size_t i = 0; i < p->root_count; i++) {
        free(p->roots[i].path);
        free(p->roots[i].name);
    }
    for (size_t i = 0; i < p->resolved_count; i++)
        free(p->resolved[i]);
    free(p->resolved);
    free(p->roots);
    free(p->items);
    free(p->left);
    free(p->target);
    free(p);
}
