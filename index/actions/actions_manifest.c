/*
 * actions_manifest.c - the list of what was moved, beside it.
 *
 * The journal is what undo goes by; the manifest is for people, and for programs that have only the
 * directory. It has lines of several runs, and of several journals: those of one run are replaced
 * by what the journal says of it, all others are copied. It is written under another name and
 * renamed. A run whose lines may not be what the journal says is marked in the journal before its
 * first step, so that the next opening makes up for a process that was killed.
 */
#include "actions_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "text/output/json_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char manifest_name[] = "glimpse-moved.jsonl";
static const char part_name[] = ".glimpse-moved.jsonl.part";

static const struct glimpse_journal_ops *journal_ops(void) {
    return &glimpse_store_backend(NULL)->journal;
}

int glimpse_manifest_begin(glimpse_actions *actions, int64_t run, const char *directory) {
    return journal_ops()->set_manifest(actions->journal, run, directory, 0);
}

/* What every line of the run begins with, malloc'ed: {"journal":"...","run":7, */
static char *line_start(const glimpse_actions *actions, int64_t run) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return NULL;
    json_out j = {to, 0};
    jout_open(&j, '{');
    jout_path(&j, "journal", actions->directory);
    jout_key(&j, "run"), jout_int(&j, run);
    (void)fputc(',', to);
    if (fclose(to) == 0) return text;
    free(text);
    return NULL;
}

static const char *picture_of(const action_steps *steps, int64_t id) {
    for (size_t i = 0; i < steps->count; i++) {
        if (steps->items[i].id == id) return steps->items[i].path;
    }
    return NULL;
}

static void write_line(FILE *to, const glimpse_actions *actions, const action_steps *steps,
                       const action_step *step) {
    json_out j = {to, 0};
    const char *picture = step->companion_of ? picture_of(steps, step->companion_of) : NULL;
    jout_open(&j, '{');
    jout_path(&j, "journal", actions->directory);
    jout_key(&j, "run"), jout_int(&j, step->run);
    jout_path(&j, "from", step->path);
    jout_path(&j, "to", step->other);
    jout_key(&j, "id"), jout_string(&j, step->hash);
    jout_path(&j, "keeper", step->keeper);
    jout_text_or_null(&j, "relation", step->relation);
    if (picture) jout_path(&j, "companion_of", picture);
    jout_close(&j, '}');
    jout_end(&j);
}

/* Lines of other runs; *lines counts them. 0 or an errno. */
static int copy_others(FILE *to, const char *path, const char *start, size_t *lines) {
    FILE *from = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    if (!from) return errno == ENOENT ? 0 : errno;
    while ((length = getline(&line, &capacity, from)) > 0) {
        if (strncmp(line, start, strlen(start)) == 0) continue;
        (void)fwrite(line, 1, (size_t)length, to);
        if (line[length - 1] != '\n') (void)fputc('\n', to);
        (*lines)++;
    }
    int error = ferror(from) ? EIO : 0;
    (void)fclose(from);
    free(line);
    return error;
}

/* 0 or an errno. */
static int write_all(const glimpse_actions *actions, const action_steps *steps, const char *path,
                     const char *part, const char *start) {
    size_t lines = 0;
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
    int error = to ? 0 : errno;
    if (!to && fd >= 0) (void)close(fd);
    if (!error) error = copy_others(to, path, start, &lines);
    for (size_t i = steps->count; !error && i-- > 0;
         lines++) /* the last is the first in the list */
        write_line(to, actions, steps, &steps->items[i]);
    if (to) {
        errno = 0;
        if (!error && (ferror(to) || fflush(to) != 0 || fsync(fd) != 0))
            error = errno ? errno : EIO;
        if (fclose(to) != 0 && !error) error = errno;
    }
    glimpse_action_point(actions, "manifest written");
    if (!error && lines > 0) {
        error = rename(part, path) != 0 ? errno : 0;
    } else {
        (void)unlink(part);
        if (!error && unlink(path) != 0 && errno != ENOENT) error = errno;
    }
    glimpse_action_point(actions, "manifest in place");
    return error ? error : glimpse_sync_directory_of(path);
}

static int write_manifest(glimpse_actions *actions, int64_t run, const char *directory) {
    action_steps steps = {0};
    int status = glimpse_journal_load(actions, &steps, run, 1u << STEP_DONE | 1u << STEP_UNDOING);
    if (status < 0) return status;
    char *path = glimpse_path_join(directory, manifest_name);
    char *part = glimpse_path_join(directory, part_name), *start = line_start(actions, run);
    if (!path || !part || !start) {
        status = glimpse_fail_nomem(strlen(directory), "a list of what was moved");
    } else if (steps.count > 0 || access(path, F_OK) == 0 || access(part, F_OK) == 0) {
        errno = write_all(actions, &steps, path, part, start);
        if (errno) {
            status = glimpse_fail_errno("%s: the list of what was moved cannot be written; the "
                                        "files were moved, and can be taken back",
                                        path);
        }
    }
    free(start);
    free(part);
    free(path);
    glimpse_steps_free(&steps);
    return status;
}

typedef struct stale {
    int64_t *runs;
    char **directories;
    size_t count;
} stale;

static int remember(void *user, int64_t run, const char *directory) {
    stale *s = user;
    int64_t *runs = realloc(s->runs, (s->count + 1) * sizeof *runs);
    if (runs) s->runs = runs;
    char **directories =
        runs ? realloc(s->directories, (s->count + 1) * sizeof *directories) : NULL;
    if (directories) s->directories = directories;
    char *copy = directories ? strdup(directory) : NULL;
    if (!copy) return glimpse_fail_nomem(strlen(directory), "a path");
    s->runs[s->count] = run;
    s->directories[s->count++] = copy;
    return GLIMPSE_OK;
}

/* `run` 0: all that need it, and what cannot be written is no failure. */
static int update(glimpse_actions *actions, int64_t run) {
    stale s = {0};
    int status = journal_ops()->manifests(actions->journal, run, remember, &s);
    for (size_t i = 0; i < s.count && status == GLIMPSE_OK; i++) {
        const glimpse_kept_error before = glimpse_error_keep();
        const int written = write_manifest(actions, s.runs[i], s.directories[i]);
        if (written < 0 && run != 0) {
            status = written;
        } else if (written < 0) {
            glimpse_error_restore(&before); /* a disk that is not there; the next opening tries */
        } else {
            status = journal_ops()->set_manifest(actions->journal, s.runs[i], NULL, 1);
        }
    }
    for (size_t i = 0; i < s.count; i++)
        free(s.directories[i]);
    free(s.directories);
    free(s.runs);
    return status;
}

int glimpse_manifest_update(glimpse_actions *actions, int64_t run) {
    return update(actions, run);
}

int glimpse_manifests_recover(glimpse_actions *actions) {
    return update(actions, 0);
}
