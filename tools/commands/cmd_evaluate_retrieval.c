/*
 * cmd_evaluate_retrieval.c - glimpse evaluate retrieval: captions find pictures, pictures captions.
 */
#include "evaluate_out.h"
#include "progress.h"
#include "session.h"
#include "text.h"
#include "tool.h"
#include "vlm_session.h"

#include <glimpse/datasets.h>
#include <glimpse/session_evaluate.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum missing { MISSING_REFUSE = 0, MISSING_SKIP };
static const char *const missing_sources[] = {"refuse", "skip", NULL};

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

static void print_second(const char *title, const glimpse_second_figures *f) {
    (void)printf("\n%-28s   without     with\n", title);
    (void)printf("  %-26s %8.1f%% %8.1f%%\n", "text to image  R@1", 100 * f->without.at_1,
                 100 * f->with.at_1);
    (void)printf("  %-26s %8.1f%% %8.1f%%\n", "text to image  R@5", 100 * f->without.at_5,
                 100 * f->with.at_5);
    (void)printf("  %-26s %8.1f%% %8.1f%%\n", "text to image  R@10", 100 * f->without.at_10,
                 100 * f->with.at_10);
    if (f->vlm.name) {
        char *model = text_display(f->vlm.name);
        (void)printf("  by %s: the best %zu of each query, weight %g; %.1f ms a picture\n", model,
                     f->depth, f->weight,
                     1000 * f->seconds / (double)(f->looked_at + !f->looked_at));
        free(model);
    } else {
        (void)printf("  weight %g\n", f->weight);
    }
    if (f->failed > 0) {
        (void)printf("  %s of %s looks gave no score\n", text_count(f->failed),
                     text_count(f->looked_at));
    }
    (void)printf("  R@1 by weight:");
    for (int w = 0; w < GLIMPSE_SECOND_WEIGHTS; w++)
        (void)printf("  %.1f: %.1f%%", w / 10.0, 100 * f->by_weight[w].at_1);
    (void)putchar('\n');
}

static void recall_json(json_out *j, const char *key, const glimpse_second_recall *r) {
    jout_key(j, key);
    jout_open(j, '{');
    jout_key(j, "t2i_recall@1"), jout_number(j, r->at_1);
    jout_key(j, "t2i_recall@5"), jout_number(j, r->at_5);
    jout_key(j, "t2i_recall@10"), jout_number(j, r->at_10);
    jout_close(j, '}');
}

static void second_json(json_out *j, const char *key, const glimpse_second_figures *f) {
    jout_key(j, key);
    jout_open(j, '{');
    recall_json(j, "without", &f->without);
    recall_json(j, "with", &f->with);
    jout_key(j, "seconds"), jout_number(j, f->seconds);
    jout_key(j, "weight"), jout_number(j, f->weight);
    if (f->vlm.name) {
        jout_path(j, "model", f->vlm.name);
        jout_key(j, "depth"), jout_uint(j, f->depth);
        jout_key(j, "looked_at"), jout_uint(j, f->looked_at);
        jout_key(j, "failed"), jout_uint(j, f->failed);
    }
    jout_key(j, "by_weight");
    jout_open(j, '[');
    for (int w = 0; w < GLIMPSE_SECOND_WEIGHTS; w++) {
        jout_open(j, '{');
        jout_key(j, "weight"), jout_number(j, w / 10.0);
        jout_key(j, "t2i_recall@1"), jout_number(j, f->by_weight[w].at_1);
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_close(j, '}');
}

static void print_json(const glimpse_caption_pairs *c, const glimpse_retrieval_evaluation *e,
                       const glimpse_retrieval_options *how, int ranks) {
    json_out j = {stdout, 0};
    named_figure figures[FIGURES];
    list_figures(e->report, figures);
    jout_open(&j, '{');
    jout_path(&j, "model", e->model);
    jout_key(&j, "fingerprint"), jout_string(&j, e->fingerprint);
    jout_key(&j, "images"), jout_uint(&j, e->image_count);
    jout_key(&j, "texts"), jout_uint(&j, e->text_count);
    jout_key(&j, "pairs"), jout_uint(&j, e->pair_count);
    jout_key(&j, "without_caption"), jout_uint(&j, c->without);
    jout_key(&j, "unreadable"), jout_uint(&j, e->unusable);
    evaluate_json_figures(&j, figures, FIGURES);
    jout_key(&j, "samples"), jout_uint(&j, how->samples);
    jout_key(&j, "seed"), jout_uint(&j, how->seed);
    if (e->rerank) second_json(&j, "rerank", e->rerank);
    if (e->captions) second_json(&j, "captions", e->captions);
    if (ranks) {
        jout_key(&j, "text_ranks");
        jout_open(&j, '[');
        for (size_t i = 0; i < e->text_count; i++) {
            jout_open(&j, '{');
            jout_key(&j, "caption"), jout_string(&j, c->texts[e->texts[i]]);
            jout_key(&j, "rank"), jout_uint(&j, e->report->text_ranks[i]);
            jout_close(&j, '}');
        }
        jout_close(&j, ']');
        jout_key(&j, "image_ranks");
        jout_open(&j, '[');
        for (size_t i = 0; i < e->image_count; i++) {
            jout_open(&j, '{');
            jout_path(&j, "path", c->images[e->images[i]]);
            jout_key(&j, "rank"), jout_uint(&j, e->report->image_ranks[i]);
            jout_close(&j, '}');
        }
        jout_close(&j, ']');
    }
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_people(const glimpse_retrieval_evaluation *e) {
    named_figure figures[FIGURES];
    list_figures(e->report, figures);
    (void)printf("%s, %s\n\n", text_counted(e->text_count, "caption", "captions"),
                 text_counted(e->image_count, "picture", "pictures"));
    evaluate_print_figures(figures, FIGURES);
    if (e->rerank) print_second("Re-ranked", e->rerank);
    if (e->captions) print_second("With stored captions", e->captions);
}

static void on_unusable(void *user, const char *problem) {
    (void)user;
    tool_print("%s", problem);
}

static int evaluate(const session *s, const glimpse_caption_pairs *c,
                    const glimpse_retrieval_options *how, int json, int ranks) {
    const glimpse_retrieval_set set = {c->images,     c->image_count, c->texts,
                                       c->text_count, c->pairs,       c->pair_count};
    glimpse_retrieval_evaluation *e = NULL;
    int status = glimpse_session_evaluate_retrieval(&e, s->base, &set, how);
    progress_clear();
    if (status == GLIMPSE_E_CANCELLED) {
        tool_print("stopped; there are no figures of a part");
        return EXIT_STOPPED;
    }
    if (status < 0) return tool_fail_last();
    if (e->truncated > 0) {
        tool_note("%s longer than the model's context and cut",
                  text_counted(e->truncated, "caption is", "captions are"));
    }
    if (e->rerank) vlm_note_use(&e->rerank->vlm);
    if (json) {
        print_json(c, e, how, ranks);
    } else {
        print_people(e);
    }
    int code = e->unusable > 0 ? EXIT_PARTIAL : EXIT_FOUND;
    glimpse_retrieval_evaluation_free(e);
    return code;
}

static int run(int argc, char **argv) {
    session s = {0};
    glimpse_caption_pairs *c = NULL;
    const char *file = NULL, *directory = NULL;
    uint64_t samples = 1000, seed = 2026, jobs = 0, depth = GLIMPSE_RERANK_DEPTH;
    int json = 0, ranks = 0, missing = MISSING_REFUSE;
    const char *rerank = NULL; /* NULL: not asked for; "": the default */
    vlm_session v = VLM_SESSION_INIT;
    cli_list within = {0};
    glimpse_retrieval_options how = GLIMPSE_RETRIEVAL_OPTIONS_INIT;
    const cli_option options[] = {
        CLI_TEXT(
            "captions", 0, &file, "FILE",
            "CSV or TSV with the columns image and caption, or JSON (COCO captions, or objects "
            "with the same keys) (required)"),
        CLI_TEXT("images", 0, &directory, "DIR",
                 "where the names in it begin (default: beside the file)"),
        CLI_CHOICE("missing", 0, &missing, NULL, "what to do about pictures that cannot be used",
                   missing_sources),
        EVALUATE_SAMPLE_OPTIONS(samples, seed),
        OPTION_DECODE(how.exact_decode),
        OPTION_JOBS(jobs, 64),
        CLI_HEADING("What re-ranking is worth"),
        CLI_OPTIONAL("rerank", 0, &rerank, "MODEL",
                     "also measure glimpse search --rerank, at every weight"),
        OPTION_RERANK_DEPTH(depth),
        VLM_MAX_TOKENS_OPTION(v),
        OPTION_RERANK_WEIGHT(how.rerank_weight),
        CLI_FLAG(
            "blend", 0, &how.captions,
            "also measure glimpse search --captions, with the captions stored in the library, at "
            "every weight"),
        OPTION_CAPTIONS_WEIGHT(how.captions_weight),
        OPTION_IN(within, "with --blend: search only below this folder; may be repeated"),
        OPTION_OUTPUT_HEADING,
        OPTION_JSON(json, "one JSON object"),
        CLI_FLAG("ranks", 0, &ranks, "with --json: also the rank of every caption and picture"),
        SESSION_OPTIONS(s),
        SESSION_MANNERS_OPTIONS(s),
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
    } else if (!(how.rerank_weight >= 0.0 && how.rerank_weight <= 1.0)) {
        code = cli_misuse(&evaluate_retrieval, "--rerank-weight goes from 0 to 1");
    } else if (!(how.captions_weight >= 0.0 && how.captions_weight <= 1.0)) {
        code = cli_misuse(&evaluate_retrieval, "--captions-weight goes from 0 to 1");
    }
    if (code != CLI_RUN) goto done;
    tool_catch_stop();
    if (glimpse_caption_pairs_load(&c, file, directory) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (c->without > 0) {
        tool_note("%s left out: no caption", text_counted(c->without, "row is", "rows are"));
    }
    v.spec = rerank;
    const glimpse_vlm_settings settings = vlm_session_settings(&v);
    how.samples = (unsigned)samples;
    how.within = within.values;
    how.within_count = within.count;
    how.seed = seed;
    how.jobs = (unsigned)jobs;
    how.skip_unusable = missing == MISSING_SKIP;
    how.rerank = rerank != NULL;
    how.rerank_depth = (unsigned)depth;
    how.vlm = &settings;
    how.unusable = on_unusable;
    how.progress = session_show_progress;
    how.cancelled = session_cancelled;
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    code = evaluate(&s, c, &how, json, ranks);
done:
    glimpse_caption_pairs_free(c);
    session_close(&s);
    cli_list_free(&within);
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
