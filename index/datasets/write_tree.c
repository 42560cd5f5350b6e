/*
 * write_tree.c - directories of pictures: ImageFolder and the Hugging Face layout.
 *
 *     imagefolder               hf
 *     OUT/CLASS/picture.jpg     OUT/images/picture.jpg
 *     OUT/labels.csv            OUT/metadata.jsonl
 *
 * Pictures are links to where they are, or copies; they are moved only when that was asked for.
 * Nothing is touched until the run is complete. Then the tree is made under a temporary name beside
 * OUT, which gets its name last; when anything fails, what was made goes away and what was moved
 * goes back. OUT must not exist, or be an empty directory: trees are never mixed.
 *
 * Names: a class becomes a directory by glimpse_class_to_directory, so that "a/b", ".." and "" are
 * directories like others and read back as themselves. Pictures keep their names; of those alike in
 * one directory (also in upper and lower case, for file systems that do not tell them apart) later
 * ones get "-2", "-3" before the ending. labels.csv has file, class and source of every picture.
 */
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"
#include "dataset_text.h"
#include "text/output/json_out.h"
#include "writer_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct placed {
    char *source; /* as it was given */
    char *name;   /* below the tree; NULL: it has no label */
    int done;     /* it is there */
} placed;

typedef struct tree {
    placed *all;
    size_t count, capacity;
    char **taken; /* open addressing, [taken_capacity] lower-case names, owned */
    size_t taken_count, taken_capacity;
    FILE *notes; /* labels.csv or metadata.jsonl until the tree is made */
    int is_hf;
} tree;

/*
 * Names.
 */
static int grow_taken(tree *t) {
    size_t capacity = t->taken_capacity ? 2 * t->taken_capacity : 1024;
    char **grown = glimpse_zeroed(capacity, sizeof *grown);
    if (!grown) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < t->taken_capacity; i++) {
        if (!t->taken[i]) continue;
        size_t at = (size_t)glimpse_fnv1a(t->taken[i]) & (capacity - 1);
        while (grown[at])
            at = (at + 1) & (capacity - 1);
        grown[at] = t->taken[i];
    }
    free(t->taken);
    t->taken = grown;
    t->taken_capacity = capacity;
    return GLIMPSE_OK;
}

/* 1 when the name, in upper and lower case alike, is new; it is then taken. */
static int reserve_name(tree *t, const char *name) {
    if (2 * t->taken_count >= t->taken_capacity && grow_taken(t) < 0) return GLIMPSE_E_NOMEM;
    char *lower = glimpse_copied(name);
    if (!lower) return GLIMPSE_E_NOMEM;
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    size_t at = (size_t)glimpse_fnv1a(lower) & (t->taken_capacity - 1);
    for (; t->taken[at]; at = (at + 1) & (t->taken_capacity - 1)) {
        if (strcmp(t->taken[at], lower) != 0) continue;
        free(lower);
        return 0;
    }
    t->taken[at] = lower;
    t->taken_count++;
    return 1;
}

/* The name of the file, control characters and what is not UTF-8 replaced by _. */
static char *plain_name(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *end = name + strlen(name);
    char *plain = glimpse_zeroed(4 * (size_t)(end - name) + 2, 1), *to = plain;
    while (plain && name < end) {
        int valid = 1;
        uint32_t c = 0;
        name += glimpse_utf8_decode(&c, name, (size_t)(end - name), &valid);
        if (!valid || c < 0x20 || c == 0x7F) c = '_';
        to += glimpse_utf8_encode(to, c);
    }
    if (plain && to == plain) *to = '_';
    return plain;
}

static int new_name(char **out, tree *t, const char *directory, const char *path) {
    char *plain = plain_name(path);
    *out = NULL;
    if (!plain) return GLIMPSE_E_NOMEM;
    const char *dot = strrchr(plain, '.');
    int stem = dot && dot > plain ? (int)(dot - plain) : (int)strlen(plain), taken = 0;
    char *name = glimpse_formatted("%s/%s", directory, plain);
    for (size_t n = 2; name && (taken = reserve_name(t, name)) == 0; n++) {
        free(name);
        name = glimpse_formatted("%s/%.*s-%zu%s", directory, stem, plain, n, plain + stem);
    }
    free(plain);
    if (!name || taken < 0) {
        free(name);
        return GLIMPSE_E_NOMEM;
    }
    *out = name;
    return GLIMPSE_OK;
}

static placed *add(tree *t, const char *path) {
    placed *all = glimpse_grown(t->all, &t->capacity, t->count, sizeof *all);
    char *source = all ? glimpse_copied(path) : NULL;
    if (all) t->all = all;
    if (!source) return NULL;
    t->all[t->count] = (placed){source, NULL, 0};
    return &t->all[t->count++];
}

/*
 * Collecting.
 */
static int is_empty_or_absent(const char *directory) {
    struct stat info;
    if (lstat(directory, &info) != 0) return errno == ENOENT;
    if (!S_ISDIR(info.st_mode)) return 0;
    /* rmdir tells whether it is empty, and the tree takes its place in the end anyway. */
    if (rmdir(directory) != 0) return 0;
    return mkdir(directory, info.st_mode & 07777) == 0;
}

static int tree_open(glimpse_dataset_writer *w) {
    tree *t = w->state = glimpse_zeroed(1, sizeof *t);
    if (!t) return GLIMPSE_E_NOMEM;
    t->is_hf = w->kind == &glimpse_dataset_hf;
    if (!is_empty_or_absent(w->o.output)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s is there already and not an empty folder; choose another name for "
                            "the tree",
                            w->o.output);
    }
    t->notes = tmpfile();
    if (!t->notes) return glimpse_fail_errno("cannot make a temporary file");
    if (!t->is_hf) (void)fputs("file,class,source\n", t->notes);
    return GLIMPSE_OK;
}

static int directory_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    tree *t = w->state;
    placed *item = add(t, p->path);
    const glimpse_label *label = NULL;
    if (!item) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < p->count && !label; i++) {
        if (p->labels[i].accepted) label = &p->labels[i];
    }
    const char *name = label ? w->set->classes[label->class_index].name : "";
    if (label) {
        char *directory = glimpse_class_to_directory(name);
        int status = directory ? new_name(&item->name, t, directory, p->path) : GLIMPSE_E_NOMEM;
        free(directory);
        if (status < 0) return status;
        glimpse_csv_field(t->notes, item->name);
    }
    char *source = glimpse_path_resolved(p->path);
    if (!source) return GLIMPSE_E_NOMEM;
    (void)fputc(',', t->notes);
    glimpse_csv_field(t->notes, name);
    (void)fputc(',', t->notes);
    glimpse_csv_field(t->notes, source);
    (void)fputc('\n', t->notes);
    free(source);
    return GLIMPSE_OK;
}

static int hf_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    tree *t = w->state;
    placed *item = add(t, p->path);
    int status = item ? new_name(&item->name, t, "images", p->path) : GLIMPSE_E_NOMEM;
    if (status < 0) return status;
    json_out j = {t->notes, 0};
    const glimpse_label *best = p->labels;
    int accepted = p->count > 0 && best->accepted && !w->set->multi_label;
    jout_open(&j, '{');
    jout_pair(&j, "file_name", item->name);
    if (w->set->multi_label) {
        jout_key(&j, "labels");
        jout_open(&j, '[');
        for (size_t i = 0; i < p->count; i++) {
            if (p->labels[i].accepted) {
                jout_string(&j, w->set->classes[p->labels[i].class_index].name);
            }
        }
        jout_close(&j, ']');
    } else {
        jout_key(&j, "label");
        if (accepted) {
            jout_string(&j, w->set->classes[best->class_index].name);
        } else {
            jout_null(&j);
        }
        jout_key(&j, "probability");
        if (p->count > 0) {
            jout_number(&j, best->probability);
        } else {
            jout_null(&j);
        }
    }
    jout_pair(&j, "source", p->path);
    jout_close(&j, '}');
    jout_end(&j);
    return GLIMPSE_OK;
}

/*
 * Making the tree.
 */
static int copy_contents(const char *from, const char *to) {
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, failed = -1;
    struct stat info;
    enum { BLOCK = 1 << 18 };
    char *block = malloc(BLOCK);
    if (!block) errno = ENOMEM;
    if (!block || in < 0 || fstat(in, &info) != 0) goto done;
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, info.st_mode & 0777);
    if (out < 0) goto done;
    for (ssize_t got; (got = read(in, block, BLOCK)) != 0;) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) goto done;
        for (ssize_t written = 0; written < got;) {
            ssize_t n = write(out, block + written, (size_t)(got - written));
            if (n < 0 && errno != EINTR) goto done;
            if (n > 0) written += n;
        }
    }
    struct timespec times[2] = {info.st_atim, info.st_mtim};
    (void)futimens(out, times);
    failed = 0;
done:;
    int error = errno;
    if (out >= 0 && close(out) != 0 && !failed) {
        error = errno;
        failed = -1;
    }
    if (in >= 0) (void)close(in);
    free(block);
    errno = error;
    return failed;
}

static int place(int how, const char *from, const char *to) {
    char *real = NULL;
    int failed = -1;
    switch (how) {
    case GLIMPSE_PLACE_SYMLINK:
        real = realpath(from, NULL);
        failed = real ? symlink(real, to) : -1;
        break;
    case GLIMPSE_PLACE_HARDLINK:
        /* Of the picture, not of a link to it. */
        failed = linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
        break;
    case GLIMPSE_PLACE_COPY: failed = copy_contents(from, to); break;
    case GLIMPSE_PLACE_MOVE: failed = rename(from, to); break;
    }
    int error = errno;
    free(real);
    errno = error;
    return failed;
}

static char *below(const char *directory, const char *name) {
    return glimpse_formatted("%s/%s", directory, name);
}

/* Non-zero: stop. About ten times a second at most. */
static int show_progress(const glimpse_dataset_writer *w, size_t done, size_t total, double start,
                         double *last) {
    double now = glimpse_now();
    if (!w->o.progress || now - *last < 0.1) return 0;
    *last = now;
    glimpse_progress p = {.stage = "placing pictures",
                          .done = done,
                          .total = total,
                          .total_is_final = 1,
                          .seconds = now - start};
    return w->o.progress(w->o.user, &p);
}

static int place_one(const glimpse_dataset_writer *w, placed *p, const char *directory) {
    char *to = below(directory, p->name);
    if (!to) return GLIMPSE_E_NOMEM;
    char *slash = strrchr(to, '/');
    *slash = '\0';
    int made = mkdir(to, 0777) == 0 || errno == EEXIST;
    *slash = '/';
    p->done = made && place(w->o.place, p->source, to) == 0;
    int error = errno;
    free(to);
    if (p->done) return GLIMPSE_OK;
    const char *how = glimpse_dataset_place_name(w->o.place), *reason = strerror(error);
    if (error != EXDEV) {
        errno = error;
        (void)glimpse_fail_errno("%s: cannot %s to %s", p->source, how, directory);
        return GLIMPSE_E_IO;
    }
    return glimpse_fail(GLIMPSE_E_IO, "%s: cannot %s: %s (another file system; use %s)", p->source,
                        how, reason, glimpse_wording("options.place", "copy"));
}

static int place_all(const glimpse_dataset_writer *w, tree *t, const char *directory) {
    double start = glimpse_now(), last = 0;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < t->count && status == GLIMPSE_OK; i++) {
        if (!t->all[i].name) continue;
        if (show_progress(w, i, t->count, start, &last)) {
            return glimpse_fail(GLIMPSE_E_CANCELLED, "%s: stopped; nothing was placed",
                                w->o.output);
        }
        status = place_one(w, &t->all[i], directory);
    }
    return status;
}

/* Takes back what was made: moved pictures return, links and copies go. What cannot is noted. */
static void roll_back(const glimpse_dataset_writer *w, tree *t, const char *directory) {
    for (size_t i = t->count; i-- > 0;) {
        placed *p = &t->all[i];
        char *there = p->name ? below(directory, p->name) : NULL;
        if (!there) continue;
        if (p->done && w->o.place == GLIMPSE_PLACE_MOVE) {
            if (rename(there, p->source) != 0) {
                glimpse_report_message(w->o.message, w->o.user, GLIMPSE_MESSAGE_PROBLEM,
                                       "%s: cannot be moved back to %s: %s", there, p->source,
                                       strerror(errno));
            }
        } else {
            (void)unlink(there); /* a copy that broke off as well */
        }
        *strrchr(there, '/') = '\0';
        (void)rmdir(there); /* when it was the last one */
        free(there);
    }
    static const char *const notes[] = {"labels.csv", "metadata.jsonl"};
    for (size_t i = 0; i < 2; i++) {
        char *name = below(directory, notes[i]);
        if (name) (void)unlink(name);
        free(name);
    }
    (void)rmdir(directory);
}

static int write_notes(tree *t, const char *directory) {
    char *name = below(directory, t->is_hf ? "metadata.jsonl" : "labels.csv");
    if (!name) return GLIMPSE_E_NOMEM;
    FILE *to = NULL;
    char *temporary = NULL;
    int status = glimpse_output_open(&to, &temporary, name);
    if (status == GLIMPSE_OK) {
        status = glimpse_output_append(to, t->notes);
        if (status == GLIMPSE_OK) {
            status = glimpse_output_commit(to, temporary, name);
        } else {
            glimpse_output_abandon(to, temporary);
        }
    }
    free(name);
    return status;
}

/* Two pictures must not be one file: moving it would lose one of the labels. */
static int check_sources(const glimpse_dataset_writer *w, const tree *t) {
    if (w->o.place != GLIMPSE_PLACE_MOVE) return GLIMPSE_OK;
    for (size_t i = 0; i < t->count; i++) {
        if (t->all[i].name && access(t->all[i].source, F_OK) != 0) {
            return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: cannot move: %s; nothing was moved",
                                t->all[i].source, strerror(errno));
        }
    }
    return GLIMPSE_OK;
}

static int make_tree(const glimpse_dataset_writer *w, tree *t, const char *directory) {
    int status = place_all(w, t, directory);
    if (status == GLIMPSE_OK) status = write_notes(t, directory);
    if (status == GLIMPSE_OK && rename(directory, w->o.output) != 0) {
        return glimpse_fail_errno("%s: cannot be made", w->o.output);
    }
    int error = status == GLIMPSE_OK ? glimpse_sync_directory_of(directory) : 0;
    if (error) {
        (void)rename(w->o.output, directory);
        errno = error;
        status = glimpse_fail_errno("%s: cannot be made to last", w->o.output);
    }
    return status;
}

static int tree_finish(glimpse_dataset_writer *w) {
    tree *t = w->state;
    const char *output = w->o.output;
    size_t length = strlen(output);
    while (length > 1 && output[length - 1] == '/')
        length--;
    char *directory = glimpse_formatted("%.*s.%ld.tmp", (int)length, output, (long)getpid());
    int status = directory ? check_sources(w, t) : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK && mkdir(directory, 0777) != 0) {
        status = glimpse_fail_errno("%s: cannot make the folder", directory);
    } else if (status == GLIMPSE_OK) {
        status = make_tree(w, t, directory);
        if (status < 0) roll_back(w, t, directory);
    }
    free(directory);
    return status;
}

static void tree_close(glimpse_dataset_writer *w) {
    tree *t = w->state;
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) {
        free(t->all[i].source);
        free(t->all[i].name);
    }
    for (size_t i = 0; i < t->taken_capacity; i++)
        free(t->taken[i]);
    free(t->taken);
    free(t->all);
    if (t->notes) (void)fclose(t->notes);
    free(t);
}

const glimpse_dataset_kind glimpse_dataset_imagefolder = {
    .format = {"imagefolder", "", GLIMPSE_DATASET_DIRECTORY | GLIMPSE_DATASET_PLACES},
    .open = tree_open,
    .add = directory_add,
    .finish = tree_finish,
    .close = tree_close};
const glimpse_dataset_kind glimpse_dataset_hf = {
    .format = {"hf", "", GLIMPSE_DATASET_DIRECTORY | GLIMPSE_DATASET_PLACES},
    .open = tree_open,
    .add = hf_add,
    .finish = tree_finish,
    .close = tree_close};
