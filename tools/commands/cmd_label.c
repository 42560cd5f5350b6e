/*
 * cmd_label.c - glimpse label: class names in, labels out, no training.
 */
#include "cli.h"
#include "json_out.h"
#include "label_out.h"
#include "label_run.h"
#include "label_setup.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What glimpse label is asked to do, beyond the classifier and the output. */
typedef struct request {
    const char *prefix, *resume, *store, *prompt_report, *forget;
    uint64_t top, jobs;
    int all, list;
} request;

/*
 * Labels that are kept in the library.
 */
static int print_labelling(void *user, const glimpse_stored_labelling *l) {
    if (*(const int *)user) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_key(&j, "name"), jout_string(&j, l->name);
        jout_key(&j, "model"), jout_string(&j, l->model);
        jout_key(&j, "fingerprint"), jout_string(&j, l->fingerprint);
        jout_key(&j, "classifier"), jout_string(&j, l->classifier);
        jout_key(&j, "settings"), jout_string(&j, l->settings);
        jout_key(&j, "created"), jout_string(&j, l->created);
        jout_key(&j, "classes"), jout_uint(&j, l->classes);
        jout_key(&j, "pictures"), jout_uint(&j, l->pictures);
        jout_close(&j, '}');
        jout_end(&j);
    } else {
        char *name = text_display(l->name);
        (void)printf("%s: %s pictures, %s classes, model %s, %s UTC\n", name,
                     text_count(l->pictures), text_count(l->classes), l->model, l->created);
        free(name);
    }
    return 0;
}

static int manage_stored(session *s, const request *r, int json) {
    int code = session_open_library(s, 0);
    if (code != CLI_RUN) return code;
    if (r->forget) {
        if (glimpse_library_forget_labelling(s->library, r->forget) < 0) return tool_fail_last();
        return EXIT_FOUND;
    }
    return glimpse_library_labellings(s->library, print_labelling, &json) < 0 ? tool_fail_last()
                                                                              : EXIT_FOUND;
}

/* The rules in force, as JSON, to be kept with the labels. */
static char *settings_text(const label_set *set, const char *classes) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return xstrdup("{}");
    json_out j = {to, 0};
    jout_open(&j, '{');
    jout_key(&j, "classes"), jout_string(&j, classes);
    jout_key(&j, "multi_label"), jout_bool(&j, set->multi_label);
    jout_key(&j, "temperature"), jout_number(&j, set->temperature);
    if (set->offset != 0) jout_key(&j, "offset"), jout_number(&j, set->offset);
    if (set->min_probability >= 0) {
        jout_key(&j, "min_probability"), jout_number(&j, set->min_probability);
    }
    if (set->min_margin >= 0) jout_key(&j, "min_margin"), jout_number(&j, set->min_margin);
    jout_close(&j, '}');
    return fclose(to) == 0 && text ? text : xstrdup("{}");
}

static int open_stored(label_run *work, const request *r) {
    if (!r->store) return CLI_RUN;
    char *settings = settings_text(&work->setup->set, work->setup->classes_text);
    int status =
        glimpse_labelling_create(&work->stored, work->session->library, work->session->model,
                                 work->setup->classifier, r->store, settings);
    free(settings);
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

/* Also after a stop: what was labelled is kept. */
static int commit_stored(label_run *work, const request *r) {
    uint64_t pictures = 0;
    if (!work->stored) return CLI_RUN;
    if (glimpse_labelling_commit(&pictures, work->stored) < 0) return tool_fail_last();
    tool_note("stored as \"%s\": %s pictures have labels", r->store, text_count(pictures));
    if (work->not_in_library > 0) {
        tool_note("%s pictures are not in the library, so their labels were not stored; glimpse "
                  "index adds them",
                  text_count(work->not_in_library));
    }
    return CLI_RUN;
}

/*
 * The run.
 */
static int finish(label_run *work, const request *r, int code) {
    work->totals.complete = code == CLI_RUN;
    if (code == CLI_RUN || code == EXIT_STOPPED) {
        int stored = commit_stored(work, r);
        if (stored != CLI_RUN) code = stored;
        work->totals.complete = code == CLI_RUN;
    }
    int written = label_out_finish(work->out, &work->totals);
    if (code != CLI_RUN) return code;
    if (written != CLI_RUN && written != EXIT_PARTIAL) return written;
    if (work->totals.failed > 0) {
        tool_say("%s could not be labelled", text_count(work->totals.failed));
        return EXIT_PARTIAL;
    }
    if (written == EXIT_PARTIAL) return EXIT_PARTIAL;
    if (work->totals.labelled == 0) {
        tool_note("no pictures found");
        return EXIT_NOTHING;
    }
    return EXIT_FOUND;
}

static int label(session *s, label_setup *setup, const label_out_options *output, const request *r,
                 const cli_arguments *arguments, glimpse_embedder *embedder) {
    label_run work = {.session = s, .setup = setup, .embedder = embedder};
    work.top = r->top ? (size_t)r->top : setup->multi_label ? 0 : 1;
    work.shows_progress = !label_out_goes_to_stdout(output) || !isatty(STDOUT_FILENO);
    int code = open_stored(&work, r);
    if (code == CLI_RUN) code = label_out_open(&work.out, output, &setup->set);
    if (code == CLI_RUN) {
        code = r->all ? label_library(&work, r->prefix)
                      : label_paths(&work, arguments->words, arguments->count);
        code = finish(&work, r, code);
    }
    label_out_free(work.out);
    glimpse_labelling_free(work.stored);
    return code;
}

/* Calibration without pictures to label: its figures are the result. */
static int report_calibration(const label_setup *u) {
    const glimpse_calibration *c = &u->fitted;
    const struct {
        const char *name, *shown;
        double value;
    } figures[] = {
        {"top1", "accuracy", c->accuracy},
        {"temperature", "temperature", u->rules.temperature},
        {"offset", "offset", u->rules.offset}, /* of a sigmoid */
        {"nll_before", "log loss before", c->nll_before},
        {"nll_after", "log loss after", c->nll_after},
        {"ece_before", "ECE before", c->ece_before},
        {"ece", "ECE after", c->ece_after},
        {"precision_target", "precision wanted", c->precision_target},
        {"threshold", "threshold", c->threshold},
        {"precision", "precision", c->precision},
        {"precision_low", "at least (95%)", c->precision_low},
        {"coverage", "expected coverage", c->coverage},
    };
    size_t count = c->target_met ? 12 : 7;
    json_out j = {stdout, 0};
    if (u->json) {
        jout_open(&j, '{');
        jout_key(&j, "samples"), jout_uint(&j, c->samples);
        jout_key(&j, "unknown"), jout_uint(&j, c->unknown);
    } else {
        (void)printf("%-18s %7s\n", "pictures", text_count(c->samples));
        (void)printf("%-18s %7s\n", "of no class", text_count(c->unknown));
    }
    for (size_t i = 0; i < count; i++) {
        if (figures[i].value == 0 && strcmp(figures[i].name, "offset") == 0) continue;
        if (u->json) {
            jout_key(&j, figures[i].name), jout_number(&j, figures[i].value);
        } else {
            (void)printf("%-18s %7.4f\n", figures[i].shown, figures[i].value);
        }
    }
    if (u->json) {
        jout_close(&j, '}');
        jout_end(&j);
    }
    return EXIT_FOUND;
}

static int check_request(const request *r, const label_setup *u, const cli_arguments *arguments) {
    int pictures = r->all || arguments->count > 0;
    if (r->prefix && !r->all) {
        return cli_misuse(&cmd_label, "--in goes with --all; a folder that is given is searched "
                                      "through");
    }
    if (r->all && arguments->count > 0) {
        return cli_misuse(&cmd_label, "--all is the whole library; give paths or --all");
    }
    if (r->prompt_report && pictures) {
        return cli_misuse(&cmd_label, "--prompt-report looks at its own pictures only; leave out "
                                      "the others");
    }
    if (!pictures && !r->prompt_report && !u->calibrate) {
        return cli_misuse(&cmd_label, "which pictures? give folders or files, or --all");
    }
    if (r->store && !*r->store) return cli_misuse(&cmd_label, "--store needs a name");
    if (r->store && !pictures) return cli_misuse(&cmd_label, "--store goes with pictures");
    return CLI_RUN;
}

static int run_with_model(session *s, label_setup *setup, const label_out_options *output,
                          const request *r, const cli_arguments *arguments) {
    glimpse_embedder *embedder = NULL;
    int code = session_open_model(s, GLIMPSE_TOWER_TEXT, 64);
    if (code == CLI_RUN) code = label_setup_classifier(setup, s);
    if (code != CLI_RUN) return code;
    code = session_open_embedder(&embedder, s, (unsigned)r->jobs, r->resume);
    if (code != CLI_RUN) return code;
    if (glimpse_embedder_resumed(embedder) > 0) {
        tool_note("%s: %s embeddings from before", r->resume,
                  text_count(glimpse_embedder_resumed(embedder)));
    }
    tool_catch_stop();
    if (r->prompt_report) {
        code = label_prompt_report(setup, s, embedder, r->prompt_report);
    } else {
        code = label_setup_rules(setup, s, embedder);
        if (code == CLI_RUN) {
            code = r->all || arguments->count > 0 ? label(s, setup, output, r, arguments, embedder)
                                                  : report_calibration(setup);
        }
    }
    glimpse_embedder_close(embedder);
    return code;
}

static int run(int argc, char **argv) {
    session s = {0};
    label_setup setup = {.min_probability = -1, .min_margin = -1};
    label_out_options output = LABEL_OUT_OPTIONS_INIT;
    request r = {0};
    const cli_option options[] = {
        LABEL_SETUP_OPTIONS(setup),
        CLI_TEXT("prompt-report", 0, &r.prompt_report, "DIR|CSV",
                 "how good each template is on pictures whose classes are known"),
        LABEL_RULE_OPTIONS(setup),
        CLI_SIZE("top", 'k', &r.top, "K",
                 "labels per picture (default: 1, or with --multi-label all that are claimed)", 1,
                 100000),
        CLI_HEADING("Which pictures"),
        CLI_FLAG("all", 'a', &r.all, "label every picture of the library"),
        CLI_TEXT("in", 'i', &r.prefix, "PREFIX", "with --all: only those below this folder"),
        CLI_TEXT("resume", 0, &r.resume, "FILE",
                 "keep embeddings in FILE, so that a run that was stopped goes on where it was"),
        CLI_SIZE("jobs", 0, &r.jobs, "N", "worker threads (default: one per core)", 1, 64),
        LABEL_OUT_OPTIONS(output),
        CLI_HEADING("Labels in the library"),
        CLI_TEXT("store", 0, &r.store, "NAME",
                 "keep the labels in the library, for glimpse search --label"),
        CLI_FLAG("stored", 0, &r.list, "list what is kept"),
        CLI_TEXT("forget", 0, &r.forget, "NAME", "forget what was kept under this name"),
        CLI_HEADING("Library and model"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_MODEL_OPTIONS(s),
        SESSION_BACKEND_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_label, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (r.list || r.forget) {
        code = arguments.count > 0 || setup.classes_text || (r.list && r.forget)
                   ? cli_misuse(&cmd_label, "--stored and --forget stand alone")
                   : manage_stored(&s, &r, output.json);
        goto done;
    }
    code = label_setup_check(&setup, &cmd_label);
    if (code == CLI_RUN) code = check_request(&r, &setup, &arguments);
    if (code == CLI_RUN) code = label_out_check(&output, &cmd_label);
    if (code != CLI_RUN) goto done;
    setup.json = output.format == LABEL_OUT_JSONL;
    setup.calibrate_only = !r.all && arguments.count == 0;
    code = r.all || r.store ? session_open_library(&s, 0) : session_open_library_if_any(&s, 1);
    if (code == CLI_RUN) code = run_with_model(&s, &setup, &output, &r, &arguments);
done:
    label_setup_free(&setup);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_label = {
    "label",
    "PATH...",
    "sort pictures into classes you name, without training",
    "Gives every picture the most probable of the classes. Pictures that the library knows are not "
    "decoded again. A CLIP model's probabilities are over the given classes only: name all that "
    "can "
    "occur, or let it abstain (--abstain, or --min-probability, --min-margin, --calibrate). A "
    "SigLIP model's are of each class alone.\n\n"
    "Exit code 3 when some pictures could not be used: they are named on stderr, and with --json "
    "as {\"path\":...,\"error\":...}. Exit code 1 when there are no pictures.",
    "  glimpse label ~/Pictures --classes cat,dog,bird\n"
    "  glimpse label shots -c classes.txt --templates ensemble-7 --csv > labels.csv\n"
    "  glimpse label --all -c @coco80 --top 3 --abstain --store objects\n"
    "  glimpse label new -c kinds.tsv --calibrate known --precision-target 0.95\n"
    "  glimpse label shots -c kinds.json --examples few --report labels.html\n",
    run,
};
