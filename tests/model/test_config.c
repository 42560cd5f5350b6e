/*
 * Configurations are read with the defaults of the classes that wrote them, and what cannot be
 * honoured is refused.
 */
#include "support/temporary.h"

#include "model/config.h"
#include "support/random_model.h"

#include <glimpse/sys/model.h>

static void write_named_file(const char *name, const char *text) {
    if (!text) {
        (void)remove(path_in(temp_directory, name));
        return;
    }
    write_text_in_directory(name, text);
}

static int read_config(glimpse_model_config *config, const char *text, const char *pictures) {
    write_named_file("open_clip_config.json", NULL);
    write_named_file("config.json", text);
    write_named_file("preprocessor_config.json", pictures);
    return glimpse_model_config_read(config, temp_directory);
}

static int read_open_clip(glimpse_model_config *config, const char *text) {
    write_named_file("config.json", NULL);
    write_named_file("preprocessor_config.json", NULL);
    write_named_file("open_clip_config.json", text);
    return glimpse_model_config_read(config, temp_directory);
}

static void absent_keys_take_the_defaults_of_clip_vit_b_32(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_config(&c, "{\"model_type\": \"clip\"}", NULL));
    assert_int_equal(c.vision.width, 768);
    assert_int_equal(c.vision.mlp, 3072);
    assert_int_equal(c.vision.layers, 12);
    assert_int_equal(c.vision.heads, 12);
    assert_int_equal(c.text.width, 512);
    assert_int_equal(c.text.mlp, 2048);
    assert_int_equal(c.text.heads, 8);
    assert_int_equal(c.image_size, 224);
    assert_int_equal(c.patch, 32);
    assert_int_equal(c.context, 77);
    assert_int_equal(c.vocabulary, 49408);
    assert_int_equal(c.embedding, 512);
    assert_int_equal(c.vision.activation, GLIMPSE_ACTIVATION_QUICK_GELU);
    assert_float_equal(c.text.eps, 1e-5, 1e-12);
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_END);
    assert_int_equal(c.end_id, 49407);
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_SHORTEST);
    assert_int_equal(c.preprocess.width, 224);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BICUBIC);
    assert_float_equal(c.preprocess.mean[1], 0.4578275, 1e-7);
}

static void nulls_count_as_absent(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(
        read_config(&c,
                    "{\"model_type\": \"clip\", \"text_config_dict\": null, \"projection_dim\": "
                    "null, \"text_config\": {\"hidden_size\": null}}",
                    NULL));
    assert_int_equal(c.text.width, 512);
    assert_int_equal(c.embedding, 512);
}

static void the_historic_config_dict_wins(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_config(&c,
                          "{\"model_type\": \"clip\", \"text_config\": {\"hidden_size\": 64},"
                          "\"text_config_dict\": {\"hidden_size\": 128}}",
                          NULL));
    assert_int_equal(c.text.width, 128);
}

static void the_old_wrong_end_id_means_the_highest_id(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_config(&c, "{\"model_type\": \"clip\", \"text_config\": {\"eos_token_id\": 2}}",
                          NULL));
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_HIGHEST);
    assert_ok(read_config(&c, "{\"model_type\": \"clip\", \"text_config\": {\"eos_token_id\": 7}}",
                          NULL));
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_END);
    assert_int_equal(c.end_id, 7);
}

static void preprocessing_is_read_in_its_old_and_new_forms(void **unused) {
    (void)unused;
    const char *model = "{\"model_type\": \"clip\", \"vision_config\": {\"image_size\": 48}}";
    glimpse_model_config c;
    assert_ok(read_config(&c, model, "{\"size\": 48, \"crop_size\": 48, \"resample\": 2}"));
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_SHORTEST);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BILINEAR);
    assert_ok(read_config(&c, model,
                          "{\"size\": {\"shortest_edge\": 60}, \"crop_size\": {\"height\": 48, "
                          "\"width\": 48}, \"rescale_factor\": 0.01, \"do_normalize\": false}"));
    assert_int_equal(c.preprocess.resize_width, 60);
    assert_float_equal(c.preprocess.scale, 0.01f, 0);
    assert_int_equal(c.preprocess.normalize, 0);
    /* Pictures that were scaled before they came: the factor does not count, whatever it is. */
    assert_ok(read_config(&c, model,
                          "{\"size\": 48, \"crop_size\": 48, \"do_rescale\": false, "
                          "\"rescale_factor\": 1}"));
    assert_float_equal(c.preprocess.scale, 1, 0);
    assert_ok(read_config(
        &c, model, "{\"size\": {\"height\": 48, \"width\": 48}, \"do_center_crop\": false}"));
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_EXACT);
    assert_int_equal(c.preprocess.width, 48);
}

static void preprocessing_must_end_at_the_models_size(void **unused) {
    (void)unused;
    const char *model = "{\"model_type\": \"clip\", \"vision_config\": {\"image_size\": 48}}";
    glimpse_model_config c;
    assert_int_equal(read_config(&c, model, "{\"size\": 48, \"crop_size\": 40}"), GLIMPSE_E_FORMAT);
    assert_int_equal(read_config(&c, model, "{\"size\": 48, \"do_center_crop\": false}"),
                     GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "48 x 48"));
}

static void open_clip_defaults_differ_and_are_honoured(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_open_clip(
        &c, "{\"model_cfg\": {\"embed_dim\": 640, \"vision_cfg\": {\"image_size\": 240, "
            "\"width\": 896, \"patch_size\": 16}, \"text_cfg\": {}}}"));
    assert_int_equal(c.layout, GLIMPSE_LAYOUT_OPENCLIP);
    assert_int_equal(c.vision.heads, 14);
    assert_int_equal(c.vision.activation, GLIMPSE_ACTIVATION_GELU);
    assert_int_equal(c.preprocess.crop_rule, GLIMPSE_CROP_TORCHVISION);
    assert_int_equal(c.preprocess.width, 240);
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_HIGHEST);
    assert_ok(read_open_clip(
        &c, "{\"model_cfg\": {\"embed_dim\": 24, \"quick_gelu\": true, \"custom_text\": "
            "true, \"vision_cfg\": {\"width\": 72, \"head_width\": 24, \"mlp_ratio\": "
            "4.3637}, \"text_cfg\": {\"heads\": 8}}, \"preprocess_cfg\": "
            "{\"resize_mode\": \"squash\", \"interpolation\": \"bilinear\"}}"));
    assert_int_equal(c.layout, GLIMPSE_LAYOUT_OPENCLIP_CUSTOM);
    assert_int_equal(c.vision.mlp, 314);
    assert_int_equal(c.vision.heads, 3);
    assert_int_equal(c.vision.activation, GLIMPSE_ACTIVATION_QUICK_GELU);
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_EXACT);
}

static void what_cannot_be_honoured_is_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *config, *pictures, *because;
        int status;
    } cases[] = {
        {"{\"model_type\": \"blip\"}", NULL, "blip", GLIMPSE_E_UNSUPPORTED},
        {"{}", NULL, "not the configuration", GLIMPSE_E_UNSUPPORTED},
        {"[]", NULL, "object", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\"", NULL, "line", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\", \"text_config\": 3}", NULL, "text_config", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\", \"text_config\": {\"hidden_act\": \"relu\"}}", NULL, "relu",
         GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"clip\", \"text_config\": {\"hidden_size\": -1}}", NULL, "hidden_size",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\", \"text_config\": {\"hidden_size\": 1e3}}", NULL, "hidden_size",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\", \"text_config\": {\"num_hidden_layers\": 100000000}}", NULL,
         "num_hidden_layers", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\", \"text_config\": {\"num_attention_heads\": 7}}", NULL,
         "multiple", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\", \"vision_config\": {\"num_channels\": 4}}", NULL,
         "num_channels", GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"clip\", \"vision_config\": {\"patch_size\": 500}}", NULL, "patches",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\"}", "{\"resample\": 1}", "resample", GLIMPSE_E_UNSUPPORTED},
        {"{\"model_type\": \"clip\"}", "{\"image_std\": [0, 1, 1]}", "positive", GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\"}", "{\"image_mean\": [0, 1]}", "three numbers",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\"}", "{\"image_mean\": [0, 1, 1, 1]}", "three numbers",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\"}", "{\"image_mean\": [0, 1, \"1\"]}", "three numbers",
         GLIMPSE_E_FORMAT},
        {"{\"model_type\": \"clip\"}", "{\"do_resize\": 1}", "do_resize", GLIMPSE_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_model_config c;
        int status = read_config(&c, cases[i].config, cases[i].pictures);
        if (status != cases[i].status || !strstr(glimpse_last_error(), cases[i].because)) {
            fail_msg("%s: status %d, \"%s\"", cases[i].config, status, glimpse_last_error());
        }
        assert_non_null(strstr(glimpse_last_error(), temp_directory)); /* names the file */
    }
    static const char *const open_clip[] = {
        "{\"model_cfg\": {\"vision_cfg\": {\"timm_model_name\": \"x\"}, \"text_cfg\": {}}}",
        "{\"model_cfg\": {\"vision_cfg\": {}, \"text_cfg\": {\"hf_model_name\": \"x\"}}}",
        "{\"model_cfg\": {\"vision_cfg\": {}, \"text_cfg\": {\"pool_type\": \"first\"}}}",
        "{\"model_cfg\": {\"vision_cfg\": {}, \"text_cfg\": {}}, \"preprocess_cfg\": "
        "{\"resize_mode\": "
        "\"longest\"}}"};
    for (size_t i = 0; i < sizeof open_clip / sizeof open_clip[0]; i++) {
        glimpse_model_config c;
        if (read_open_clip(&c, open_clip[i]) != GLIMPSE_E_UNSUPPORTED) fail_msg("%s", open_clip[i]);
    }
}

/* The sections of open_clip_config.json, each with one more setting than it needs. */
enum { MODEL, VISION, TEXT, PICTURES, SECTIONS };

static int read_with(glimpse_model_config *c, int section, const char *setting) {
    char text[1000];
    const char *more[SECTIONS] = {"", "", "", ""};
    more[section] = setting;
    (void)snprintf(text, sizeof text,
                   "{\"model_cfg\": {%s \"embed_dim\": 512, \"vision_cfg\": {%s \"layers\": 12}, "
                   "\"text_cfg\": {%s \"layers\": 12}}, \"preprocess_cfg\": {%s \"size\": 224}}",
                   more[MODEL], more[VISION], more[TEXT], more[PICTURES]);
    return read_open_clip(c, text);
}

/* What would change vectors and is not done, and what is not known, by its key and its value. */
static void settings_of_open_clip_that_are_not_honoured_are_named(void **unused) {
    (void)unused;
    static const struct {
        int section;
        const char *setting, *value;
    } refused[] = {
        {MODEL, "\"other_cfg\": {\"a\": 1},", "{\"a\":1}"},
        {VISION, "\"global_average_pool\": true,", "true"},
        {VISION, "\"input_patchnorm\": true,", "true"},
        {VISION, "\"scale_heads\": true,", "true"},
        {VISION, "\"scale_attn\": true,", "true"},
        {VISION, "\"scale_attn_inner\": true,", "true"},
        {VISION, "\"scale_fc\": true,", "true"},
        {VISION, "\"qk_norm\": true,", "true"},
        {VISION, "\"pos_embed_type\": \"sin_cos_2d\",", "sin_cos_2d"},
        {VISION, "\"block_type\": \"custom\",", "custom"},
        {VISION, "\"pool_type\": 5,", "5"},
        {VISION, "\"in_chans\": 1,", "1"},
        {VISION, "\"norm_kwargs\": {\"eps\": 0.5},", "{\"eps\":0.5}"},
        {TEXT, "\"text_arch\": \"modern\",", "modern"},
        {TEXT, "\"tokenizer_mode\": \"clips\",", "clips"},
        {TEXT, "\"tokenizer_type\": \"tiktoken\",", "tiktoken"},
        {TEXT, "\"use_pad_mask\": true,", "true"},
        {TEXT, "\"norm_type\": \"rmsnorm\",", "\"rmsnorm\""},
        {TEXT, "\"scale_heads\": true,", "true"},
        {TEXT, "\"scale_fc\": true,", "true"},
        {TEXT, "\"block_type\": \"custom\",", "custom"},
        {TEXT, "\"pool_type\": 5,", "5"},
        {TEXT, "\"proj_type\": 5,", "5"},
        {TEXT, "\"hf_tokenizer_name\": 5,", "5"},
        {TEXT, "\"norm_kwargs\": \"x\",", "\"x\""},
        {TEXT, "\"act_kwargs\": 3,", "3"},
        {PICTURES, "\"mode\": \"L\",", "L"},
        {PICTURES, "\"resize_mode\": 7,", "7"},
        {PICTURES, "\"interpolation\": 7,", "7"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        glimpse_model_config c;
        char expected[100];
        (void)snprintf(expected, sizeof expected, "%.*s %s is not supported",
                       (int)(strchr(refused[i].setting, ':') + 1 - refused[i].setting),
                       refused[i].setting, refused[i].value);
        if (read_with(&c, refused[i].section, refused[i].setting) != GLIMPSE_E_UNSUPPORTED ||
            !strstr(glimpse_last_error(), expected))
            fail_msg("%s: \"%s\"", refused[i].setting, glimpse_last_error());
    }
}

static void settings_of_open_clip_without_effect_are_read(void **unused) {
    (void)unused;
    static const struct {
        int section;
        const char *setting;
    } accepted[] = {
        {MODEL, "\"other_cfg\": null,"},
        {MODEL, "\"init_logit_scale\": 3,"},
        {VISION, "\"pos_embed_type\": \"learnable\","},
        {VISION, "\"block_type\": \"default\","},
        {VISION, "\"attn_pooler_queries\": 256,"},
        {VISION, "\"global_average_pool\": false,"},
        {VISION, "\"patch_dropout\": 0.5,"},
        {TEXT, "\"text_arch\": \"clip\","},
        {TEXT, "\"tokenizer_type\": \"\","},
        {TEXT, "\"pad_id\": 1,"},
        {TEXT, "\"hf_pooler_type\": \"mean_pooler\","},
        {PICTURES, "\"mode\": \"RGB\","},
        {PICTURES, "\"other\": 1,"},
    };
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        glimpse_model_config c;
        if (read_with(&c, accepted[i].section, accepted[i].setting) < 0)
            fail_msg("%s: \"%s\"", accepted[i].setting, glimpse_last_error());
    }
}

static int read_hf_text(glimpse_model_config *c, const char *settings) {
    char text[1000];
    (void)snprintf(text, sizeof text,
                   "{\"model_cfg\": {\"embed_dim\": 512, \"vision_cfg\": {}, \"text_cfg\": {%s}}}",
                   settings);
    return read_open_clip(c, text);
}

/* Without the key it is open_clip's mean; null asks the architecture, and is the first token of
 * M2M. */
static void the_pooler_of_a_named_text_tower_may_be_left_to_it(void **unused) {
    (void)unused;
    glimpse_model_config c;
#define NLLB "\"hf_model_name\": \"facebook/nllb-200-distilled-600M\""
#define XLMR "\"hf_model_name\": \"xlm-roberta-base\""
    assert_ok(read_hf_text(&c, NLLB));
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_MEAN);
    assert_ok(read_hf_text(&c, NLLB ", \"hf_pooler_type\": null"));
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_FIRST);
    assert_ok(read_hf_text(&c, XLMR ", \"hf_pooler_type\": null"));
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_MEAN);
    assert_ok(read_hf_text(&c, XLMR ", \"hf_model_config\": {\"hidden_dropout_prob\": 0.0}"));
    assert_ok(read_hf_text(&c, NLLB ", \"hf_model_config\": {\"dropout\": 0.0}"));
    static const char *const refused[][2] = {
        {XLMR ", \"hf_pooler_type\": 5", "\"hf_pooler_type\": 5 "},
        {XLMR ", \"hf_proj_type\": 5", "\"hf_proj_type\": 5 "},
        {XLMR ", \"hf_proj_type\": null", "\"hf_proj_type\": null"},
        {XLMR ", \"hf_model_config\": 5", "\"hf_model_config\": 5 "},
        {XLMR ", \"hf_model_config\": {\"layer_norm_eps\": 0.5}", "\"layer_norm_eps\": 0.5 "},
        {NLLB ", \"hf_model_config\": {\"scale_embedding\": false}", "\"scale_embedding\": false "},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(read_hf_text(&c, refused[i][0]), GLIMPSE_E_UNSUPPORTED);
        assert_non_null(strstr(glimpse_last_error(), refused[i][1]));
    }
}

/* Causal attention, and positions between pairs of tokens. */
static void other_attention_of_chinese_clip_is_refused(void **unused) {
    (void)unused;
    glimpse_model_config c;
    static const char *const refused[] = {"\"is_decoder\": true", "\"position_embedding_type\": 5",
                                          "\"position_embedding_type\": \"relative_key\""};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[200];
        (void)snprintf(text, sizeof text,
                       "{\"model_type\": \"chinese_clip\", \"text_config\": {%s}}", refused[i]);
        assert_int_equal(read_config(&c, text, NULL), GLIMPSE_E_UNSUPPORTED);
        assert_non_null(strstr(glimpse_last_error(), "is not supported"));
    }
}

/* What is left out of a ResNet's configuration are the sizes of RN50; heads follow from the width.
 */
static void layers_that_are_a_list_are_a_resnet(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_open_clip(&c, "{\"model_cfg\": {\"embed_dim\": 1024, \"vision_cfg\": "
                                 "{\"layers\": [3, 4, 6, 3], \"patch_size\": null}, "
                                 "\"text_cfg\": {}}}"));
    assert_int_equal(c.image_architecture, GLIMPSE_IMAGE_RESNET);
    assert_int_equal(c.image_size, 224);
    assert_int_equal(c.resnet_width, 64);
    assert_int_equal(c.resnet_layers[2], 6);
    assert_int_equal(c.vision.layers, 16);
    assert_int_equal(c.vision.width, 2048);
    assert_int_equal(c.vision.heads, 32);
    assert_int_equal(c.text.activation, GLIMPSE_ACTIVATION_GELU);
    assert_ok(read_open_clip(&c, "{\"model_cfg\": {\"embed_dim\": 640, \"quick_gelu\": true, "
                                 "\"vision_cfg\": {\"image_size\": 288, \"width\": 80, "
                                 "\"layers\": [4, 6, 10, 6]}, \"text_cfg\": {}}}"));
    assert_int_equal(c.vision.heads, 40);
    assert_int_equal(c.text.activation, GLIMPSE_ACTIVATION_QUICK_GELU);
}

static void absent_keys_take_the_defaults_of_siglip_base(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_config(&c, "{\"model_type\": \"siglip\", \"text_config\": null}", NULL));
    assert_int_equal(c.layout, GLIMPSE_LAYOUT_SIGLIP);
    const glimpse_tower_config *towers[] = {&c.vision, &c.text};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(towers[i]->width, 768);
        assert_int_equal(towers[i]->mlp, 3072);
        assert_int_equal(towers[i]->layers, 12);
        assert_int_equal(towers[i]->heads, 12);
        assert_float_equal(towers[i]->eps, 1e-6, 1e-12);
        assert_int_equal(towers[i]->activation, GLIMPSE_ACTIVATION_GELU_TANH);
    }
    assert_int_equal(c.context, 64);
    assert_int_equal(c.vocabulary, 32000);
    assert_int_equal(c.image_size, 224);
    assert_int_equal(c.patch, 16);
    assert_int_equal(c.embedding, 768);
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_EXACT);
    assert_int_equal(c.preprocess.width, 224);
    assert_int_equal(c.preprocess.center_crop, 0);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BICUBIC);
    assert_float_equal(c.preprocess.mean[1], 0.5, 1e-9);
    assert_float_equal(c.preprocess.std[2], 0.5, 1e-9);
    /* Of its own size, and told how by the file; do_center_crop means nothing to its class. */
    assert_ok(read_config(&c,
                          "{\"model_type\": \"siglip\", \"vision_config\": {\"image_size\": 58, "
                          "\"patch_size\": 14, \"hidden_act\": \"gelu\"}}",
                          "{\"size\": 58, \"resample\": 2, \"do_center_crop\": true, "
                          "\"image_mean\": [0.1, 0.2, 0.3]}"));
    assert_int_equal(c.preprocess.resize_height, 58);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BILINEAR);
    assert_int_equal(c.preprocess.center_crop, 0);
    assert_float_equal(c.preprocess.mean[2], 0.3, 1e-9);
    assert_int_equal(c.vision.activation, GLIMPSE_ACTIVATION_GELU);
    assert_int_equal(c.text.activation, GLIMPSE_ACTIVATION_GELU_TANH);
}

static void the_image_processor_may_be_of_the_other_class(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_config(&c, "{\"model_type\": \"siglip\"}",
                          "{\"image_processor_type\": \"CLIPImageProcessor\"}"));
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_SHORTEST);
    assert_true(c.preprocess.center_crop);
    assert_float_equal(c.preprocess.mean[0], 0.48145466, 1e-7);
    assert_ok(read_config(&c, "{\"model_type\": \"clip\"}",
                          "{\"image_processor_type\": \"SiglipImageProcessorFast\"}"));
    assert_int_equal(c.preprocess.resize, GLIMPSE_RESIZE_EXACT);
    assert_float_equal(c.preprocess.mean[0], 0.5, 1e-9);
}

static void newer_directories_have_one_file_for_all_processors(void **unused) {
    (void)unused;
    glimpse_model_config c;
    write_named_file("processor_config.json", "{\"image_processor\": {\"image_processor_type\": "
                                              "\"SiglipImageProcessor\", \"resample\": 2}}");
    assert_ok(read_config(&c, "{\"model_type\": \"siglip\"}", NULL));
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BILINEAR);
    assert_ok(read_config(&c, "{\"model_type\": \"siglip\"}", "{\"resample\": 3}"));
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BICUBIC); /* the older file wins */
    write_named_file("processor_config.json", "{\"image_processor\": {\"resample\": 1}}");
    assert_int_equal(read_config(&c, "{\"model_type\": \"siglip\"}", NULL), GLIMPSE_E_UNSUPPORTED);
    write_named_file("processor_config.json", "{\"processor_class\": \"SiglipProcessor\"}");
    assert_ok(read_config(&c,
                          "{\"model_type\": \"siglip\", \"vision_config\": {\"image_size\": "
                          "384}}",
                          NULL));
    write_named_file("processor_config.json", NULL);
}

static void siglip_settings_that_cannot_be_honoured_are_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *config, *pictures;
        int status;
        const char *message;
    } cases[] = {
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"vision_use_head\": false}}", NULL,
         GLIMPSE_E_UNSUPPORTED, "vision_use_head"},
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"hidden_act\": \"relu\"}}", NULL,
         GLIMPSE_E_UNSUPPORTED, "relu"},
        {"{\"model_type\": \"siglip\", \"text_config\": {\"hidden_size\": 384}}", NULL,
         GLIMPSE_E_FORMAT, "384"},
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"num_attention_heads\": 7}}", NULL,
         GLIMPSE_E_FORMAT, "7 heads"},
        {"{\"model_type\": \"siglip\"}", "{\"size\": {\"shortest_edge\": 224}}",
         GLIMPSE_E_UNSUPPORTED, "height"},
        {"{\"model_type\": \"siglip\"}", "{\"size\": {\"height\": 384, \"width\": 384}}",
         GLIMPSE_E_FORMAT, "224 x 224"},
        {"{\"model_type\": \"siglip\"}", "{\"do_resize\": false}", GLIMPSE_E_FORMAT, "224 x 224"},
        {"{\"model_type\": \"siglip\"}", "{\"image_std\": [0.5, 0, 0.5]}", GLIMPSE_E_FORMAT,
         "positive"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_model_config c;
        int status = read_config(&c, cases[i].config, cases[i].pictures);
        if (status != cases[i].status || !strstr(glimpse_last_error(), cases[i].message)) {
            fail_msg("%s: status %d, \"%s\"", cases[i].config, status, glimpse_last_error());
        }
    }
}

static void a_directory_that_is_no_model_says_what_is_missing(void **unused) {
    (void)unused;
    glimpse_model *model = NULL;
    assert_int_equal(glimpse_model_open(&model, "/nonexistent/model", NULL), GLIMPSE_E_NOT_FOUND);
    assert_null(model);
    write_named_file("config.json", NULL);
    write_named_file("open_clip_config.json", NULL);
    write_named_file("preprocessor_config.json", NULL);
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "config.json"));
    write_named_file("config.json", "{\"model_type\": \"clip\"}");
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "safetensors"));
    assert_int_equal(glimpse_model_open(&model, path_in(temp_directory, "config.json"), NULL),
                     GLIMPSE_E_INVALID);
}

static void weights_of_another_shape_are_refused(void **unused) {
    (void)unused;
    char path[1100];
    (void)snprintf(path, sizeof path, "%s/mixed", temp_directory);
    random_model tiny = random_model_tiny(), wider = tiny;
    assert_true(random_model_write(&tiny, path));
    wider.vision_mlp = 128;
    char other[1100];
    (void)snprintf(other, sizeof other, "%s/wider", temp_directory);
    assert_true(random_model_write(&wider, other));
    char command[2400];
    (void)snprintf(command, sizeof command, "cp '%s/config.json' '%s/config.json'", other, path);
    assert_int_equal(system(command), 0);
    glimpse_model *model = NULL;
    assert_int_equal(glimpse_model_open(&model, path, NULL), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "the configuration says"));
}

static void the_fingerprint_follows_what_decides_the_vectors(void **unused) {
    (void)unused;
    char path[1100], first[33], again[33], changed[33];
    (void)snprintf(path, sizeof path, "%s/print", temp_directory);
    random_model model = random_model_tiny();
    assert_true(random_model_write(&model, path));
    assert_ok(glimpse_model_read_fingerprint(first, path));
    assert_ok(glimpse_model_read_fingerprint(again, path));
    assert_string_equal(first, again);
    random_model variants[4] = {model, model, model, model};
    variants[0].seed = 2;
    variants[1].activation = "gelu";
    variants[2].dtype = "BF16";
    variants[3].vision_heads = 6;
    for (size_t i = 0; i < 4; i++) {
        assert_true(random_model_write(&variants[i], path));
        assert_ok(glimpse_model_read_fingerprint(changed, path));
        assert_string_not_equal(first, changed);
    }
    model.shards = 3;
    assert_true(random_model_write(&model, path));
    glimpse_model *opened = NULL;
    assert_ok(glimpse_model_open(&opened, path, NULL));
    assert_int_equal(strlen(glimpse_model_fingerprint(opened)), 32);
    assert_string_equal(glimpse_model_name(opened), "print");
    glimpse_model_close(opened);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_keys_take_the_defaults_of_clip_vit_b_32),
        cmocka_unit_test(nulls_count_as_absent),
        cmocka_unit_test(the_historic_config_dict_wins),
        cmocka_unit_test(the_old_wrong_end_id_means_the_highest_id),
        cmocka_unit_test(preprocessing_is_read_in_its_old_and_new_forms),
        cmocka_unit_test(preprocessing_must_end_at_the_models_size),
        cmocka_unit_test(open_clip_defaults_differ_and_are_honoured),
        cmocka_unit_test(what_cannot_be_honoured_is_refused),
        cmocka_unit_test(settings_of_open_clip_that_are_not_honoured_are_named),
        cmocka_unit_test(settings_of_open_clip_without_effect_are_read),
        cmocka_unit_test(the_pooler_of_a_named_text_tower_may_be_left_to_it),
        cmocka_unit_test(other_attention_of_chinese_clip_is_refused),
        cmocka_unit_test(layers_that_are_a_list_are_a_resnet),
        cmocka_unit_test(absent_keys_take_the_defaults_of_siglip_base),
        cmocka_unit_test(the_image_processor_may_be_of_the_other_class),
        cmocka_unit_test(newer_directories_have_one_file_for_all_processors),
        cmocka_unit_test(siglip_settings_that_cannot_be_honoured_are_refused),
        cmocka_unit_test(a_directory_that_is_no_model_says_what_is_missing),
        cmocka_unit_test(weights_of_another_shape_are_refused),
        cmocka_unit_test(the_fingerprint_follows_what_decides_the_vectors),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
