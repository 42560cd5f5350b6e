/*
 * label_out_tree.c - folders of pictures: ImageFolder and the Hugging Face layout.
 *
 *     imagefolder               hf
 *     OUT/CLASS/picture.jpg     OUT/images/picture.jpg
 *     OUT/labels.csv            OUT/metadata.jsonl
 *
 * Pictures are links to where they are, or copies; they are moved only when that was asked for.
 * Nothing is touched until the run is complete. Then the tree is made under a temporary name beside
 * OUT, which gets its name last; when anything fails, what was made goes away and what was moved
 * goes back. OUT must not exist, or be an empty folder: trees are never mixed.
 *
 * Names: a class becomes a folder by class_to_folder (truth.h), so that "a/b", ".." and "" are
 * folders like others and read back as themselves. Pictures keep their names; of those alike in one
 * folder (also in upper and lower case, for file systems that do not tell them apart) later ones
 * get "-2", "-3" before the ending. labels.csv has file, class and source of every picture.
 */
#include "label_out_internal.h"

#include "json_out.h"
#include "progress.h"
#include "text.h"
#include "tool.h"
#include "truth.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct placed {
    char *source; /* as it was given */
    char *name;   /* below the tree; NULL: it has no label */
    int done;     /* it is there */
} placed;

typedef struct tree {
    placed *all;
    size_t count, room;
    char **taken; /* open addressing, [taken_room] lower-case names; borrowed from owned copies */
    size_t taken_count, taken_room;
    FILE *notes; /* labels.csv or metadata.jsonl until the tree is made */
    int is_hf;
} tree;

/*
 * Names.
 */
static uint64_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

/* Takes over `name`; 1 when it is new. */
static int take_name(tree *t, char *name) {
    if (2 * t->taken_count >= t->taken_room) {
        size_t room = t->taken_room ? 2 * t->taken_room : 1024;
        char **grown = xcalloc(room, sizeof *grown);
        for (size_t i = 0; i < t->taken_room; i++) {
            if (!t->taken[i]) continue;
            size_t at = (size_t)hash_text(t->taken[i]) & (room - 1);
            while (grown[at])
                at = (at + 1) & (room - 1);
            grown[at] = t->taken[i];
        }
        free(t->taken);
        t->taken = grown;
        t->taken_room = room;
    }
    size_t at = (size_t)hash_text(name) & (t->taken_room - 1);
    for (; t->taken[at]; at = (at + 1) & (t->taken_room - 1)) {
        if (strcmp(t->taken[at], name) != 0) continue;
        free(name);
        return 0;
    }
    t->taken[at] = name;
    t->taken_count++;
    return 1;
}

static char *lower(const char *text) {
    char *copy = xstrdup(text);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

/* The name of the file, control characters and what is not UTF-8 replaced by _. */
static char *plain_name(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *plain = xmalloc(4 * strlen(name) + 2), *to = plain;
    while (*name) {
        int valid = 1;
        uint32_t c = text_next(&name, &valid);
        if (!valid || c < 0x20 || c == 0x7F) c = '_';
        to += text_put(c, to);
    }
    if (to == plain) *to++ = '_';
    *to = '\0';
    return plain;
}

static char *new_name(tree *t, const char *folder, const char *path) {
    char *plain = plain_name(path), *dot = strrchr(plain, '.');
    int stem = dot && dot > plain ? (int)(dot - plain) : (int)strlen(plain);
    char *name = xprintf("%s/%s", folder, plain);
    for (size_t n = 2; !take_name(t, lower(name)); n++) {
        free(name);
        name = xprintf("%s/%.*s-%zu%s", folder, stem, plain, n, plain + stem);
    }
    free(plain);
    return name;
}

static placed *add(tree *t, const char *path) {
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 256;
        t->all = xrealloc(t->all, t->room * sizeof *t->all);
    }
    placed *p = &t->all[t->count++];
    *p = (placed){xstrdup(path), NULL, 0};
    return p;
}

/*
 * Collecting.
 */
static int is_empty_or_absent(const char *folder) {
    struct stat info;
    if (lstat(folder, &info) != 0) return errno == ENOENT;
    if (!S_ISDIR(info.st_mode)) return 0;
    /* rmdir tells whether it is empty, and the tree takes its place in the end anyway. */
    if (rmdir(folder) != 0) return 0;
    return mkdir(folder, info.st_mode & 07777) == 0;
}

static int tree_open(label_out *out) {
    tree *t = out->state = xcalloc(1, sizeof *t);
    t->is_hf = out->o->format == LABEL_OUT_HF;
    if (!is_empty_or_absent(out->o->output)) {
        return tool_fail("%s is there already and not an empty folder; choose another name for the "
                         "tree",
                         out->o->output);
    }
    t->notes = tmpfile();
    if (!t->notes) return tool_fail("cannot make a temporary file: %s", strerror(errno));
    if (!t->is_hf) (void)fputs("file,class,source\n", t->notes);
    return CLI_RUN;
}

static int folder_put(label_out *out, const label_result *r) {
    tree *t = out->state;
    placed *p = add(t, r->path);
    const label_choice *label = NULL;
    for (size_t i = 0; i < r->count && !label; i++) {
        if (r->labels[i].accepted) label = &r->labels[i];
    }
    const char *name = label ? out->set->classes[label->class_index].name : "";
    if (label) {
        char *folder = class_to_folder(name);
        p->name = new_name(t, folder, r->path);
        free(folder);
        csv_field(t->notes, p->name);
    }
    char *source = path_settle(r->path);
    (void)fputc(',', t->notes);
    csv_field(t->notes, name);
    (void)fputc(',', t->notes);
    csv_field(t->notes, source);
    (void)fputc('\n', t->notes);
    free(source);
    return CLI_RUN;
}

static int hf_put(label_out *out, const label_result *r) {
    tree *t = out->state;
    placed *p = add(t, r->path);
    json_out j = {t->notes, 0};
    const label_choice *best = r->count > 0 ? &r->labels[0] : NULL;
    int accepted = best && best->accepted && !out->set->multi_label;
    p->name = new_name(t, "images", r->path);
    jout_open(&j, '{');
    jout_key(&j, "file_name"), jout_string(&j, p->name);
    if (out->set->multi_label) {
        jout_key(&j, "labels");
        jout_open(&j, '[');
        for (size_t i = 0; i < r->count; i++) {
            if (r->labels[i].accepted) {
                jout_string(&j, out->set->classes[r->labels[i].class_index].name);
            }
        }
        jout_close(&j, ']');
    } else {
        jout_key(&j, "label");
        if (accepted) {
            jout_string(&j, out->set->classes[best->class_index].name);
        } else {
            jout_null(&j);
        }
        jout_key(&j, "probability");
        if (best) {
            jout_number(&j, best->probability);
        } else {
            jout_null(&j);
        }
    }
    jout_key(&j, "source"), jout_string(&j, r->path);
    jout_close(&j, '}');
    jout_end(&j);
    return CLI_RUN;
}

/*
 * Making the tree.
 */
static int copy_contents(const char *from, const char *to) {
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, failed = -1;
    struct stat info;
    static char block[1 << 18];
    if (in < 0 || fstat(in, &info) != 0) goto done;
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, info.st_mode & 0777);
    if (out < 0) goto done;
    for (ssize_t got; (got = read(in, block, sizeof block)) != 0;) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) goto done;
        for (ssize_t put = 0; put < got;) {
            ssize_t n = write(out, block + put, (size_t)(got - put));
            if (n < 0 && errno != EINTR) goto done;
            if (n > 0) put += n;
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
    errno = error;
    return failed;
}

static int place(int how, const char *from, const char *to) {
    char *real = NULL;
    int failed = -1;
    switch (how) {
    case LABEL_PLACE_SYMLINK:
        real = realpath(from, NULL);
        failed = real ? symlink(real, to) : -1;
        break;
    case LABEL_PLACE_HARDLINK:
        /* Of the picture, not of a link to it. */
        failed = linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
        break;
    case LABEL_PLACE_COPY: failed = copy_contents(from, to); break;
    case LABEL_PLACE_MOVE: failed = rename(from, to); break;
    }
    int error = errno;
    free(real);
    errno = error;
    return failed;
}

static char *below(const char *folder, const char *name) {
    return xprintf("%s/%s", folder, name);
}

static int place_all(const label_out *out, tree *t, const char *folder) {
    int how = out->o->place;
    double start = progress_now();
    for (size_t i = 0; i < t->count; i++) {
        placed *p = &t->all[i];
        if (!p->name) continue;
        progress_show("placing pictures", i, t->count, 1, progress_now() - start, NULL);
        char *to = below(folder, p->name), *slash = strrchr(to, '/');
        *slash = '\0';
        int made = mkdir(to, 0777) == 0 || errno == EEXIST;
        *slash = '/';
        p->done = made && place(how, p->source, to) == 0;
        int error = errno;
        free(to);
        if (p->done) continue;
        progress_clear();
        int across = error == EXDEV;
        return tool_fail("%s: cannot %s: %s%s", p->source, label_out_places[how], strerror(error),
                         across ? " (another file system; use --place copy)" : "");
    }
    progress_clear();
    return CLI_RUN;
}

/* Takes back what was made: moved pictures return, links and copies go. */
static void take_back(const label_out *out, tree *t, const char *folder) {
    for (size_t i = t->count; i-- > 0;) {
        placed *p = &t->all[i];
        if (!p->name) continue;
        char *there = below(folder, p->name);
        if (p->done && out->o->place == LABEL_PLACE_MOVE) {
            if (rename(there, p->source) != 0) {
                (void)tool_fail("%s: cannot be moved back to %s: %s", there, p->source,
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
        char *name = below(folder, notes[i]);
        (void)unlink(name);
        free(name);
    }
    (void)rmdir(folder);
}

static int write_notes(tree *t, const char *folder) {
    char *name = below(folder, t->is_hf ? "metadata.jsonl" : "labels.csv"), block[16384];
    FILE *to = fopen(name, "wb");
    int code = CLI_RUN, bad = !to;
    rewind(t->notes);
    for (size_t got; to && (got = fread(block, 1, sizeof block, t->notes)) > 0;)
        bad |= fwrite(block, 1, got, to) != got;
    bad |= ferror(t->notes);
    if ((to && fclose(to) != 0) || bad) {
        code = tool_fail("%s: cannot write: %s", name, strerror(errno));
    }
    free(name);
    return code;
}

/* Two pictures must not be one file: moving it would lose one of the labels. */
static int check_sources(const label_out *out, const tree *t) {
    if (out->o->place != LABEL_PLACE_MOVE) return CLI_RUN;
    for (size_t i = 0; i < t->count; i++) {
        if (t->all[i].name && access(t->all[i].source, F_OK) != 0) {
            return tool_fail("%s: cannot move: %s; nothing was moved", t->all[i].source,
                             strerror(errno));
        }
    }
    return CLI_RUN;
}

static int tree_finish(label_out *out) {
    tree *t = out->state;
    const char *output = out->o->output;
    size_t length = strlen(output);
    while (length > 1 && output[length - 1] == '/')
        length--;
    char *folder = xprintf("%.*s.%ld.tmp", (int)length, output, (long)getpid());
    int code = check_sources(out, t);
    if (code != CLI_RUN) goto done;
    if (mkdir(folder, 0777) != 0) {
        code = tool_fail("%s: cannot make the folder: %s", folder, strerror(errno));
        goto done;
    }
    code = place_all(out, t, folder);
    if (code == CLI_RUN) code = write_notes(t, folder);
    if (code == CLI_RUN && rename(folder, output) != 0) {
        code = tool_fail("%s: cannot be made: %s", output, strerror(errno));
    }
    if (code != CLI_RUN) take_back(out, t, folder);
done:
    free(folder);
    return code;
}

static void tree_close(label_out *out) {
    tree *t = out->state;
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) {
        free(t->all[i].source);
        free(t->all[i].name);
    }
    for (size_t i = 0; i < t->taken_room; i++)
        free(t->taken[i]);
    free(t->taken);
    free(t->all);
    if (t->notes) (void)fclose(t->notes);
    free(t);
}

const label_writer label_out_imagefolder = {
    .open = tree_open, .put = folder_put, .finish = tree_finish, .close = tree_close};
const label_writer label_out_hf = {
    .open = tree_open, .put = hf_put, .finish = tree_finish, .close = tree_close};
