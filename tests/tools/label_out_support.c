/*
 * label_out_support.c - see label_out_support.h.
 */
#include "label_out_support.h"

#include <errno.h>

const label_class sample_classes[CLASSES] = {
    [DOG] = {"dog", "dog", ""},
    [TERRIER] = {"n01", "animal/dog/terrier", "small and loud"},
    [QUOTED] = {"q", "comma, \"quoted\"\nline", ""},
    [DOTS] = {"..", "..", ""},
    [EMPTY] = {"empty", "", ""},
    [MARKUP] = {"m", "<script>alert('1')</script>&amp;", ""},
    [SLASH] = {"s", "a/b", ""},
};

const char *const sample_paths[PICTURES] = {
    "plain.ppm",         "comma, \"quote\".ppm",  "new\nline.ppm",
    "sub/plain.ppm",     "sub2/PLAIN.ppm",        "caf\xE9.ppm",
    "<b onload=x>&.ppm", "-\xE2\x80\xAE rtl.ppm", "unsure.ppm"};
const size_t sample_truth[PICTURES] = {DOG,   TERRIER, QUOTED, DOG,      DOG,
                                       SLASH, MARKUP,  DOTS,   ABSTAINED};

/* The run's own, which is not linked here. */
const char *label_abstention_name(label_abstention reason) {
    return reason == LABEL_CLAIMED ? NULL : "probability";
}

void sample_make(void) {
    (void)mkdir("sub", 0777);
    (void)mkdir("sub2", 0777);
    for (unsigned i = 0; i < PICTURES; i++)
        write_picture(sample_paths[i], 40 + i, 30, i);
}

label_set sample_set(int multi_label) {
    label_set set = {0};
    set.classes = sample_classes;
    set.count = CLASSES;
    set.multi_label = multi_label;
    set.model_name = "a \"model\"";
    set.model_fingerprint = "00112233445566778899aabbccddeeff";
    set.classifier_id = "ffeeddccbbaa99887766554433221100";
    set.temperature = 1;
    set.min_probability = set.min_margin = -1;
    return set;
}

int sample_write(const label_out_options *o, const label_set *set, int complete) {
    label_out *out = NULL;
    label_totals totals = {PICTURES, 1, 1, complete};
    int code = label_out_open(&out, o, set);
    assert_true((code == CLI_RUN) == (out != NULL));
    for (size_t i = 0; code == CLI_RUN && i < PICTURES; i++) {
        size_t best = sample_truth[i] == ABSTAINED ? EMPTY : sample_truth[i];
        const label_choice labels[] = {
            {best, 0.75 - (double)i / 100, 0.3, sample_truth[i] != ABSTAINED},
            {best == DOG ? QUOTED : DOG, 0.125, 0.2,
             set->multi_label && best != DOG && sample_truth[i] != ABSTAINED}};
        label_result r = {0};
        r.path = sample_paths[i];
        r.id = "";
        r.labels = labels;
        r.count = 2;
        r.abstained = sample_truth[i] == ABSTAINED;
        r.reason = r.abstained ? LABEL_LOW_PROBABILITY : LABEL_CLAIMED;
        r.margin = labels[0].probability - labels[1].probability;
        r.background = -1;
        code = label_out_put(out, &r);
    }
    if (code == CLI_RUN) {
        label_result r = {0};
        r.path = "broken.jpg";
        r.problem = "broken.jpg: no picture";
        code = label_out_put(out, &r);
    }
    if (code == CLI_RUN) code = label_out_finish(out, &totals);
    label_out_free(out);
    return code == CLI_RUN ? 0 : code;
}

json_t *json_file(const char *path) {
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!root) fail_msg("%s: %s, line %d", path, error.text, error.line);
    return root;
}
