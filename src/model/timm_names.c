/*
 * model/timm_names.c - the table of timm's models that publish as image towers of OpenCLIP.
 *
 * The activations are those of timm's definitions, which differ from name to name and, for SigLIP,
 * from what transformers says of the same weights: open_clip, which wrote these files, runs timm's.
 */
#include "model/timm_names.h"

#include <string.h>

/* clang-format off */
static const glimpse_timm_model models[] = {
    /* name, kind, pixels, patch, width, layers, heads, MLP ratio, activation */
    {"vit_xsmall_patch16_clip_224", GLIMPSE_TIMM_CLIP, 224, 16, 256, 10, 4, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_medium_patch32_clip_224", GLIMPSE_TIMM_CLIP, 224, 32, 512, 12, 8, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_medium_patch16_clip_224", GLIMPSE_TIMM_CLIP, 224, 16, 512, 12, 8, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_betwixt_patch32_clip_224", GLIMPSE_TIMM_CLIP, 224, 32, 640, 12, 10, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch32_clip_224", GLIMPSE_TIMM_CLIP, 224, 32, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch32_clip_256", GLIMPSE_TIMM_CLIP, 256, 32, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch32_clip_384", GLIMPSE_TIMM_CLIP, 384, 32, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch32_clip_448", GLIMPSE_TIMM_CLIP, 448, 32, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch16_clip_224", GLIMPSE_TIMM_CLIP, 224, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch16_clip_384", GLIMPSE_TIMM_CLIP, 384, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch16_plus_clip_240", GLIMPSE_TIMM_CLIP, 240, 16, 896, 12, 14, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_large_patch14_clip_224", GLIMPSE_TIMM_CLIP, 224, 14, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_large_patch14_clip_336", GLIMPSE_TIMM_CLIP, 336, 14, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_huge_patch14_clip_224", GLIMPSE_TIMM_CLIP, 224, 14, 1280, 32, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_huge_patch14_clip_336", GLIMPSE_TIMM_CLIP, 336, 14, 1280, 32, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_huge_patch14_clip_378", GLIMPSE_TIMM_CLIP, 378, 14, 1280, 32, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_giant_patch14_clip_224", GLIMPSE_TIMM_CLIP, 224, 14, 1408, 40, 16, 48.0 / 11, GLIMPSE_ACTIVATION_GELU},
    {"vit_gigantic_patch14_clip_224", GLIMPSE_TIMM_CLIP, 224, 14, 1664, 48, 16, 64.0 / 13, GLIMPSE_ACTIVATION_GELU},
    {"vit_gigantic_patch14_clip_378", GLIMPSE_TIMM_CLIP, 378, 14, 1664, 48, 16, 64.0 / 13, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch32_clip_quickgelu_224", GLIMPSE_TIMM_CLIP, 224, 32, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_QUICK_GELU},
    {"vit_base_patch16_clip_quickgelu_224", GLIMPSE_TIMM_CLIP, 224, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_QUICK_GELU},
    {"vit_large_patch14_clip_quickgelu_224", GLIMPSE_TIMM_CLIP, 224, 14, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_QUICK_GELU},
    {"vit_large_patch14_clip_quickgelu_336", GLIMPSE_TIMM_CLIP, 336, 14, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_QUICK_GELU},
    {"vit_huge_patch14_clip_quickgelu_224", GLIMPSE_TIMM_CLIP, 224, 14, 1280, 32, 16, 4.0, GLIMPSE_ACTIVATION_QUICK_GELU},
    {"vit_huge_patch14_clip_quickgelu_378", GLIMPSE_TIMM_CLIP, 378, 14, 1280, 32, 16, 4.0, GLIMPSE_ACTIVATION_QUICK_GELU},
    {"vit_gigantic_patch14_clip_quickgelu_224", GLIMPSE_TIMM_CLIP, 224, 14, 1664, 48, 16, 64.0 / 13, GLIMPSE_ACTIVATION_QUICK_GELU},
    {"vit_base_patch32_siglip_256", GLIMPSE_TIMM_SIGLIP, 256, 32, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU_TANH},
    {"vit_base_patch16_siglip_224", GLIMPSE_TIMM_SIGLIP, 224, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch16_siglip_256", GLIMPSE_TIMM_SIGLIP, 256, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch16_siglip_384", GLIMPSE_TIMM_SIGLIP, 384, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_patch16_siglip_512", GLIMPSE_TIMM_SIGLIP, 512, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_large_patch16_siglip_256", GLIMPSE_TIMM_SIGLIP, 256, 16, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_large_patch16_siglip_384", GLIMPSE_TIMM_SIGLIP, 384, 16, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_large_patch16_siglip_512", GLIMPSE_TIMM_SIGLIP, 512, 16, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_GELU_TANH},
    {"vit_so400m_patch14_siglip_224", GLIMPSE_TIMM_SIGLIP, 224, 14, 1152, 27, 16, 3.7362, GLIMPSE_ACTIVATION_GELU},
    {"vit_so400m_patch14_siglip_378", GLIMPSE_TIMM_SIGLIP, 378, 14, 1152, 27, 16, 3.7362, GLIMPSE_ACTIVATION_GELU},
    {"vit_so400m_patch14_siglip_384", GLIMPSE_TIMM_SIGLIP, 384, 14, 1152, 27, 16, 3.7362, GLIMPSE_ACTIVATION_GELU},
    {"vit_so400m_patch16_siglip_256", GLIMPSE_TIMM_SIGLIP, 256, 16, 1152, 27, 16, 3.7362, GLIMPSE_ACTIVATION_GELU_TANH},
    {"vit_so400m_patch16_siglip_384", GLIMPSE_TIMM_SIGLIP, 384, 16, 1152, 27, 16, 3.7362, GLIMPSE_ACTIVATION_GELU_TANH},
    {"vit_so400m_patch16_siglip_512", GLIMPSE_TIMM_SIGLIP, 512, 16, 1152, 27, 16, 3.7362, GLIMPSE_ACTIVATION_GELU_TANH},
    {"vit_giantopt_patch16_siglip_256", GLIMPSE_TIMM_SIGLIP, 256, 16, 1536, 40, 16, 4.0, GLIMPSE_ACTIVATION_GELU_TANH},
    {"vit_giantopt_patch16_siglip_384", GLIMPSE_TIMM_SIGLIP, 384, 16, 1536, 40, 16, 4.0, GLIMPSE_ACTIVATION_GELU_TANH},
    {"eva_giant_patch14_224", GLIMPSE_TIMM_EVA, 224, 14, 1408, 40, 16, 6144.0 / 1408, GLIMPSE_ACTIVATION_GELU},
    {"eva_giant_patch14_clip_224", GLIMPSE_TIMM_EVA, 224, 14, 1408, 40, 16, 6144.0 / 1408, GLIMPSE_ACTIVATION_GELU},
    {"eva02_base_patch16_clip_224", GLIMPSE_TIMM_EVA02, 224, 16, 768, 12, 12, 8.0 / 3, GLIMPSE_ACTIVATION_GELU},
    {"eva02_large_patch14_clip_224", GLIMPSE_TIMM_EVA02, 224, 14, 1024, 24, 16, 8.0 / 3, GLIMPSE_ACTIVATION_GELU},
    {"eva02_large_patch14_clip_336", GLIMPSE_TIMM_EVA02, 336, 14, 1024, 24, 16, 8.0 / 3, GLIMPSE_ACTIVATION_GELU},
    {"eva02_enormous_patch14_clip_224", GLIMPSE_TIMM_EVA02_POST, 224, 14, 1792, 64, 16, 15360.0 / 1792, GLIMPSE_ACTIVATION_GELU},
    {"vit_pe_core_tiny_patch16_384", GLIMPSE_TIMM_PE, 384, 16, 192, 12, 3, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_pe_core_small_patch16_384", GLIMPSE_TIMM_PE, 384, 16, 384, 12, 6, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_pe_core_base_patch16_224", GLIMPSE_TIMM_PE, 224, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_pe_core_large_patch14_336", GLIMPSE_TIMM_PE, 336, 14, 1024, 24, 16, 4.0, GLIMPSE_ACTIVATION_GELU},
    {"vit_pe_core_gigantic_patch14_448", GLIMPSE_TIMM_PE_NO_CLASS, 448, 14, 1536, 50, 16, 8960.0 / 1536, GLIMPSE_ACTIVATION_GELU},
    {"vit_base_mci_224", GLIMPSE_TIMM_MCI, 224, 16, 768, 12, 12, 4.0, GLIMPSE_ACTIVATION_GELU},
    {NULL, GLIMPSE_TIMM_SIGLIP, 0, 0, 0, 0, 0, 0.0, GLIMPSE_ACTIVATION_NONE}};
/* clang-format on */

const glimpse_timm_model *glimpse_timm_all(void) {
    return models;
}

const glimpse_timm_model *glimpse_timm_find(const char *name) {
    size_t length = strcspn(name, ".");
    for (const glimpse_timm_model *m = models; m->name; m++) {
        if (strlen(m->name) == length && memcmp(m->name, name, length) == 0) return m;
    }
    return NULL;
}

static size_t common(const char *a, const char *b) {
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* By what the family is called and then by the longest common beginning: of a NaFlex SigLIP the
 * nearest is another SigLIP, whatever it begins with. */
const glimpse_timm_model *glimpse_timm_nearest(const char *name) {
    enum { ALIKE = 4, SAME_FAMILY = 100 }; /* "vit_", "eva0" */
    static const char *const families[] = {"siglip", "eva", "pe_core", "mci"};
    const glimpse_timm_model *nearest = NULL;
    size_t best = ALIKE - 1;
    for (const glimpse_timm_model *m = models; m->name; m++) {
        size_t likeness = common(m->name, name);
        for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
            if (strstr(m->name, families[f]) && strstr(name, families[f])) likeness += SAME_FAMILY;
        }
        if (likeness > best) {
            best = likeness;
            nearest = m;
        }
    }
    return nearest;
}

float glimpse_timm_eps(glimpse_timm_kind kind) {
    switch (kind) {
    case GLIMPSE_TIMM_CLIP:
    case GLIMPSE_TIMM_PE:
    case GLIMPSE_TIMM_PE_NO_CLASS: return 1e-5f;
    case GLIMPSE_TIMM_SIGLIP:
    case GLIMPSE_TIMM_EVA:
    case GLIMPSE_TIMM_EVA02:
    case GLIMPSE_TIMM_EVA02_POST:
    case GLIMPSE_TIMM_MCI: break;
    }
    return 1e-6f;
}

glimpse_timm_config glimpse_timm_describe(const glimpse_timm_model *model) {
    enum { EVA02_REFERENCE = 16, PE_POOL_HEADS = 8, POOL_RATIO = 4 };
    glimpse_timm_config t = {.class_token = 1,
                             .rotary_reference = model->image_size / model->patch};
    switch (model->kind) {
    case GLIMPSE_TIMM_SIGLIP:
        t.family = "SigLIP";
        t.class_token = 0;
        t.pool_heads = model->heads;
        t.pool_mlp = (size_t)((double)model->width * model->mlp_ratio);
        break;
    case GLIMPSE_TIMM_CLIP:
        t.family = "CLIP";
        t.first_norm = 1;
        break;
    case GLIMPSE_TIMM_EVA:
        t.family = "EVA-CLIP";
        t.qkv = GLIMPSE_TIMM_QKV_Q_V_BIAS;
        break;
    case GLIMPSE_TIMM_EVA02:
        t.family = "EVA02-CLIP";
        t.qkv = GLIMPSE_TIMM_Q_K_V;
        t.sub_norms = 1;
        t.rotary = GLIMPSE_ROTARY_ROW_FIRST;
        t.rotary_reference = EVA02_REFERENCE;
        break;
    case GLIMPSE_TIMM_EVA02_POST:
        t.family = "EVA02-CLIP";
        t.qkv = GLIMPSE_TIMM_QKV_Q_V_BIAS;
        break;
    case GLIMPSE_TIMM_PE:
    case GLIMPSE_TIMM_PE_NO_CLASS:
        t.family = "PE-Core";
        t.class_token = model->kind == GLIMPSE_TIMM_PE;
        t.first_norm = 1;
        t.rotary = GLIMPSE_ROTARY_COLUMN_FIRST;
        t.rotary_offset = t.class_token;
        t.pool_heads = PE_POOL_HEADS;
        t.pool_mlp = POOL_RATIO * model->width;
        break;
    case GLIMPSE_TIMM_MCI:
        t.family = "MobileCLIP";
        t.stem = 1;
        break;
    }
    return t;
}
