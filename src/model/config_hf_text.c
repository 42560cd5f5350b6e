/*
 * model/config_hf_text.c - text towers that OpenCLIP takes from transformers (HFTextEncoder): the
 * configuration names the model, and the model's own says the sizes. Those are in the table here;
 * "hf_model_config" stands above them, as it does in open_clip.
 */
#include "core/error.h"
#include "model/config_reader.h"

#include <stdio.h>
#include <string.h>

typedef struct named_text {
    const char *name;
    glimpse_text_architecture architecture;
    size_t width, layers, heads, mlp, positions, vocabulary;
} named_text;

/* As the configurations of these repositories say it. */
static const named_text names[] = {
    {"xlm-roberta-base", GLIMPSE_TEXT_BERT, 768, 12, 12, 3072, 514, 250002},
    {"FacebookAI/xlm-roberta-base", GLIMPSE_TEXT_BERT, 768, 12, 12, 3072, 514, 250002},
    {"xlm-roberta-large", GLIMPSE_TEXT_BERT, 1024, 24, 16, 4096, 514, 250002},
    {"FacebookAI/xlm-roberta-large", GLIMPSE_TEXT_BERT, 1024, 24, 16, 4096, 514, 250002},
    {"facebook/nllb-200-distilled-600M", GLIMPSE_TEXT_M2M, 1024, 12, 16, 4096, 1024, 256206},
    {"facebook/nllb-200-distilled-1.3B", GLIMPSE_TEXT_M2M, 1024, 24, 16, 8192, 1024, 256206},
};

/* What "hf_model_config" may set, sizes first; anything else would change the numbers, or might.
 * The dropouts are those of training. */
static const char *const bert_keys[] = {"hidden_size",
                                        "num_hidden_layers",
                                        "num_attention_heads",
                                        "intermediate_size",
                                        "max_position_embeddings",
                                        "vocab_size",
                                        "hidden_dropout_prob",
                                        "attention_probs_dropout_prob",
                                        NULL};
static const char *const m2m_keys[] = {"d_model",
                                       "encoder_layers",
                                       "encoder_attention_heads",
                                       "encoder_ffn_dim",
                                       "max_position_embeddings",
                                       "vocab_size",
                                       "dropout",
                                       "attention_dropout",
                                       "activation_dropout",
                                       NULL};

static const named_text *find(const char *name) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0) return &names[i];
    return NULL;
}

static void refuse_name(glimpse_config_reader *r, const char *name) {
    char text[400];
    (void)snprintf(text, sizeof text,
                   "%s, a text tower that is not known (of those known, %s and %s are nearest),",
                   name, names[0].name, names[4].name);
    glimpse_config_refuse(r, "hf_model_name", text);
}

static void read_sizes(glimpse_config_reader *r, json_t *own, const named_text *named,
                       const char *const *keys, glimpse_model_config *config) {
    glimpse_config_refuse_unknown(r, own, keys);
    glimpse_tower_config *t = &config->text;
    t->width = glimpse_config_size(r, own, keys[0], named->width, MAX_WIDTH);
    t->layers = glimpse_config_size(r, own, keys[1], named->layers, MAX_LAYERS);
    t->heads = glimpse_config_size(r, own, keys[2], named->heads, MAX_WIDTH);
    t->mlp = glimpse_config_size(r, own, keys[3], named->mlp, 8 * MAX_WIDTH);
    config->positions = glimpse_config_size(r, own, keys[4], named->positions, MAX_CONTEXT);
    config->vocabulary = glimpse_config_size(r, own, keys[5], named->vocabulary, MAX_VOCABULARY);
}

/* The pooler and the projection; configurations of before 2023 write the keys without "hf_". */
static const char *either(glimpse_config_reader *r, json_t *text, const char *key,
                          const char *old_key) {
    return glimpse_config_text(r, text, json_object_get(text, key) ? key : old_key);
}

static void read_pooling(glimpse_config_reader *r, json_t *text, glimpse_model_config *config) {
    const char *pooler = either(r, text, "hf_pooler_type", "pooler_type");
    /* null is the usual one of the architecture; without the key it is that of open_clip. */
    if (!pooler && json_object_get(text, "hf_pooler_type") &&
        config->text_architecture == GLIMPSE_TEXT_M2M)
        pooler = "cls_pooler";
    /* cls_pooler reads what BERT's own pooler says where there is one; M2M's encoder has none. */
    int first =
        pooler &&
        (strcmp(pooler, "cls_last_hidden_state_pooler") == 0 ||
         (strcmp(pooler, "cls_pooler") == 0 && config->text_architecture == GLIMPSE_TEXT_M2M));
    if (pooler && !first && strcmp(pooler, "mean_pooler") != 0)
        glimpse_config_refuse(r, "hf_pooler_type", pooler);
    config->text_pooling = first ? GLIMPSE_TEXT_FIRST : GLIMPSE_TEXT_MEAN;
    const char *projection = either(r, text, "hf_proj_type", "proj");
    if (!projection && json_object_get(text, "hf_proj_type")) {
        glimpse_config_refuse(r, "hf_proj_type", "null, no projection,");
    } else if (!projection || strcmp(projection, "mlp") == 0) {
        config->projection_mid = (config->text.width + config->embedding) / 2;
    } else if (strcmp(projection, "linear") != 0) {
        glimpse_config_refuse(r, "hf_proj_type", projection);
    }
}

void glimpse_config_read_hf_text(glimpse_config_reader *r, json_t *text,
                                 glimpse_model_config *config) {
    const char *name = json_string_value(glimpse_config_member(text, "hf_model_name"));
    const named_text *named = name ? find(name) : NULL;
    if (!named) {
        refuse_name(r, name ? name : "a value that is no name");
        return;
    }
    json_t *own = glimpse_config_object(r, text, "hf_model_config");
    int bert = named->architecture == GLIMPSE_TEXT_BERT;
    config->layout = GLIMPSE_LAYOUT_OPENCLIP_CUSTOM;
    config->text_architecture = named->architecture;
    config->tokenizer = GLIMPSE_TOKENIZER_AUTO;
    read_sizes(r, own, named, bert ? bert_keys : m2m_keys, config);
    config->text.eps = 1e-5f;
    config->text.activation = bert ? GLIMPSE_ACTIVATION_GELU : GLIMPSE_ACTIVATION_RELU;
    config->text.norms = bert ? GLIMPSE_NORM_POST : GLIMPSE_NORM_PRE;
    config->token_types = 1;
    config->end_id = -1;
    read_pooling(r, text, config);
    /* Positions of fairseq's models begin behind that of their padding, which is 1. M2M's table has
     * two rows more than its configuration says. */
    config->first_position = 2;
    size_t rows = bert ? config->positions - config->first_position : config->positions;
    if (r->status == GLIMPSE_OK && (config->positions <= 2 || config->context > rows)) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: texts of %zu tokens (\"context_length\"), but %zu positions",
                                 r->path, config->context, rows);
    }
}
