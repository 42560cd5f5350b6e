/*
 * cmd_evaluate_retrieval.c - glimpse evaluate retrieval: captions find pictures, pictures captions.
 */
#include "embedder.h"
#include "evaluate_out.h"
#include "evaluate_second.h"
#include "progress.h"
#include "rerank_run.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/datasets.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_AT_ONCE = 64 };
enum missing { MISSING_REFUSE = 0, MISSING_SKIP };
static const char *const missing_ways[] = {"refuse", "skip", NULL};

/* What is measured beside the first stage. */
typedef struct second_options {
    const char *model; /* NULL: no re-ranking; "": the default */
    uint64_t depth;
    double weight;
    int blend; /* stored captions */
    double captions_weight;
    const char *prefix; /* of the pictures in the library */
    vlm_session v;
    second_figures rerank, captions;
} second_options;

/* Rows of pictures that could be read, packed; drop[i] for the others. */
static int embed_images(session *s, unsigned jobs, int exact, const glimpse_caption_pairs *c,
                        float *rows, unsigned char *drop, size_t *dropped) {
    size_t width = glimpse_model_embedding_size(s->model), used = 0;
    glimpse_embedder *e = NULL;
    if (session_open_embedder(&e, s, jobs, exact, NULL) != CLI_RUN) return EXIT_FAILED;
    size_t window = glimpse_embedder_window(e);
    glimpse_embedder_picture *pictures = xcalloc(window, sizeof *pictures);
    float *embeddings = xmalloc(window * width * sizeof *embeddings);
    double start = progress_now();
    int code = CLI_RUN;
    for (size_t first = 0; first < c->image_count && code == CLI_RUN; first += window) {
        size_t n = c->image_count - first < window ? c->image_count - first : window;
        memset(pictures, 0, window * sizeof *pictures);
        for (size_t i = 0; i < n; i++)
            pictures[i].path = c->images[first + i];
        int status = glimpse_embedder_embed(embeddings, e, pictures, n);
        if (status < 0) code = status == GLIMPSE_E_CANCELLED ? EXIT_STOPPED : tool_fail_last();
        for (size_t i = 0; i < n; i++) {
            if (code == CLI_RUN && pictures[i].known) {
                memcpy(rows + used++ * width, embeddings + i * width, width * sizeof *rows);
            } else if (code == CLI_RUN) {
                tool_say("%s", pictures[i].problem ? pictures[i].problem : pictures[i].path);
                drop[first + i] = 1;
                ++*dropped;
            }
        }
        glimpse_embedder_release(pictures, n);
        progress_show("pictures", first + n, c->image_count, 1, progress_now() - start, NULL);
        if (code == CLI_RUN && tool_stopped()) code = EXIT_STOPPED;
    }
    progress_clear();
    free(embeddings);
    free(pictures);
    glimpse_embedder_close(e);
    return code;
}

/* Stored embeddings are half floats: not quite of unit length. */
static void make_unit(float *rows, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < width; k++)
            sum += (double)rows[i * width + k] * (double)rows[i * width + k];
        double scale = sum > 0 ? 1 / sqrt(sum) : 0;
        for (size_t k = 0; k < width; k++)
            rows[i * width + k] = (float)(rows[i * width + k] * scale);
    }
}

static int embed_texts(session *s, const glimpse_caption_pairs *c, float *rows, size_t *cut) {
    size_t width = glimpse_model_embedding_size(s->model);
    double start = progress_now();
    for (size_t first = 0; first < c->text_count; first += TEXTS_AT_ONCE) {
        size_t n = c->text_count - first < TEXTS_AT_ONCE ? c->text_count - first : TEXTS_AT_ONCE;
        int truncated[TEXTS_AT_ONCE] = {0};
        if (glimpse_encoder_texts(rows + first * width, truncated, s->encoder,
                                  (const char *const *)c->texts + first, n, 0) < 0) {
            return tool_fail_last();
        }
        for (size_t i = 0; i < n; i++)
            *cut += truncated[i] != 0;
        progress_show("captions", first + n, c->text_count, 1, progress_now() - start, NULL);
        if (tool_stopped()) return EXIT_STOPPED;
    }
    progress_clear();
    return CLI_RUN;
}

/*
 * Output.
 */
enum { FIGURES = 10 };

static void list_figures(const glimpse_retrieval_report *r, named_figure figures[FIGURES]) {
    const glimpse_recall_report *t = &r->text_to_image, *i = &r->image_to_text;
    const named_figure all[FIGURES] = {
        {"t2i_recall@1", "text to image  R@1", t->recall_at_1, 1},
        {"t2i_recall@5", "text to image  R@5", t->recall_at_5, 1},
        {"t2i_recall@10", "text to image  R@10", t->recall_at_10, 1},
        {"t2i_median_rank", "text to image  median rank", t->median_rank, 0},
        {"t2i_mean_rank", "text to image  mean rank", t->mean_rank, 0},
        {"i2t_recall@1", "image to text  R@1", i->recall_at_1, 1},
        {"i2t_recall@5", "image to text  R@5", i->recall_at_5, 1},
        {"i2t_recall@10", "image to text  R@10", i->recall_at_10, 1},
        {"i2t_median_rank", "image to text  median rank", i->median_rank, 0},
        {"i2t_mean_rank", "image to text  mean rank", i->mean_rank, 0},
    };
    memcpy(figures, all, sizeof all);
}

static void print_json(const session *s, const glimpse_caption_pairs *c,
                       const glimpse_retrieval_report *r, const second_options *second,
                       size_t dropped, uint64_t samples, uint64_t seed, int ranks) {
    json_out j = {stdout, 0};
    named_figure figures[FIGURES];
    list_figures(r, figures);
    jout_open(&j, '{');
    jout_path(&j, "model", glimpse_model_name(s->model));
    jout_key(&j, "fingerprint"), jout_string(&j, glimpse_model_fingerprint(s->model));
    jout_key(&j, "images"), jout_uint(&j, c->image_count);
    jout_key(&j, "texts"), jout_uint(&j, c->text_count);
    jout_key(&j, "pairs"), jout_uint(&j, c->pair_count);
    jout_key(&j, "without_caption"), jout_uint(&j, c->without);
    jout_key(&j, "unreadable"), jout_uint(&j, dropped);
    evaluate_json_figures(&j, figures, FIGURES);
    jout_key(&j, "samples"), jout_uint(&j, samples);
    jout_key(&j, "seed"), jout_uint(&j, seed);
    if (second->model) second_json(&j, "rerank", &second->rerank);
    if (second->blend) second_json(&j, "captions", &second->captions);
    if (ranks) {
        jout_key(&j, "text_ranks");
        jout_open(&j, '[');
        for (size_t i = 0; i < c->text_count; i++) {
            jout_open(&j, '{');
            jout_key(&j, "caption"), jout_string(&j, c->texts[i]);
            jout_key(&j, "rank"), jout_uint(&j, r->text_ranks[i]);
            jout_close(&j, '}');
        }
        jout_close(&j, ']');
        jout_key(&j, "image_ranks");
        jout_open(&j, '[');
        for (size_t i = 0; i < c->image_count; i++) {
            jout_open(&j, '{');
            jout_path(&j, "path", c->images[i]);
            jout_key(&j, "rank"), jout_uint(&j, r->image_ranks[i]);
            jout_close(&j, '}');
        }
        jout_close(&j, ']');
    }
    jout_close(&j, '}');
    jout_end(&j);
}

static int evaluate(session *s, glimpse_caption_pairs *c, second_options *second, unsigned jobs,
                    int exact, int missing, int json, int ranks, uint64_t samples, uint64_t seed) {
    size_t width = glimpse_model_embedding_size(s->model), dropped = 0, cut = 0;
    float *images = xmalloc(c->image_count * width * sizeof *images), *texts = NULL;
    unsigned char *drop = xcalloc(c->image_count, 1);
    glimpse_retrieval_report *report = NULL;
    int code = embed_images(s, jobs, exact, c, images, drop, &dropped);
    if (code != CLI_RUN) goto done;
    if (dropped > 0 && missing == MISSING_REFUSE) {
        code = tool_fail("%s of %s pictures could not be used; leave them and their captions out "
                         "with --missing skip",
                         text_count(dropped), text_count(c->image_count));
        goto done;
    }
    if (glimpse_caption_pairs_drop(c, drop) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (c->image_count == 0) {
        code = tool_fail("no picture could be used");
        goto done;
    }
    texts = xmalloc(c->text_count * width * sizeof *texts);
    if ((code = embed_texts(s, c, texts, &cut)) != CLI_RUN) goto done;
    if (cut > 0) {
        tool_note("%s captions are longer than the model's context and were cut", text_count(cut));
    }
    make_unit(images, c->image_count, width);
    make_unit(texts, c->text_count, width);
    glimpse_eval_options how = GLIMPSE_EVAL_OPTIONS_INIT;
    how.samples = (unsigned)samples;
    how.seed = seed;
    if (glimpse_retrieval_evaluate(&report, texts, c->text_count, images, c->image_count, width,
                                   c->pairs, c->pair_count, &how) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (second->model) {
        code = evaluate_rerank(&second->v, c, texts, images, width, (size_t)second->depth,
                               second->weight, &second->rerank);
        if (code != CLI_RUN) goto done;
    }
    if (second->blend) {
        code = evaluate_blend(s, c, texts, width, second->prefix, second->captions_weight,
                              &second->captions);
        if (code != CLI_RUN) goto done;
    }
    if (json) {
        print_json(s, c, report, second, dropped, samples, seed, ranks);
    } else {
        named_figure figures[FIGURES];
        list_figures(report, figures);
        (void)printf("%s captions, %s pictures\n\n", text_count(c->text_count),
                     text_count(c->image_count));
        evaluate_print_figures(figures, FIGURES);
        if (second->model) second_print("Re-ranked", &second->rerank);
        if (second->blend) second_print("With stored captions", &second->captions);
    }
    code = dropped > 0 ? EXIT_PARTIAL : EXIT_FOUND;
done:
    glimpse_retrieval_report_free(report);
    free(images);
    free(texts);
    free(drop);
    return code;
}

static int run(int argc, char **argv) {
    session s = {0};
    glimpse_caption_pairs *c = NULL;
    const char *file = NULL, *folder = NULL;
    uint64_t samples = 1000, seed = 2026, jobs = 0;
    int json = 0, ranks = 0, exact = 0, missing = MISSING_REFUSE;
    second_options second = {.depth = RERANK_DEPTH,
                             .weight = RERANK_WEIGHT,
                             .captions_weight = GLIMPSE_CAPTIONS_WEIGHT,
                             .v = VLM_SESSION_INIT};
    const cli_option options[] = {
        CLI_TEXT(
            "captions", 'c', &file, "FILE",
            "CSV or TSV with the columns image and caption, or JSON (COCO captions, or objects "
            "with the same keys) (required)"),
        CLI_TEXT("images", 0, &folder, "DIR",
                 "where the names in it begin (default: beside the file)"),
        CLI_CHOICE("missing", 0, &missing, NULL, "what to do about pictures that cannot be used",
                   missing_ways),
        EVALUATE_SAMPLE_OPTIONS(samples, seed),
        SESSION_DECODE_OPTION(exact),
        CLI_SIZE("jobs", 0, &jobs, "N", "worker threads (default: one per core)", 1, 64),
        CLI_HEADING("What a second look is worth"),
        CLI_OPTIONAL("rerank", 0, &second.model, "MODEL",
                     "also measure glimpse search --rerank, at every weight"),
        CLI_SIZE("rerank-depth", 0, &second.depth, "K", "how many it looks at (default: 50)", 1,
                 100000),
        CLI_NUMBER("rerank-weight", 0, &second.weight, "W", "0 to 1 (default: 0.7)"),
        CLI_FLAG(
            "blend", 0, &second.blend,
            "also measure glimpse search --captions, with the captions stored in the library, at "
            "every weight"),
        CLI_NUMBER("captions-weight", 0, &second.captions_weight, "W", "0 to 1 (default: 0.5)"),
        CLI_TEXT("in", 0, &second.prefix, "PREFIX", "with --blend: search only below this folder"),
        CLI_HEADING("Output (a table when none is chosen)"),
        CLI_FLAG("json", 'j', &json, "one JSON object"),
        CLI_FLAG("ranks", 0, &ranks, "with --json: also the rank of every caption and picture"),
        CLI_HEADING("Library and model"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_MODEL_OPTIONS(s),
        SESSION_BACKEND_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&evaluate_retrieval, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (arguments.count > 0) {
        code = cli_misuse(&evaluate_retrieval,
                          "%s: pictures come from the captions file; their "
                          "folder is --images",
                          arguments.words[0]);
    } else if (!file || !*file) {
        code = cli_misuse(&evaluate_retrieval, "which captions? --captions FILE");
    } else if (ranks && !json) {
        code = cli_misuse(&evaluate_retrieval, "--ranks goes with --json");
    } else if (!(second.weight >= 0.0 && second.weight <= 1.0)) {
        code = cli_misuse(&evaluate_retrieval, "--rerank-weight goes from 0 to 1");
    } else if (!(second.captions_weight >= 0.0 && second.captions_weight <= 1.0)) {
        code = cli_misuse(&evaluate_retrieval, "--captions-weight goes from 0 to 1");
    }
    if (code != CLI_RUN) goto done;
    tool_catch_stop();
    if (glimpse_caption_pairs_load(&c, file, folder) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (c->without > 0) {
        tool_note("%s rows have no caption and are left out", text_count(c->without));
    }
    if ((code = session_open_library_if_any(&s, 1)) != CLI_RUN) goto done;
    if ((code = session_open_model(&s, GLIMPSE_TOWER_TEXT, TEXTS_AT_ONCE)) != CLI_RUN) goto done;
    if (second.blend && !s.library) {
        code = tool_fail("--blend searches a library, and there is none");
        goto done;
    }
    if (second.model) {
        second.v.part = "itm";
        if (*second.model) second.v.spec = second.model;
        if ((code = vlm_session_open(&second.v, &s)) != CLI_RUN) goto done;
        /* Only what is paid for is worth keeping here: thousands of looks, each a transaction. */
        if (!glimpse_vlm_is_remote(second.v.vlm)) second.v.run.cache = NULL;
    }
    code = evaluate(&s, c, &second, (unsigned)jobs, exact, missing, json, ranks, samples, seed);
    if (code == EXIT_STOPPED) tool_say("stopped; there are no figures of a part");
done:
    glimpse_caption_pairs_free(c);
    vlm_session_close(&second.v);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command evaluate_retrieval = {
    "evaluate retrieval",
    "--captions FILE",
    "how well captions find their pictures, and pictures their captions",
    "Every caption searches all pictures, and every picture all captions: R@K is the share that "
    "has "
    "a fitting one among the first K, and ranks count from 1. Captions that are equal are one text "
    "that fits all their pictures. Pictures that the library knows are not decoded again.\n\n"
    "Exit code 3 when pictures were left out with --missing skip.",
    "  glimpse evaluate retrieval --captions captions.csv\n"
    "  glimpse evaluate retrieval --captions captions_val2017.json --images val2017 --json\n"
    "  glimpse evaluate retrieval --captions captions.csv --rerank --rerank-depth 20\n",
    run,
};
