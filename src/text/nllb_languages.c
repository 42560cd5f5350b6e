/*
 * text/nllb_languages.c - finds a language of NLLB by its name.
 */
#include "text/nllb_languages.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 32 };

const char *const glimpse_nllb_languages[GLIMPSE_NLLB_LANGUAGES] = {
    "ace_Arab", "ace_Latn", "acm_Arab", "acq_Arab", "aeb_Arab", "afr_Latn", "ajp_Arab", "aka_Latn",
    "amh_Ethi", "apc_Arab", "arb_Arab", "ars_Arab", "ary_Arab", "arz_Arab", "asm_Beng", "ast_Latn",
    "awa_Deva", "ayr_Latn", "azb_Arab", "azj_Latn", "bak_Cyrl", "bam_Latn", "ban_Latn", "bel_Cyrl",
    "bem_Latn", "ben_Beng", "bho_Deva", "bjn_Arab", "bjn_Latn", "bod_Tibt", "bos_Latn", "bug_Latn",
    "bul_Cyrl", "cat_Latn", "ceb_Latn", "ces_Latn", "cjk_Latn", "ckb_Arab", "crh_Latn", "cym_Latn",
    "dan_Latn", "deu_Latn", "dik_Latn", "dyu_Latn", "dzo_Tibt", "ell_Grek", "eng_Latn", "epo_Latn",
    "est_Latn", "eus_Latn", "ewe_Latn", "fao_Latn", "pes_Arab", "fij_Latn", "fin_Latn", "fon_Latn",
    "fra_Latn", "fur_Latn", "fuv_Latn", "gla_Latn", "gle_Latn", "glg_Latn", "grn_Latn", "guj_Gujr",
    "hat_Latn", "hau_Latn", "heb_Hebr", "hin_Deva", "hne_Deva", "hrv_Latn", "hun_Latn", "hye_Armn",
    "ibo_Latn", "ilo_Latn", "ind_Latn", "isl_Latn", "ita_Latn", "jav_Latn", "jpn_Jpan", "kab_Latn",
    "kac_Latn", "kam_Latn", "kan_Knda", "kas_Arab", "kas_Deva", "kat_Geor", "knc_Arab", "knc_Latn",
    "kaz_Cyrl", "kbp_Latn", "kea_Latn", "khm_Khmr", "kik_Latn", "kin_Latn", "kir_Cyrl", "kmb_Latn",
    "kon_Latn", "kor_Hang", "kmr_Latn", "lao_Laoo", "lvs_Latn", "lij_Latn", "lim_Latn", "lin_Latn",
    "lit_Latn", "lmo_Latn", "ltg_Latn", "ltz_Latn", "lua_Latn", "lug_Latn", "luo_Latn", "lus_Latn",
    "mag_Deva", "mai_Deva", "mal_Mlym", "mar_Deva", "min_Latn", "mkd_Cyrl", "plt_Latn", "mlt_Latn",
    "mni_Beng", "khk_Cyrl", "mos_Latn", "mri_Latn", "zsm_Latn", "mya_Mymr", "nld_Latn", "nno_Latn",
    "nob_Latn", "npi_Deva", "nso_Latn", "nus_Latn", "nya_Latn", "oci_Latn", "gaz_Latn", "ory_Orya",
    "pag_Latn", "pan_Guru", "pap_Latn", "pol_Latn", "por_Latn", "prs_Arab", "pbt_Arab", "quy_Latn",
    "ron_Latn", "run_Latn", "rus_Cyrl", "sag_Latn", "san_Deva", "sat_Beng", "scn_Latn", "shn_Mymr",
    "sin_Sinh", "slk_Latn", "slv_Latn", "smo_Latn", "sna_Latn", "snd_Arab", "som_Latn", "sot_Latn",
    "spa_Latn", "als_Latn", "srd_Latn", "srp_Cyrl", "ssw_Latn", "sun_Latn", "swe_Latn", "swh_Latn",
    "szl_Latn", "tam_Taml", "tat_Cyrl", "tel_Telu", "tgk_Cyrl", "tgl_Latn", "tha_Thai", "tir_Ethi",
    "taq_Latn", "taq_Tfng", "tpi_Latn", "tsn_Latn", "tso_Latn", "tuk_Latn", "tum_Latn", "tur_Latn",
    "twi_Latn", "tzm_Tfng", "uig_Arab", "ukr_Cyrl", "umb_Latn", "urd_Arab", "uzn_Latn", "vec_Latn",
    "vie_Latn", "war_Latn", "wol_Latn", "xho_Latn", "ydd_Hebr", "yor_Latn", "yue_Hant", "zho_Hans",
    "zho_Hant", "zul_Latn",
};

/* ISO 639-1 to what begins the names; "no" and "ku" are several languages. */
static const struct {
    const char *two, *three;
} short_names[] = {
    {"af", "afr"}, {"ak", "aka"}, {"am", "amh"}, {"ar", "arb"}, {"as", "asm"}, {"ay", "ayr"},
    {"az", "azj"}, {"ba", "bak"}, {"be", "bel"}, {"bg", "bul"}, {"bm", "bam"}, {"bn", "ben"},
    {"bo", "bod"}, {"bs", "bos"}, {"ca", "cat"}, {"cs", "ces"}, {"cy", "cym"}, {"da", "dan"},
    {"de", "deu"}, {"dz", "dzo"}, {"ee", "ewe"}, {"el", "ell"}, {"en", "eng"}, {"eo", "epo"},
    {"es", "spa"}, {"et", "est"}, {"eu", "eus"}, {"fa", "pes"}, {"ff", "fuv"}, {"fi", "fin"},
    {"fj", "fij"}, {"fo", "fao"}, {"fr", "fra"}, {"ga", "gle"}, {"gd", "gla"}, {"gl", "glg"},
    {"gn", "grn"}, {"gu", "guj"}, {"ha", "hau"}, {"he", "heb"}, {"hi", "hin"}, {"hr", "hrv"},
    {"ht", "hat"}, {"hu", "hun"}, {"hy", "hye"}, {"id", "ind"}, {"ig", "ibo"}, {"is", "isl"},
    {"it", "ita"}, {"ja", "jpn"}, {"jv", "jav"}, {"ka", "kat"}, {"kg", "kon"}, {"ki", "kik"},
    {"kk", "kaz"}, {"km", "khm"}, {"kn", "kan"}, {"ko", "kor"}, {"ks", "kas"}, {"ky", "kir"},
    {"lb", "ltz"}, {"lg", "lug"}, {"li", "lim"}, {"ln", "lin"}, {"lo", "lao"}, {"lt", "lit"},
    {"lv", "lvs"}, {"mg", "plt"}, {"mi", "mri"}, {"mk", "mkd"}, {"ml", "mal"}, {"mn", "khk"},
    {"mr", "mar"}, {"ms", "zsm"}, {"mt", "mlt"}, {"my", "mya"}, {"nb", "nob"}, {"ne", "npi"},
    {"nl", "nld"}, {"nn", "nno"}, {"ny", "nya"}, {"oc", "oci"}, {"om", "gaz"}, {"or", "ory"},
    {"pa", "pan"}, {"pl", "pol"}, {"ps", "pbt"}, {"pt", "por"}, {"qu", "quy"}, {"rn", "run"},
    {"ro", "ron"}, {"ru", "rus"}, {"rw", "kin"}, {"sa", "san"}, {"sc", "srd"}, {"sd", "snd"},
    {"sg", "sag"}, {"si", "sin"}, {"sk", "slk"}, {"sl", "slv"}, {"sm", "smo"}, {"sn", "sna"},
    {"so", "som"}, {"sq", "als"}, {"sr", "srp"}, {"ss", "ssw"}, {"st", "sot"}, {"su", "sun"},
    {"sv", "swe"}, {"sw", "swh"}, {"ta", "tam"}, {"te", "tel"}, {"tg", "tgk"}, {"th", "tha"},
    {"ti", "tir"}, {"tk", "tuk"}, {"tl", "tgl"}, {"tn", "tsn"}, {"tr", "tur"}, {"ts", "tso"},
    {"tt", "tat"}, {"tw", "twi"}, {"ug", "uig"}, {"uk", "ukr"}, {"ur", "urd"}, {"uz", "uzn"},
    {"vi", "vie"}, {"wo", "wol"}, {"xh", "xho"}, {"yi", "ydd"}, {"yo", "yor"}, {"zh", "zho"},
    {"zu", "zul"},
};

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '-' ? '_' : c;
}

static int is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

int glimpse_nllb_is_language(const char *name) {
    if (strlen(name) != 8 || name[3] != '_' || name[4] < 'A' || name[4] > 'Z') return 0;
    for (size_t i = 0; i < 8; i++) {
        if (i != 3 && i != 4 && !is_letter(name[i])) return 0;
    }
    return 1;
}

/* Whether `language` is `name`, which is in lower case and may be its beginning up to the script.
 */
static int fits(const char *language, const char *name) {
    size_t i = 0;
    while (name[i] && lower(language[i]) == name[i])
        i++;
    return name[i] == '\0' && (language[i] == '\0' || language[i] == '_');
}

/* How many letters must be changed, added or left out to make one of the other. */
static size_t distance(const char *a, const char *b) {
    size_t row[LONGEST_NAME + 1], columns = strlen(b);
    if (columns > LONGEST_NAME) return LONGEST_NAME;
    for (size_t k = 0; k <= columns; k++)
        row[k] = k;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < columns; k++) {
            size_t best = diagonal + (lower(a[i]) != lower(b[k]));
            if (row[k] + 1 < best) best = row[k] + 1;
            if (row[k + 1] + 1 < best) best = row[k + 1] + 1;
            diagonal = row[k + 1];
            row[k + 1] = best;
        }
    }
    return row[columns];
}

static int fail_unknown(const glimpse_language *languages, size_t count, const char *name,
                        const char *given) {
    const glimpse_language *nearest = NULL;
    size_t min = (size_t)-1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, languages[i].name);
        if (d >= min) continue;
        min = d;
        nearest = &languages[i];
    }
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "\"%.64s\" is none of the tokenizer's %zu languages; the nearest is %s",
                        given, count, nearest ? nearest->name : "none");
}

static int fail_several(const glimpse_language *languages, size_t count, const char *name,
                        const char *given) {
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!fits(languages[i].name, name) || used + LONGEST_NAME > sizeof list) continue;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.16s", used ? ", " : "",
                                 languages[i].name);
    }
    return glimpse_fail(GLIMPSE_E_INVALID, "\"%.64s\" can be any of the languages %s: choose one",
                        given, list);
}

int glimpse_nllb_find(size_t *out, const glimpse_language *languages, size_t count,
                      const char *name) {
    char plain[LONGEST_NAME + 1];
    size_t length = strcspn(name, "-_"), rest = strlen(name + length), matches = 0;
    const char *begin = name;
    char two[3] = "";
    if (length == 2) {
        two[0] = lower(name[0]);
        two[1] = lower(name[1]);
    }
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++) {
        if (strcmp(short_names[i].two, two) == 0) {
            begin = short_names[i].three;
            length = 3;
        }
    }
    if (length + rest > LONGEST_NAME) return fail_unknown(languages, count, "", name);
    memcpy(plain, begin, length);
    memcpy(plain + length, name + strlen(name) - rest, rest);
    plain[length + rest] = '\0';
    for (char *c = plain; *c; c++)
        *c = lower(*c);
    for (size_t i = 0; i < count && *plain; i++) {
        if (!fits(languages[i].name, plain)) continue;
        *out = i;
        matches++;
    }
    if (matches == 1) return GLIMPSE_OK;
    return matches == 0 ? fail_unknown(languages, count, plain, name)
                        : fail_several(languages, count, plain, name);
}
