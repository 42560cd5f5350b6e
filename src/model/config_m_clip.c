/*
 * model/config_m_clip.c - Multilingual-CLIP (Carlsson et al. 2022): a text tower of its own whose
 * vectors lie in the space of somebody else's image tower. Its repository holds the texts' half
 * alone; the model whose pictures it goes with stands in the directory image/ below it.
 *
 * config.json says little: the sizes are those of the tensors, heads are 64 wide as in every model
 * of XLM-R.
 */
#include "core/error.h"
#include "core/file.h"
#include "model/config_reader.h"
#include "model/tensors.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD_WIDTH = 64 };

/* Who has the pictures, by the length of the vectors. */
static const char *image_model_of(size_t dimensions) {
    switch (dimensions) {
    case 512: return "openai/clip-vit-base-patch32";
    case 640: return "OpenCLIP's ViT-B-16-plus-240";
    case 768: return "openai/clip-vit-large-patch14";
    default: return "the CLIP model of the same dimension";
    }
}

static size_t rows_of(glimpse_config_reader *r, const glimpse_tensors *tensors, const char *name) {
    const glimpse_tensor *tensor = glimpse_tensors_find(tensors, name);
    if (r->status < 0) return 0;
    if (tensor && tensor->rank == 2 && tensor->dims[0] > 0 && tensor->dims[0] <= MAX_VOCABULARY)
        return tensor->dims[0];
    r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: has no matrix \"%s\"",
                             glimpse_tensors_path(tensors), name);
    return 0;
}

static void read_sizes(glimpse_config_reader *r, const glimpse_tensors *tensors,
                       glimpse_model_config *config) {
    static const char layers[] = "transformer.encoder.layer.";
    glimpse_tower_config *t = &config->text;
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        const char *name = glimpse_tensors_get(tensors, i)->name;
        if (strncmp(name, layers, sizeof layers - 1) != 0) continue;
        unsigned long layer = strtoul(name + sizeof layers - 1, NULL, 10);
        if (layer >= t->layers && layer < MAX_LAYERS) t->layers = layer + 1;
    }
    t->mlp = rows_of(r, tensors, "transformer.encoder.layer.0.intermediate.dense.weight");
    config->vocabulary = rows_of(r, tensors, "transformer.embeddings.word_embeddings.weight");
    config->positions = rows_of(r, tensors, "transformer.embeddings.position_embeddings.weight");
    config->token_types =
        rows_of(r, tensors, "transformer.embeddings.token_type_embeddings.weight");
    config->first_position = 2; /* behind that of the padding, which is 1 */
    if (r->status == GLIMPSE_OK &&
        (config->positions < 2 + config->first_position || config->positions > MAX_CONTEXT)) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: a table of %zu positions",
                                 glimpse_tensors_path(tensors), config->positions);
    }
    config->context = config->positions - config->first_position;
}

void glimpse_config_m_clip_image(glimpse_config_reader *r, json_t *root, const char *directory,
                                 char **image) {
    const char *base = json_string_value(glimpse_config_member(root, "modelBase"));
    size_t dimensions = glimpse_config_size(r, root, "numDims", 768, MAX_WIDTH);
    *image = NULL;
    if (!base || strncmp(base, "xlm-roberta-", 12) != 0) {
        glimpse_config_refuse(r, "modelBase",
                              base ? base : "a value that is no name (XLM-R's are read)");
    }
    if (r->status < 0) return;
    *image = glimpse_path_join(directory, "image");
    if (!*image) {
        r->status = glimpse_fail_nomem(strlen(directory), "a file name");
    } else if (!glimpse_config_has(directory, "image")) {
        r->status = glimpse_fail(GLIMPSE_E_NOT_FOUND,
                                 "%s: the text tower of a Multilingual-CLIP model, without "
                                 "pictures; put the model whose pictures it goes with, %s, or a "
                                 "link to it, at %s",
                                 directory, image_model_of(dimensions), *image);
    }
}

void glimpse_config_read_m_clip(glimpse_config_reader *r, json_t *root, const char *directory,
                                glimpse_model_config *config) {
    size_t dimensions = glimpse_config_size(r, root, "numDims", 768, MAX_WIDTH);
    size_t width = glimpse_config_size(r, root, "transformerDimensions", 1024, MAX_WIDTH);
    glimpse_tensors *tensors = NULL;
    if (r->status < 0) return;
    if (config->embedding != dimensions) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT,
                         "%s: texts become vectors of %zu numbers (\"numDims\"), pictures "
                         "of the model in image/ of %zu; it goes with %s",
                         r->path, dimensions, config->embedding, image_model_of(dimensions));
    } else {
        r->status = glimpse_tensors_open(&tensors, directory, glimpse_tensors_transformers);
    }
    if (r->status < 0) return;
    config->m_clip = 1;
    config->text_architecture = GLIMPSE_TEXT_BERT;
    config->tokenizer = GLIMPSE_TOKENIZER_AUTO;
    config->text = (glimpse_tower_config){.width = width,
                                          .heads = width / HEAD_WIDTH,
                                          .eps = 1e-5f,
                                          .activation = GLIMPSE_ACTIVATION_GELU,
                                          .norms = GLIMPSE_NORM_POST};
    if (config->text.heads == 0) config->text.heads = 1;
    config->text_pooling = GLIMPSE_TEXT_MEAN;
    config->padding = GLIMPSE_PADDING_NONE;
    config->causal = 0;
    config->start_id = 0; /* that of the pictures' model is of its own texts */
    config->end_id = -1;
    config->projection_mid = 0;
    read_sizes(r, tensors, config);
    if (r->status == GLIMPSE_OK && config->text.layers == 0) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: has no layers (transformer.encoder.layer.N)",
                         glimpse_tensors_path(tensors));
    }
    glimpse_tensors_free(tensors);
}
