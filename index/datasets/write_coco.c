/*
 * write_coco.c - labels as COCO annotations.
 *
 * Images, categories, annotations. A label of the whole picture is an annotation whose box is
 * the picture, so that tools which insist on a box read it too; `score` is the probability, as in
 * COCO results. Ids count from 1; categories are in the order of the classes.
 *
 * JSON has no way to hold a path that is not UTF-8, and a replacement character would name a file
 * that does not exist. So such a picture is left out, and told.
 */
#include "core/error.h"
#include "dataset_text.h"
#include "text/output/json_out.h"
#include "writer_internal.h"

#include <stdlib.h>

typedef struct coco {
    FILE *annotations;
    size_t images, labels;
} coco;

static int coco_open(glimpse_dataset_writer *w) {
    coco *c = w->state = glimpse_zeroed(1, sizeof *c);
    if (!c) return GLIMPSE_E_NOMEM;
    c->annotations = tmpfile();
    if (!c->annotations) return glimpse_fail_errno("cannot make a temporary file");
    json_out j = {w->to, 0};
    jout_open(&j, '{');
    jout_key(&j, "info");
    jout_open(&j, '{');
    jout_pair(&j, "description", "labels proposed by glimpse");
    jout_pair(&j, "version", "1.0");
    jout_pair(&j, "contributor", w->set->model_name ? w->set->model_name : "");
    jout_close(&j, '}');
    jout_key(&j, "licenses");
    jout_open(&j, '['), jout_close(&j, ']');
    jout_key(&j, "categories");
    jout_open(&j, '[');
    for (size_t i = 0; i < w->set->count; i++) {
        const char *name = w->set->classes[i].name;
        jout_open(&j, '{');
        jout_key(&j, "id"), jout_uint(&j, i + 1);
        jout_pair(&j, "name", name);
        char *parent = glimpse_formatted("%.*s", (int)glimpse_class_parent_length(name), name);
        if (!parent) return GLIMPSE_E_NOMEM;
        jout_pair(&j, "supercategory", parent);
        jout_close(&j, '}');
        free(parent);
    }
    jout_close(&j, ']');
    (void)fputs(",\n\"images\":[", w->to);
    return GLIMPSE_OK;
}

static int coco_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    coco *c = w->state;
    uint32_t width = 0, height = 0;
    if (!glimpse_text_is_utf8(p->path)) {
        glimpse_dataset_leave_out(w, p->path, "COCO cannot hold a name that is not UTF-8");
        return GLIMPSE_OK;
    }
    if (glimpse_dataset_picture_size(&width, &height, p) < 0) {
        glimpse_dataset_leave_out(w, p->path, glimpse_last_error());
        return GLIMPSE_OK;
    }
    char *path = glimpse_path_seen_from(w->o.relative_to, p->path, 0);
    if (!path) return GLIMPSE_E_NOMEM;
    (void)fputs(c->images++ > 0 ? ",\n" : "\n", w->to);
    json_out j = {w->to, 0};
    jout_open(&j, '{');
    jout_key(&j, "id"), jout_uint(&j, c->images);
    jout_pair(&j, "file_name", path);
    jout_key(&j, "width"), jout_uint(&j, width);
    jout_key(&j, "height"), jout_uint(&j, height);
    jout_close(&j, '}');
    free(path);
    for (size_t i = 0; i < p->count; i++) {
        if (!p->labels[i].accepted) continue;
        (void)fputs(c->labels++ > 0 ? ",\n" : "\n", c->annotations);
        json_out a = {c->annotations, 0};
        jout_open(&a, '{');
        jout_key(&a, "id"), jout_uint(&a, c->labels);
        jout_key(&a, "image_id"), jout_uint(&a, c->images);
        jout_key(&a, "category_id"), jout_uint(&a, p->labels[i].class_index + 1);
        jout_key(&a, "bbox");
        jout_open(&a, '[');
        jout_uint(&a, 0), jout_uint(&a, 0), jout_uint(&a, width), jout_uint(&a, height);
        jout_close(&a, ']');
        jout_key(&a, "area"), jout_uint(&a, (uint64_t)width * height);
        jout_key(&a, "segmentation");
        jout_open(&a, '['), jout_close(&a, ']');
        jout_key(&a, "iscrowd"), jout_uint(&a, 0);
        jout_key(&a, "score"), jout_number(&a, p->labels[i].probability);
        jout_close(&a, '}');
    }
    return GLIMPSE_OK;
}

static int coco_finish(glimpse_dataset_writer *w) {
    coco *c = w->state;
    (void)fputs("\n],\n\"annotations\":[", w->to);
    int status = glimpse_output_append(w->to, c->annotations);
    if (status < 0) return status;
    (void)fputs("\n]}\n", w->to);
    return GLIMPSE_OK;
}

static void coco_close(glimpse_dataset_writer *w) {
    coco *c = w->state;
    if (c && c->annotations) (void)fclose(c->annotations);
    free(c);
}

const glimpse_dataset_kind glimpse_dataset_coco = {
    .format = {"coco", ".json", GLIMPSE_DATASET_RELATIVE},
    .open = coco_open,
    .add = coco_add,
    .finish = coco_finish,
    .close = coco_close,
    .file = 1};
