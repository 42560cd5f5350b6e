/*
 * cmd_compare.c - glimpse compare: two pictures side by side: as files, as pixels, as CLIP sees
 * them, and as a vision-language model tells it.
 *
 * Everything but the last works offline and is always there, except for CLIP where there is no
 * model.
 */
#include "json_out.h"
#include "text.h"
#include "tool.h"
#include "vlm_out.h"
#include "vlm_session.h"

#include <glimpse/decisions.h>
#include <glimpse/sys/fingerprint.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {
    [GLIMPSE_VERDICT_REENCODED] = "re-encoded",
    [GLIMPSE_VERDICT_EDITED] = "edited",
    [GLIMPSE_VERDICT_NEAR] = "near",
    [GLIMPSE_VERDICT_DIFFERENT] = "different",
};
static const char *const verdict_words[] = {
    [GLIMPSE_VERDICT_REENCODED] = "the same picture, saved anew",
    [GLIMPSE_VERDICT_EDITED] = "the same picture, edited",
    [GLIMPSE_VERDICT_NEAR] = "another view or moment of the same thing",
    [GLIMPSE_VERDICT_DIFFERENT] = "different pictures",
};
static const struct {
    unsigned bit;
    const char *name;
} edits[] = {{GLIMPSE_EDIT_CROPPED, "cropped"},     {GLIMPSE_EDIT_FRAMED, "framed"},
             {GLIMPSE_EDIT_ROTATED, "rotated"},     {GLIMPSE_EDIT_STRETCHED, "stretched"},
             {GLIMPSE_EDIT_TONES, "tones changed"}, {GLIMPSE_EDIT_COLOURS, "colours changed"},
             {GLIMPSE_EDIT_PARTS, "parts changed"}};

typedef struct comparing {
    const char *paths[2];
    glimpse_image *images[2];
    char ids[2][33];
    glimpse_comparison pixels;
    int turn;
    int has_cosine;
    double cosine;
    glimpse_vlm_answer *answer; /* NULL: no model was asked */
    const char *why_not;        /* then */
} comparing;

/*
 * Pixels.
 */
static void try_hint(comparing *c, const glimpse_thumb *a, const glimpse_thumb *b,
                     const glimpse_warp *hint, int turn) {
    glimpse_comparison tried;
    glimpse_compare(&tried, a, b, hint, turn);
    if (tried.verdict < c->pixels.verdict ||
        (tried.verdict == c->pixels.verdict && tried.score > c->pixels.score)) {
        c->pixels = tried;
        c->turn = turn;
    }
}

/* The window of `of` that looks most like the whole of `whole`. */
static size_t best_window(const glimpse_thumb *of, uint64_t whole) {
    size_t best = 0;
    int closest = 65;
    for (size_t i = 0; i < GLIMPSE_WINDOW_COUNT; i++) {
        const glimpse_window *window = i == 1 ? &of->content : &glimpse_windows[i];
        int distance = glimpse_hamming(glimpse_phash(NULL, of, window), whole);
        if (distance < closest) {
            closest = distance;
            best = i;
        }
    }
    return best;
}

static int compare_pixels(comparing *c) {
    glimpse_thumb *thumbs = xcalloc(2, sizeof *thumbs);
    for (int i = 0; i < 2; i++) {
        if (glimpse_thumb_make(&thumbs[i], c->images[i]) < 0) {
            free(thumbs);
            return tool_fail_last();
        }
    }
    glimpse_compare(&c->pixels, &thumbs[0], &thumbs[1], NULL, 1);
    c->turn = 1;
    /* Turned or mirrored. */
    uint64_t turned[8], first = glimpse_phash(NULL, &thumbs[0], NULL);
    int best = 0;
    glimpse_phash_orientations(turned, NULL, &thumbs[1]);
    for (int o = 1; o < 8; o++) {
        if (glimpse_hamming(turned[o], first) < glimpse_hamming(turned[best], first)) best = o;
    }
    if (best > 0) try_hint(c, &thumbs[0], &thumbs[1], NULL, best + 1);
    /* One a part of the other. */
    const glimpse_window whole = {0.0F, 0.0F, 1.0F, 1.0F};
    size_t of_a = best_window(&thumbs[0], glimpse_phash(NULL, &thumbs[1], NULL));
    size_t of_b = best_window(&thumbs[1], first);
    if (of_a > 0) {
        const glimpse_window *w = of_a == 1 ? &thumbs[0].content : &glimpse_windows[of_a];
        glimpse_warp hint = glimpse_warp_windows(w, &whole);
        try_hint(c, &thumbs[0], &thumbs[1], &hint, 1);
    }
    if (of_b > 0) {
        const glimpse_window *w = of_b == 1 ? &thumbs[1].content : &glimpse_windows[of_b];
        glimpse_warp hint = glimpse_warp_windows(&whole, w);
        try_hint(c, &thumbs[0], &thumbs[1], &hint, 1);
    }
    free(thumbs);
    return CLI_RUN;
}

static int compare_clip(comparing *c, session *s) {
    int code = session_open_model(s, GLIMPSE_TOWER_IMAGE, 2);
    if (code != CLI_RUN) return code;
    size_t size = glimpse_model_embedding_size(s->model);
    float *vectors = xmalloc(2 * size * sizeof *vectors);
    const glimpse_image *const images[] = {c->images[0], c->images[1]};
    if (glimpse_encoder_images(vectors, s->encoder, images, 2, 0) < 0) {
        free(vectors);
        return tool_fail_last();
    }
    c->cosine = 0.0;
    for (size_t i = 0; i < size; i++)
        c->cosine += (double)vectors[i] * (double)vectors[size + i];
    c->has_cosine = 1;
    free(vectors);
    return CLI_RUN;
}

static int compare_words(comparing *c, vlm_session *v) {
    char *prompt = vlm_session_prompt("compare", "");
    if (!prompt) return EXIT_FAILED;
    glimpse_vlm_picture pictures[2] = {GLIMPSE_VLM_PICTURE_INIT, GLIMPSE_VLM_PICTURE_INIT};
    for (int i = 0; i < 2; i++) {
        pictures[i].path = c->paths[i];
        pictures[i].label = i == 0 ? "Picture A:" : "Picture B:";
    }
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    request.pictures = pictures;
    request.picture_count = 2;
    request.text = "compare";
    request.prompt = prompt;
    request.schema = GLIMPSE_VLM_JSON_COMPARE;
    request.samples = (unsigned)v->samples;
    request.keep_metadata = v->keep_metadata;
    int status = glimpse_vlm_ask(&c->answer, v->vlm, &request, &v->run);
    free(prompt);
    if (status == GLIMPSE_E_CANCELLED) return EXIT_STOPPED;
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

/* Asks a model when one was chosen that can look at two pictures. */
static int ask_model(comparing *c, vlm_session *v, session *s, int offline) {
    char spec[4096] = "";
    const char *variable = getenv("GLIMPSE_VLM");
    if (offline) {
        c->why_not = "not asked (--offline)";
        return CLI_RUN;
    }
    if (!v->spec && !(variable && *variable)) {
        if (glimpse_vlm_default_spec(spec, sizeof spec, NULL) < 0) return tool_fail_last();
        if (!*spec) {
            c->why_not = "no vision-language model was chosen (--vlm MODEL)";
            return CLI_RUN;
        }
    }
    const char *chosen = v->spec ? v->spec : variable && *variable ? variable : spec;
    if (!glimpse_vlm_spec_is_remote(chosen)) {
        if (v->spec) return tool_fail("%s: a native model looks at one picture at a time", chosen);
        c->why_not = "the chosen vision-language model looks at one picture at a time";
        return CLI_RUN;
    }
    int code = vlm_session_open(v, s);
    return code == CLI_RUN ? compare_words(c, v) : code;
}

/*
 * Printing.
 */
static void print_edits(json_out *j, unsigned bits) {
    jout_key(j, "edits");
    jout_open(j, '[');
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        if (bits & edits[i].bit) jout_string(j, edits[i].name);
    }
    jout_close(j, ']');
}

static void print_list(json_out *j, const json_t *root, const char *name) {
    size_t i;
    json_t *item;
    jout_key(j, name);
    jout_open(j, '[');
    json_array_foreach(json_object_get(root, name), i, item)
        jout_string(j, json_string_value(item));
    jout_close(j, ']');
}

static void print_json(const comparing *c, const session *s) {
    const glimpse_comparison *p = &c->pixels;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "a", c->paths[0]);
    jout_path(&j, "b", c->paths[1]);
    jout_key(&j, "same_bytes"), jout_bool(&j, strcmp(c->ids[0], c->ids[1]) == 0);
    jout_key(&j, "pixels");
    jout_open(&j, '{');
    jout_key(&j, "relation"), jout_string(&j, verdicts[p->verdict]);
    jout_key(&j, "score"), jout_number(&j, p->score);
    jout_key(&j, "correlation"), jout_number(&j, p->correlation);
    jout_key(&j, "shared_of_a"), jout_number(&j, p->covered[0]);
    jout_key(&j, "shared_of_b"), jout_number(&j, p->covered[1]);
    jout_key(&j, "orientation"), jout_int(&j, c->turn);
    print_edits(&j, p->verdict == GLIMPSE_VERDICT_DIFFERENT ? 0 : p->edits);
    jout_close(&j, '}');
    jout_key(&j, "clip");
    if (c->has_cosine) {
        jout_open(&j, '{');
        jout_key(&j, "model"), jout_string(&j, glimpse_model_name(s->model));
        jout_key(&j, "cosine"), jout_number(&j, c->cosine);
        jout_close(&j, '}');
    } else {
        jout_null(&j);
    }
    jout_key(&j, "vlm");
    if (c->answer) {
        json_t *root = c->answer->json ? json_loads(c->answer->json, 0, NULL) : NULL;
        jout_open(&j, '{');
        if (root) {
            const char *same = json_string_value(json_object_get(root, "same"));
            print_list(&j, root, "similarities");
            print_list(&j, root, "differences");
            jout_text_or_null(&j, "same", same);
        }
        vlm_print_answer(&j, c->answer);
        jout_close(&j, '}');
        json_decref(root);
    } else {
        jout_null(&j);
    }
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_items(const char *title, const json_t *list) {
    size_t i;
    json_t *item;
    (void)printf("%s\n", title);
    json_array_foreach(list, i, item) {
        char *shown = text_display(json_string_value(item));
        (void)printf("  - %s\n", shown);
        free(shown);
    }
}

static void print_words(const comparing *c) {
    if (!c->answer) {
        tool_note("similarities and differences in words: %s", c->why_not);
        return;
    }
    json_t *root = c->answer->json ? json_loads(c->answer->json, 0, NULL) : NULL;
    if (root) {
        const char *same = json_string_value(json_object_get(root, "same"));
        print_items("alike:", json_object_get(root, "similarities"));
        print_items("different:", json_object_get(root, "differences"));
        (void)printf("same object or scene: %s\n", same ? same : "cannot tell");
    } else if (c->answer->outcome == GLIMPSE_VLM_NOT_SENT && *c->answer->text) {
        const glimpse_vlm_picture picture = {.path = c->paths[0]};
        glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
        request.pictures = &picture;
        request.picture_count = 2;
        vlm_print_plan(&request, c->answer);
    } else {
        tool_say("in words: %s: %s", glimpse_vlm_outcome_name(c->answer->outcome),
                 *c->answer->reason ? c->answer->reason : c->answer->text);
    }
    json_decref(root);
}

static void print_people(const comparing *c, const session *s) {
    static const char *const names[] = {"A", "B"};
    const glimpse_comparison *p = &c->pixels;
    for (int i = 0; i < 2; i++) {
        const glimpse_image_meta *meta = glimpse_image_metadata(c->images[i]);
        char *path = text_display(c->paths[i]);
        (void)printf("%s: %s (%u x %u %s%s%s)\n", names[i], path, meta->width, meta->height,
                     glimpse_image_format_name(meta->format), *meta->taken ? ", " : "",
                     meta->taken);
        free(path);
    }
    if (strcmp(c->ids[0], c->ids[1]) == 0) (void)printf("files: the very same bytes\n");
    (void)printf("pixels: %s", verdict_words[p->verdict]);
    if (p->verdict != GLIMPSE_VERDICT_DIFFERENT) {
        for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
            if (p->edits & edits[i].bit) (void)printf(", %s", edits[i].name);
        }
        if (c->turn > 1) (void)printf(", turned or mirrored");
        (void)printf(" (structure %.2f, shared: %.0f%% of A, %.0f%% of B)", p->score,
                     100.0 * p->covered[0], 100.0 * p->covered[1]);
    }
    (void)printf("\n");
    if (c->has_cosine) {
        (void)printf("CLIP: cosine %.3f (%s)\n", c->cosine, glimpse_model_name(s->model));
    }
    print_words(c);
}

static int exit_code(const comparing *c) {
    if (!c->answer) return EXIT_FOUND;
    switch (c->answer->outcome) {
    case GLIMPSE_VLM_FAILED: return EXIT_PARTIAL;
    case GLIMPSE_VLM_NOT_SENT:
        return strcmp(c->answer->reason, "dry run") == 0 ? EXIT_FOUND : EXIT_PARTIAL;
    default: return EXIT_FOUND;
    }
}

static int run(int argc, char **argv) {
    session s = {0};
    vlm_session v = VLM_SESSION_INIT;
    comparing c = {.answer = NULL};
    int json = 0, offline = 0;
    const cli_option options[] = {
        CLI_FLAG("json", 0, &json, "one JSON object"),
        CLI_TEXT("vlm", 0, &v.spec, "MODEL",
                 "who tells it in words: {remote models} (default: $GLIMPSE_VLM, else the "
                 "configuration file's, else nobody)"),
        CLI_FLAG("offline", 0, &offline, "ask no vision-language model"),
        SESSION_MODEL_OPTIONS(s),
        VLM_SESSION_OPTIONS(v),
        CLI_HEADING("Others"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments words = {0};
    int code = cli_parse(&cmd_compare, options, argc, argv, &words);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (words.count != 2) {
        code = cli_misuse(&cmd_compare, "two pictures, not %zu", words.count);
        goto done;
    }
    tool_catch_stop();
    for (int i = 0; i < 2; i++) {
        c.paths[i] = words.words[i];
        if (glimpse_image_load(&c.images[i], c.paths[i], NULL) < 0 ||
            glimpse_content_id(c.ids[i], c.paths[i]) < 0) {
            code = tool_fail_last();
            goto done;
        }
    }
    if ((code = compare_pixels(&c)) != CLI_RUN) goto done;
    if ((code = session_open_library_if_any(&s, 1)) != CLI_RUN) goto done;
    if ((code = compare_clip(&c, &s)) != CLI_RUN) goto done;
    if ((code = ask_model(&c, &v, &s, offline)) != CLI_RUN) goto done;
    if (json)
        print_json(&c, &s);
    else
        print_people(&c, &s);
    code = exit_code(&c);
done:
    glimpse_vlm_answer_free(c.answer);
    glimpse_image_free(c.images[0]);
    glimpse_image_free(c.images[1]);
    vlm_session_close(&v);
    session_close(&s);
    cli_arguments_free(&words);
    return code;
}

const cli_command cmd_compare = {
    "compare",
    "A B",
    "what two pictures have in common",
    "Compares two pictures in three ways: their pixels (the same picture saved anew, edited, "
    "another "
    "view of the same thing, or different; what was cropped, turned or changed), the cosine of "
    "their "
    "CLIP embeddings, and, where a remote vision-language model was chosen, similarities and "
    "differences in words and whether both show the same object. The first two need no network.\n\n"
    "Exit code 3 when the model was to be asked and could not be.",
    "  glimpse compare before.jpg after.jpg\n"
    "  glimpse compare --json --offline a.png b.png\n"
    "  glimpse compare --vlm anthropic:MODEL left.jpg right.jpg\n",
    run,
};
