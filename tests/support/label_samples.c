/*
 * label_samples.c - pictures and classes with hostile names, put through a writer of labels.
 */
#include "support/label_samples.h"

#include <errno.h>

const glimpse_label_class sample_classes[CLASSES] = {
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

void sample_make(void) {
    (void)mkdir("sub", 0777);
    (void)mkdir("sub2", 0777);
    for (unsigned i = 0; i < PICTURES; i++)
        write_picture(sample_paths[i], 40 + i, 30, i);
}

glimpse_label_set sample_set(int multi_label) {
    glimpse_label_set set = {0};
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

int sample_give(const glimpse_label_set *set,
                int (*give)(void *to, const glimpse_labelled *picture), void *to) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; status == GLIMPSE_OK && i < PICTURES; i++) {
        size_t best = sample_truth[i] == ABSTAINED ? EMPTY : sample_truth[i];
        const glimpse_label labels[] = {
            {.class_index = best,
             .probability = 0.75 - (double)i / 100,
             .score = 0.3,
             .accepted = sample_truth[i] != ABSTAINED},
            {.class_index = best == DOG ? QUOTED : DOG,
             .probability = 0.125,
             .score = 0.2,
             .accepted = set->multi_label && best != DOG && sample_truth[i] != ABSTAINED}};
        glimpse_labelled p = {0};
        p.path = sample_paths[i];
        p.id = "";
        p.labels = labels;
        p.count = 2;
        p.abstained = sample_truth[i] == ABSTAINED;
        p.reason = p.abstained ? GLIMPSE_ABSTAINED_PROBABILITY : GLIMPSE_CLAIMED;
        p.margin = labels[0].probability - labels[1].probability;
        p.background = -1;
        status = give(to, &p);
    }
    if (status == GLIMPSE_OK) {
        glimpse_labelled p = {0};
        p.path = "broken.jpg";
        p.problem = "broken.jpg: no picture";
        status = give(to, &p);
    }
    return status;
}

static int add(void *to, const glimpse_labelled *picture) {
    return glimpse_dataset_writer_add(to, picture);
}

int sample_write(const glimpse_dataset_options *o, const glimpse_label_set *set, int complete) {
    glimpse_dataset_writer *writer = NULL;
    int status = glimpse_dataset_writer_open(&writer, set, o);
    assert_true((status == GLIMPSE_OK) == (writer != NULL));
    if (status == GLIMPSE_OK) status = sample_give(set, add, writer);
    if (status == GLIMPSE_OK) status = glimpse_dataset_writer_finish(writer, complete);
    if (status == GLIMPSE_OK && complete) {
        status = (int)glimpse_dataset_writer_left_out(writer);
    }
    glimpse_dataset_writer_close(writer);
    return status;
}
