/*
 * writeback.c - the run: which pictures, what is to be written, and the writing.
 */
#include "writeback.h"

#include "actions_write.h"
#include "core/error.h"
#include "core/file.h"
#include "metadata/xmp_packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SIDECAR = 16 << 20 };
static const size_t MAX_PICTURE = (size_t)1 << 30;

typedef struct running {
    glimpse_library *library;
    glimpse_actions *actions;
    const glimpse_write_options *options;
    glimpse_write_fn each;
    void *user;
    glimpse_write_report report;
    writeback_picture *pictures;
    size_t count, capacity;
    uint64_t serial;
    int64_t run;
    char *scratch;      /* see glimpse_writeback_embed */
    char directory[32]; /* of it; "": it has none */
} running;

/* What is done to one picture. */
typedef struct writing {
    const writeback_picture *picture;
    char *target;
    int is_there;
    void *before; /* the bytes of the target */
    size_t before_size;
    char *packet; /* of an embedded one */
    size_t packet_size;
    char id[GLIMPSE_HASH_HEX];
    glimpse_xmp_edited edited;
} writing;

/*
 * Which pictures: gathered first, so that no state of the library is held while files are written.
 */
static int is_below(const char *path, const char *prefix) {
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static int is_chosen(const running *r, const glimpse_library_file *file) {
    const glimpse_write_options *o = r->options;
    size_t i = 0;
    while (i < o->prefix_count && !is_below(file->path, o->prefixes[i]))
        i++;
    if (o->prefix_count > 0 && i == o->prefix_count) return 0;
    return !o->choose || o->choose(o->user, file) != 0;
}

static int gather(void *user, const glimpse_library_file *file) {
    running *r = user;
    if (!is_chosen(r, file)) return 0;
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 256;
        writeback_picture *grown = realloc(r->pictures, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "pictures");
        r->pictures = grown;
        r->capacity = capacity;
    }
    writeback_picture *p = &r->pictures[r->count];
    *p = (writeback_picture){.path = strdup(file->path),
                             .metadata = strdup(*file->metadata ? file->metadata : "{}"),
                             .has_gps = file->has_gps,
                             .latitude = file->latitude,
                             .longitude = file->longitude};
    p->dated_by_file = file->taken_from && strcmp(file->taken_from, "file") == 0;
    (void)snprintf(p->format, sizeof p->format, "%s", file->format ? file->format : "");
    r->count++;
    return p->path && p->metadata ? 0 : glimpse_fail_nomem(strlen(file->path), "a path");
}

/*
 * One picture.
 */
static void report_picture(running *r, const writing *w, glimpse_action_outcome outcome,
                           const char *message) {
    static const char *const kinds[] = {"added", "removed", "replaced", "kept"};
    const size_t count = w->edited.change_count;
    glimpse_write_change *changes = NULL;
    if (outcome != GLIMPSE_OUTCOME_DONE) r->report.left_alone++;
    if (!r->each) return;
    changes = calloc(count + 1, sizeof *changes);
    for (size_t i = 0; changes && i < count; i++) {
        const glimpse_xmp_change *c = &w->edited.changes[i];
        changes[i] =
            (glimpse_write_change){kinds[c->kind], glimpse_xmp_field_name(c->field), c->text};
    }
    const glimpse_write_event event = {
        .path = w->picture->path,
        .target = w->target ? w->target : w->picture->path,
        .is_new = w->target && !w->is_there,
        .outcome = outcome,
        .message = outcome == GLIMPSE_OUTCOME_DONE ? "" : message,
        .changes = changes,
        .change_count = changes ? count : 0,
    };
    r->each(r->user, &event);
    free(changes);
}

static glimpse_action_outcome outcome_of(int status) {
    switch (status) {
    case GLIMPSE_E_NOT_FOUND: return GLIMPSE_OUTCOME_MISSING;
    case GLIMPSE_E_UNSUPPORTED: return GLIMPSE_OUTCOME_UNSUPPORTED;
    default: return GLIMPSE_OUTCOME_FAILED;
    }
}

static void hash_hex(char *hex, const void *data, size_t size) {
    const glimpse_hash hash = glimpse_hash_bytes(data, size);
    glimpse_hash_to_hex(&hash, hex);
}

/* Finds the target and reads what is there. */
static int open_target(const running *r, writing *w) {
    const int embeds = r->options->target == GLIMPSE_WRITE_EMBEDDED;
    int status;
    if (embeds) {
        w->is_there = 1;
        status = glimpse_writeback_check_format(w->picture->format);
        if (status < 0) return status;
        w->target = strdup(w->picture->path);
        if (!w->target) status = glimpse_fail_nomem(256, "a path");
    } else {
        status = glimpse_writeback_sidecar(&w->target, &w->is_there, w->picture->path,
                                           r->options->target);
    }
    if (status < 0 || !w->is_there) return status;
    void *bytes = NULL;
    size_t size = 0;
    status =
        glimpse_file_read(&bytes, &size, w->target, embeds ? MAX_PICTURE : (size_t)MAX_SIDECAR);
    if (status < 0) return status;
    w->before = bytes;
    w->before_size = size;
    hash_hex(w->id, w->before, w->before_size);
    if (!embeds) return GLIMPSE_OK;
    return glimpse_xmp_packet_of_file(&w->packet, &w->packet_size, w->before, w->before_size);
}

static int edit(const running *r, writing *w) {
    const writeback_picture *p = w->picture;
    const int embeds = r->options->target == GLIMPSE_WRITE_EMBEDDED;
    const char *names[8];
    glimpse_xmp_edit e = {
        .items = p->items,
        .item_count = p->item_count,
        .keywords = (const char *const *)p->keywords.items,
        .hierarchical = (const char *const *)p->hierarchical.items,
        .keyword_count = p->keywords.count,
        .hierarchical_count = p->hierarchical.count,
        .description = p->description,
        .title = p->title,
        .is_digikam = r->options->target == GLIMPSE_WRITE_DIGIKAM,
        .overwrite = r->options->overwrite,
        .is_packet = embeds,
    };
    e.sources = glimpse_writeback_sources(&e.source_count, names, r->options->what);
    /* An empty sidecar, as some programs leave it, is as good as none. */
    const char *packet = embeds ? w->packet : w->before_size > 0 ? w->before : NULL;
    return glimpse_xmp_edit_packet(&w->edited, packet, embeds ? w->packet_size : w->before_size,
                                   &e);
}

static int stage(running *r, const writing *w) {
    const char *staging = glimpse_actions_staging(r->actions);
    if (r->options->target != GLIMPSE_WRITE_EMBEDDED)
        return glimpse_writeback_write_file(staging, w->edited.bytes, w->edited.size);
    void *bytes = NULL;
    size_t size = 0;
    int status = glimpse_writeback_embed(&bytes, &size, w->target, w->before, w->before_size,
                                         w->edited.bytes, w->edited.size, r->scratch);
    if (status == GLIMPSE_OK) status = glimpse_writeback_write_file(staging, bytes, size);
    free(bytes);
    return status;
}

/* Negative when nothing more can be written at all. */
static int write_one(running *r, writing *w) {
    const glimpse_action_write write = {.path = w->target,
                                        .id = w->is_there ? w->id : "",
                                        .model = w->picture->path,
                                        .keep_time = r->options->target == GLIMPSE_WRITE_EMBEDDED &&
                                                     w->picture->dated_by_file};
    glimpse_action_written written;
    int status = GLIMPSE_OK;
    glimpse_actions_check_write(&written, &write);
    if (written.outcome == GLIMPSE_OUTCOME_DONE && r->actions) {
        status = stage(r, w);
        if (status < 0) {
            report_picture(r, w, outcome_of(status), glimpse_last_error());
            return status == GLIMPSE_E_NOMEM ? status : GLIMPSE_OK;
        }
        if (r->run == 0) status = glimpse_actions_begin_writes(&r->run, r->actions);
        if (status == GLIMPSE_OK)
            status = glimpse_actions_write(&written, r->actions, r->run, ++r->serial, &write);
    }
    if (status < 0) return status;
    if (written.outcome == GLIMPSE_OUTCOME_DONE) {
        r->report.written++;
        r->report.made += !w->is_there;
        r->report.held_bytes += written.held;
    }
    report_picture(r, w, written.outcome, written.message);
    return GLIMPSE_OK;
}

static int run_picture(running *r, writeback_picture *picture) {
    writing w = {.picture = picture};
    r->report.pictures++;
    int status = glimpse_writeback_load(picture, r->library, r->options);
    if (status == GLIMPSE_E_NOT_FOUND) status = GLIMPSE_OK; /* pruned just now: it says nothing */
    if (status < 0) return status;
    if (access(picture->path, F_OK) != 0) {
        report_picture(r, &w, GLIMPSE_OUTCOME_MISSING, "it is not there, or not to be reached");
        return GLIMPSE_OK;
    }
    status = open_target(r, &w);
    if (status == GLIMPSE_OK) status = edit(r, &w);
    if (status < 0) {
        /* Without anything to write, nobody minds. */
        if (picture->item_count > 0 || status == GLIMPSE_E_NOMEM) {
            report_picture(
                r, &w, outcome_of(status),
                glimpse_without_path(glimpse_last_error(), w.target ? w.target : picture->path));
        } else {
            r->report.unchanged++;
        }
        status = status == GLIMPSE_E_NOMEM ? status : GLIMPSE_OK;
    } else if (w.edited.bytes) {
        status = write_one(r, &w);
    } else {
        r->report.unchanged++;
        if (w.edited.change_count > 0) report_picture(r, &w, GLIMPSE_OUTCOME_DONE, "");
    }
    glimpse_xmp_edited_free(&w.edited);
    free(w.before);
    free(w.packet);
    free(w.target);
    return status;
}

/* Beside what is staged, or, where that has a percent sign in its path, in a directory of its own.
 */
static int open_scratch(running *r) {
    const char *staging = glimpse_actions_staging(r->actions);
    const int is_odd = strchr(staging, '%') != NULL;
    if (is_odd && !mkdtemp(r->directory)) {
        r->directory[0] = '\0';
        return glimpse_fail_errno("no directory for a moment in /tmp");
    }
    if (!is_odd) r->directory[0] = '\0';
    const char *base = is_odd ? r->directory : staging, *end = is_odd ? "/packet.xmp" : ".xmp";
    r->scratch = malloc(strlen(base) + strlen(end) + 1);
    if (!r->scratch) return glimpse_fail_nomem(strlen(base), "a path");
    (void)stpcpy(stpcpy(r->scratch, base), end);
    return GLIMPSE_OK;
}

static void close_scratch(running *r) {
    free(r->scratch);
    if (r->actions && r->directory[0]) (void)rmdir(r->directory);
}

int glimpse_writeback_run(glimpse_write_report *report, glimpse_library *library,
                          glimpse_actions *actions, const glimpse_write_options *options,
                          glimpse_write_fn each, void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    running r = {.library = library,
                 .actions = actions,
                 .options = options,
                 .each = each,
                 .user = user,
                 .report = GLIMPSE_WRITE_REPORT_INIT,
                 .directory = "/tmp/glimpse-XXXXXX"};
    int status = GLIMPSE_OK;
    if (options->target == GLIMPSE_WRITE_EMBEDDED) status = glimpse_writeback_check_program();
    if (status == GLIMPSE_OK && actions) status = open_scratch(&r);
    if (status == GLIMPSE_OK) status = glimpse_library_visit_files(library, gather, &r);
    for (size_t i = 0; i < r.count && status == GLIMPSE_OK; i++) {
        r.report.cancelled = options->cancelled && options->cancelled(options->user);
        if (r.report.cancelled) break;
        status = run_picture(&r, &r.pictures[i]);
        glimpse_writeback_picture_free(&r.pictures[i]);
    }
    if (r.run && status == GLIMPSE_OK) status = glimpse_actions_end_writes(actions);
    if (r.report.written > 0) r.report.run = r.run;
    for (size_t i = 0; i < r.count; i++)
        glimpse_writeback_picture_free(&r.pictures[i]);
    free(r.pictures);
    close_scratch(&r);
    if (report) *report = r.report;
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
