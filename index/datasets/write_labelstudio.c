/*
 * write_labelstudio.c - labels as Label Studio imports them.
 *
 * A list of tasks, each with a prediction; and beside it the labelling configuration
 * whose names (from_name, to_name, choices) the predictions use. Written at the end, so that only a
 * whole list has one.
 */
#include "core/error.h"
#include "dataset_text.h"
#include "text/output/json_out.h"
#include "writer_internal.h"

#include <stdlib.h>
#include <string.h>

static int studio_open(glimpse_dataset_writer *w) {
    w->state = glimpse_zeroed(1, sizeof(size_t)); /* tasks so far */
    if (!w->state) return GLIMPSE_E_NOMEM;
    (void)fputc('[', w->to);
    return GLIMPSE_OK;
}

/* PREFIX and the path, every byte but the plainest as %XX. */
static char *studio_url(const glimpse_dataset_writer *w, const char *path) {
    const char *prefix = w->o.url_prefix ? w->o.url_prefix : "/data/local-files/?d=";
    char *seen = w->o.relative_to ? glimpse_path_seen_from(w->o.relative_to, path, 0)
                                  : glimpse_path_resolved(path);
    if (!seen) return NULL;
    const char *from = seen;
    while (*from == '/')
        from++;
    char *url = glimpse_zeroed(strlen(prefix) + 3 * strlen(from) + 1, 1), *to = url;
    if (url) to += sprintf(to, "%s", prefix);
    for (; url && *from; from++) {
        unsigned char c = (unsigned char)*from;
        int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("/-_.~", c) != NULL;
        to += sprintf(to, plain ? "%c" : "%%%02X", c);
    }
    free(seen);
    return url;
}

static int studio_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    size_t *tasks = w->state;
    json_out j = {w->to, 0};
    char *url = studio_url(w, p->path);
    if (!url) return GLIMPSE_E_NOMEM;
    double min = 1;
    size_t accepted = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (!p->labels[i].accepted) continue;
        accepted++;
        if (p->labels[i].probability < min) min = p->labels[i].probability;
    }
    (void)fputs((*tasks)++ > 0 ? ",\n" : "\n", w->to);
    jout_open(&j, '{');
    jout_key(&j, "data");
    jout_open(&j, '{');
    jout_pair(&j, "image", url);
    jout_close(&j, '}');
    jout_key(&j, "predictions");
    jout_open(&j, '[');
    if (accepted > 0) {
        jout_open(&j, '{');
        jout_pair(&j, "model_version", w->set->model_name ? w->set->model_name : "");
        jout_key(&j, "score"), jout_number(&j, min);
        jout_key(&j, "result");
        jout_open(&j, '[');
        jout_open(&j, '{');
        jout_pair(&j, "id", "label");
        jout_pair(&j, "from_name", "label");
        jout_pair(&j, "to_name", "image");
        jout_pair(&j, "type", "choices");
        jout_key(&j, "value");
        jout_open(&j, '{');
        jout_key(&j, "choices");
        jout_open(&j, '[');
        for (size_t i = 0; i < p->count; i++) {
            if (p->labels[i].accepted) {
                jout_string(&j, w->set->classes[p->labels[i].class_index].name);
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
    return GLIMPSE_OK;
}

static int studio_finish(glimpse_dataset_writer *w) {
    const char *file = w->o.output, *slash = strrchr(file, '/'), *dot = strrchr(file, '.');
    if (!dot || (slash && dot < slash) || dot == file || dot[-1] == '/') dot = file + strlen(file);
    char *name = glimpse_formatted("%.*s-config.xml", (int)(dot - file), file), *temporary = NULL;
    (void)fputs("\n]\n", w->to);
    FILE *to = NULL;
    int status = name ? glimpse_output_open(&to, &temporary, name) : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) {
        (void)fprintf(to,
                      "<View>\n  <Image name=\"image\" value=\"$image\"/>\n"
                      "  <Choices name=\"label\" toName=\"image\" choice=\"%s\">\n",
                      w->set->multi_label ? "multiple" : "single");
        for (size_t i = 0; i < w->set->count; i++) {
            (void)fputs("    <Choice value=\"", to);
            glimpse_xml_text(to, w->set->classes[i].name);
            (void)fputs("\"/>\n", to);
        }
        (void)fputs("  </Choices>\n</View>\n", to);
        status = glimpse_output_commit(to, temporary, name);
    }
    free(name);
    return status;
}

static void studio_close(glimpse_dataset_writer *w) {
    free(w->state);
}

const glimpse_dataset_kind glimpse_dataset_labelstudio = {
    .format = {"labelstudio", ".json", GLIMPSE_DATASET_RELATIVE | GLIMPSE_DATASET_URLS},
    .open = studio_open,
    .add = studio_add,
    .finish = studio_finish,
    .close = studio_close,
    .file = 1};
