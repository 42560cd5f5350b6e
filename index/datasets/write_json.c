/*
 * label_out_json.c - COCO, Label Studio and FiftyOne: labels as other tools import them.
 *
 * JSON has no way to hold a path that is not UTF-8, and a replacement character would name a file
 * that does not exist. So such a picture is left out of COCO and FiftyOne, and told; Label Studio
 * takes URLs, where every byte has its %XX.
 */
#include "label_out_internal.h"

#include "json_out.h"
#include "text.h"
#include "tool.h"
#include "truth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Appends what was written to a temporary stream. */
static int append(FILE *to, FILE *from) {
    char block[16384];
    rewind(from);
    for (size_t got; (got = fread(block, 1, sizeof block, from)) > 0;)
        (void)fwrite(block, 1, got, to);
    return ferror(from) ? -1 : 0;
}

static void text_pair(json_out *j, const char *key, const char *value) {
    jout_key(j, key);
    jout_string(j, value);
}

/*
 * COCO: images, categories, annotations. A label of the whole picture is an annotation whose box is
 * the picture, so that tools which insist on a box read it too; `score` is the probability, as in
 * COCO results. Ids count from 1; categories are in the order of the classes.
 */
typedef struct coco {
    FILE *annotations;
    size_t images, labels;
} coco;

static int coco_open(label_out *out) {
    coco *c = out->state = xcalloc(1, sizeof *c);
    c->annotations = tmpfile();
    if (!c->annotations) return tool_fail("cannot make a temporary file: %s", strerror(errno));
    json_out j = {out->to, 0};
    jout_open(&j, '{');
    jout_key(&j, "info");
    jout_open(&j, '{');
    text_pair(&j, "description", "labels proposed by glimpse");
    text_pair(&j, "version", "1.0");
    text_pair(&j, "contributor", out->set->model_name);
    jout_close(&j, '}');
    jout_key(&j, "licenses");
    jout_open(&j, '['), jout_close(&j, ']');
    jout_key(&j, "categories");
    jout_open(&j, '[');
    for (size_t i = 0; i < out->set->count; i++) {
        char *parent = class_parent(out->set->classes[i].name);
        jout_open(&j, '{');
        jout_key(&j, "id"), jout_uint(&j, i + 1);
        text_pair(&j, "name", out->set->classes[i].name);
        text_pair(&j, "supercategory", parent ? parent : "");
        jout_close(&j, '}');
        free(parent);
    }
    jout_close(&j, ']');
    (void)fputs(",\n\"images\":[", out->to);
    return CLI_RUN;
}

static int coco_put(label_out *out, const label_result *r) {
    coco *c = out->state;
    uint32_t width = 0, height = 0;
    if (!text_is_utf8(r->path)) {
        label_out_leave_out(out, r->path, "COCO cannot hold a name that is not UTF-8");
        return CLI_RUN;
    }
    if (label_out_size(r, &width, &height) < 0) {
        label_out_leave_out(out, r->path, glimpse_last_error());
        return CLI_RUN;
    }
    char *path = label_out_path(out, r->path);
    (void)fputs(c->images++ > 0 ? ",\n" : "\n", out->to);
    json_out j = {out->to, 0};
    jout_open(&j, '{');
    jout_key(&j, "id"), jout_uint(&j, c->images);
    text_pair(&j, "file_name", path);
    jout_key(&j, "width"), jout_uint(&j, width);
    jout_key(&j, "height"), jout_uint(&j, height);
    jout_close(&j, '}');
    free(path);
    for (size_t i = 0; i < r->count; i++) {
        if (!r->labels[i].accepted) continue;
        (void)fputs(c->labels++ > 0 ? ",\n" : "\n", c->annotations);
        json_out a = {c->annotations, 0};
        jout_open(&a, '{');
        jout_key(&a, "id"), jout_uint(&a, c->labels);
        jout_key(&a, "image_id"), jout_uint(&a, c->images);
        jout_key(&a, "category_id"), jout_uint(&a, r->labels[i].class_index + 1);
        jout_key(&a, "bbox");
        jout_open(&a, '[');
        jout_uint(&a, 0), jout_uint(&a, 0), jout_uint(&a, width), jout_uint(&a, height);
        jout_close(&a, ']');
        jout_key(&a, "area"), jout_uint(&a, (uint64_t)width * height);
        jout_key(&a, "segmentation");
        jout_open(&a, '['), jout_close(&a, ']');
        jout_key(&a, "iscrowd"), jout_uint(&a, 0);
        jout_key(&a, "score"), jout_number(&a, r->labels[i].probability);
        jout_close(&a, '}');
    }
    return CLI_RUN;
}

static int coco_finish(label_out *out) {
    coco *c = out->state;
    (void)fputs("\n],\n\"annotations\":[", out->to);
    if (append(out->to, c->annotations) < 0) return tool_fail("cannot read a temporary file");
    (void)fputs("\n]}\n", out->to);
    return CLI_RUN;
}

static void coco_close(label_out *out) {
    coco *c = out->state;
    if (c && c->annotations) (void)fclose(c->annotations);
    free(c);
}

const label_writer label_out_coco = {
    .open = coco_open, .put = coco_put, .finish = coco_finish, .close = coco_close, .file = 1};

/*
 * Label Studio: a list of tasks, each with a prediction; and beside it the labelling configuration
 * whose names (from_name, to_name, choices) the predictions use. Written at the end, so that only a
 * whole list has one.
 */
static int studio_open(label_out *out) {
    out->state = xcalloc(1, sizeof(size_t));
    (void)fputc('[', out->to);
    return CLI_RUN;
}

/* PREFIX and the path, every byte but the plainest as %XX. */
static char *studio_url(const label_out *out, const char *path) {
    const char *prefix = out->o->url_prefix ? out->o->url_prefix : "/data/local-files/?d=";
    char *seen = NULL;
    if (out->o->relative_to) {
        seen = label_out_path(out, path);
    } else {
        seen = path_settle(path);
    }
    const char *from = seen;
    while (*from == '/')
        from++;
    char *url = xmalloc(strlen(prefix) + 3 * strlen(from) + 1), *to = url;
    to += sprintf(to, "%s", prefix);
    for (; *from; from++) {
        unsigned char c = (unsigned char)*from;
        int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("/-_.~", c) != NULL;
        to += sprintf(to, plain ? "%c" : "%%%02X", c);
    }
    *to = '\0';
    free(seen);
    return url;
}

static int studio_put(label_out *out, const label_result *r) {
    size_t *tasks = out->state;
    json_out j = {out->to, 0};
    char *url = studio_url(out, r->path);
    double least = 1;
    size_t accepted = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (!r->labels[i].accepted) continue;
        accepted++;
        if (r->labels[i].probability < least) least = r->labels[i].probability;
    }
    (void)fputs((*tasks)++ > 0 ? ",\n" : "\n", out->to);
    jout_open(&j, '{');
    jout_key(&j, "data");
    jout_open(&j, '{');
    text_pair(&j, "image", url);
    jout_close(&j, '}');
    jout_key(&j, "predictions");
    jout_open(&j, '[');
    if (accepted > 0) {
        jout_open(&j, '{');
        text_pair(&j, "model_version", out->set->model_name);
        jout_key(&j, "score"), jout_number(&j, least);
        jout_key(&j, "result");
        jout_open(&j, '[');
        jout_open(&j, '{');
        text_pair(&j, "id", "label");
        text_pair(&j, "from_name", "label");
        text_pair(&j, "to_name", "image");
        text_pair(&j, "type", "choices");
        jout_key(&j, "value");
        jout_open(&j, '{');
        jout_key(&j, "choices");
        jout_open(&j, '[');
        for (size_t i = 0; i < r->count; i++) {
            if (r->labels[i].accepted) {
                jout_string(&j, out->set->classes[r->labels[i].class_index].name);
            }
        }
        jout_close(&j, ']');
        jout_close(&j, '}');
        jout_close(&j, '}');
        jout_close(&j, ']');
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    free(url);
    return CLI_RUN;
}

void xml_text(FILE *to, const char *text) {
    for (uint32_t c; (c = text_next(&text, NULL)) != 0;) {
        char utf8[4];
        switch (c) {
        case '&': (void)fputs("&amp;", to); break;
        case '<': (void)fputs("&lt;", to); break;
        case '>': (void)fputs("&gt;", to); break;
        case '"': (void)fputs("&quot;", to); break;
        case '\t':
        case '\n':
        case '\r': (void)fprintf(to, "&#%u;", (unsigned)c); break;
        default:
            /* What XML cannot hold at all. */
            if (c < 0x20 || c == 0xFFFE || c == 0xFFFF) c = 0xFFFD;
            (void)fwrite(utf8, 1, text_put(c, utf8), to);
        }
    }
}

static int studio_finish(label_out *out) {
    const char *file = out->o->output, *slash = strrchr(file, '/'), *dot = strrchr(file, '.');
    if (!dot || (slash && dot < slash) || dot == file || dot[-1] == '/') dot = file + strlen(file);
    char *name = xprintf("%.*s-config.xml", (int)(dot - file), file), *temporary = NULL;
    (void)fputs("\n]\n", out->to);
    FILE *to = new_file_open(name, &temporary);
    int code = EXIT_FAILED;
    if (to) {
        (void)fprintf(to,
                      "<View>\n  <Image name=\"image\" value=\"$image\"/>\n"
                      "  <Choices name=\"label\" toName=\"image\" choice=\"%s\">\n",
                      out->set->multi_label ? "multiple" : "single");
        for (size_t i = 0; i < out->set->count; i++) {
            (void)fputs("    <Choice value=\"", to);
            xml_text(to, out->set->classes[i].name);
            (void)fputs("\"/>\n", to);
        }
        (void)fputs("  </Choices>\n</View>\n", to);
        code = new_file_commit(to, temporary, name);
    }
    free(name);
    return code;
}

static void studio_close(label_out *out) {
    free(out->state);
}

const label_writer label_out_labelstudio = {.open = studio_open,
                                            .put = studio_put,
                                            .finish = studio_finish,
                                            .close = studio_close,
                                            .file = 1};

/*
 * FiftyOne: a folder with labels.json and data.json of FiftyOneImageClassificationDataset. Pictures
 * stay where they are: data.json says where the picture of each key is. Keys are running numbers
 * without a dot, because FiftyOne drops what looks like a file ending.
 */
typedef struct fiftyone {
    FILE *labels, *data;
    char *labels_temporary, *data_temporary, *labels_name, *data_name;
    size_t count;
} fiftyone;

static int fiftyone_open(label_out *out) {
    fiftyone *f = out->state = xcalloc(1, sizeof *f);
    const char *folder = out->o->output;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return tool_fail("%s: cannot make the folder: %s", folder, strerror(errno));
    }
    f->labels_name = xprintf("%s/labels.json", folder);
    f->data_name = xprintf("%s/data.json", folder);
    f->labels = new_file_open(f->labels_name, &f->labels_temporary);
    f->data = f->labels ? new_file_open(f->data_name, &f->data_temporary) : NULL;
    if (!f->data) return EXIT_FAILED;
    json_out j = {f->labels, 0};
    jout_open(&j, '{');
    jout_key(&j, "classes");
    jout_open(&j, '[');
    for (size_t i = 0; i < out->set->count; i++)
        jout_string(&j, out->set->classes[i].name);
    jout_close(&j, ']');
    (void)fputs(",\n\"labels\":{", f->labels);
    (void)fputc('{', f->data);
    return CLI_RUN;
}

static void fiftyone_label(json_out *j, const label_choice *label) {
    jout_open(j, '{');
    jout_key(j, "label"), jout_uint(j, label->class_index);
    jout_key(j, "confidence"), jout_number(j, label->probability);
    jout_key(j, "attributes");
    jout_open(j, '{');
    jout_key(j, "score"), jout_number(j, label->score);
    jout_close(j, '}');
    jout_close(j, '}');
}

static int fiftyone_put(label_out *out, const label_result *r) {
    fiftyone *f = out->state;
    if (!text_is_utf8(r->path)) {
        label_out_leave_out(out, r->path, "FiftyOne cannot hold a name that is not UTF-8");
        return CLI_RUN;
    }
    char *path = path_settle(r->path), key[24];
    if (!text_is_utf8(path)) {
        label_out_leave_out(out, r->path, "its folder has a name that is not UTF-8");
        free(path);
        return CLI_RUN;
    }
    (void)snprintf(key, sizeof key, "%08zu", ++f->count);
    (void)fputs(f->count > 1 ? ",\n" : "\n", f->labels);
    (void)fputs(f->count > 1 ? ",\n" : "\n", f->data);
    json_out j = {f->labels, 0}, d = {f->data, 0};
    jout_key(&d, key);
    jout_string(&d, path);
    free(path);
    jout_key(&j, key);
    if (out->set->multi_label) jout_open(&j, '[');
    int found = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (!r->labels[i].accepted) continue;
        fiftyone_label(&j, &r->labels[i]);
        found = 1;
        if (!out->set->multi_label) break;
    }
    if (out->set->multi_label) {
        jout_close(&j, ']');
    } else if (!found) {
        jout_null(&j);
    }
    return CLI_RUN;
}

static int fiftyone_finish(label_out *out) {
    fiftyone *f = out->state;
    (void)fputs("\n}}\n", f->labels);
    (void)fputs("\n}\n", f->data);
    int code = new_file_commit(f->data, f->data_temporary, f->data_name);
    f->data = NULL, f->data_temporary = NULL;
    if (code == CLI_RUN) {
        code = new_file_commit(f->labels, f->labels_temporary, f->labels_name);
        f->labels = NULL, f->labels_temporary = NULL;
    }
    return code;
}

static void fiftyone_close(label_out *out) {
    fiftyone *f = out->state;
    if (!f) return;
    if (f->labels) new_file_abandon(f->labels, f->labels_temporary);
    if (f->data) new_file_abandon(f->data, f->data_temporary);
    free(f->labels_name);
    free(f->data_name);
    free(f);
}

const label_writer label_out_fiftyone = {
    .open = fiftyone_open, .put = fiftyone_put, .finish = fiftyone_finish, .close = fiftyone_close};
