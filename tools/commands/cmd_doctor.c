/*
 * cmd_doctor.c - glimpse doctor: what this build and this machine can do, and where things are.
 *
 * Backends are tried rather than believed: the text tower of the model that would be used is
 * opened with each.
 */
#include "cli.h"
#include "json_out.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/build.h>
#include <glimpse/filters.h>
#include <glimpse/glimpse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
# include <cpuid.h>
#endif

typedef struct cpu_features {
    char name[64];
    int avx2, avx512, avx512_bf16, amx_bf16, amx_int8;
    long cores;
} cpu_features;

typedef struct report {
    cpu_features cpu;
    const char *library, *models, *model; /* paths; NULL when there is none */
    int library_exists, model_exists;
    /* A place for every name in glimpse_backend_names(). */
    size_t backend_count;
    char **backends;            /* what the model says it runs on, NULL: does not work here */
    char **backend_problem;     /* why not */
    const char *auto_precision; /* NULL when no model could be opened */
    char *auto_backend;
    glimpse_weights_cache_status weights;
} report;

static void look_at_cpu(cpu_features *cpu) {
    memset(cpu, 0, sizeof *cpu);
    cpu->cores = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__x86_64__) || defined(__i386__)
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        cpu->avx2 = __builtin_cpu_supports("avx2") != 0;
        cpu->avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
        cpu->amx_bf16 = d >> 22 & 1;
        cpu->amx_int8 = d >> 25 & 1;
    }
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) cpu->avx512_bf16 = cpu->avx512 && (a >> 5 & 1);
    unsigned words[13] = {0};
    if (__get_cpuid(0x80000000u, &a, &b, &c, &d) && a >= 0x80000004u) {
        for (unsigned i = 0; i < 3; i++) {
            (void)__get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                              &words[4 * i + 3]);
        }
        memcpy(cpu->name, words, 48);
        size_t skip = strspn(cpu->name, " ");
        memmove(cpu->name, cpu->name + skip, strlen(cpu->name + skip) + 1);
    }
#endif
    if (!*cpu->name) (void)snprintf(cpu->name, sizeof cpu->name, "unknown");
}

static void try_backends(report *r) {
    for (size_t backend = 0; backend < r->backend_count; backend++) {
        glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
        glimpse_model *model = NULL;
        options.backend = (glimpse_backend)backend;
        options.precision = backend == 0 ? GLIMPSE_PRECISION_AUTO : GLIMPSE_PRECISION_F32;
        options.towers = GLIMPSE_TOWER_TEXT;
        /* Only to be tried: not worth a file of prepared weights. */
        if (backend != 0) options.flags = GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
        if (glimpse_model_open(&model, r->model, &options) < 0) {
            r->backend_problem[backend] = xstrdup(glimpse_last_error());
            continue;
        }
        if (backend == 0) {
            r->auto_precision = glimpse_precision_names()[glimpse_model_precision(model)];
            r->auto_backend = xstrdup(glimpse_model_backend_name(model));
        }
        r->backends[backend] = xstrdup(glimpse_model_backend_name(model));
        glimpse_model_close(model);
    }
}

static void print_json(const report *r) {
    json_out j = {stdout, 0};
    size_t count = 0;
    const glimpse_build_part *parts = glimpse_build_parts(&count);
    jout_open(&j, '{');
    jout_key(&j, "glimpse"), jout_string(&j, glimpse_version());
    jout_key(&j, "parts");
    jout_open(&j, '{');
    for (size_t i = 0; i < count; i++) {
        jout_key(&j, parts[i].name);
        jout_string(&j, parts[i].version);
    }
    jout_close(&j, '}');
    jout_key(&j, "formats");
    jout_open(&j, '{');
    for (int f = GLIMPSE_FORMAT_UNKNOWN + 1; f < GLIMPSE_FORMAT_COUNT; f++) {
        jout_key(&j, glimpse_image_format_name((glimpse_image_format)f));
        jout_bool(&j, glimpse_image_format_supported((glimpse_image_format)f));
    }
    jout_close(&j, '}');
    jout_key(&j, "cpu");
    jout_open(&j, '{');
    jout_key(&j, "name"), jout_string(&j, r->cpu.name);
    jout_key(&j, "cores"), jout_int(&j, r->cpu.cores);
    jout_key(&j, "avx2"), jout_bool(&j, r->cpu.avx2);
    jout_key(&j, "avx512"), jout_bool(&j, r->cpu.avx512);
    jout_key(&j, "avx512_bf16"), jout_bool(&j, r->cpu.avx512_bf16);
    jout_key(&j, "amx_bf16"), jout_bool(&j, r->cpu.amx_bf16);
    jout_key(&j, "amx_int8"), jout_bool(&j, r->cpu.amx_int8);
    jout_close(&j, '}');
    jout_key(&j, "backends");
    jout_open(&j, '{');
    for (size_t b = 1; b < r->backend_count; b++)
        jout_text_or_null(&j, glimpse_backend_names()[b], r->backends[b]);
    jout_close(&j, '}');
    jout_text_or_null(&j, "auto_precision", r->auto_precision);
    jout_text_or_null(&j, "auto_backend", r->auto_backend);
    jout_path(&j, "library", r->library ? r->library : "");
    jout_key(&j, "library_exists"), jout_bool(&j, r->library_exists);
    jout_path(&j, "models_folder", r->models ? r->models : "");
    jout_path(&j, "model", r->model ? r->model : "");
    jout_key(&j, "model_exists"), jout_bool(&j, r->model_exists);
    jout_key(&j, "weights_cache");
    jout_open(&j, '{');
    jout_path(&j, "path", r->weights.path);
    jout_key(&j, "files"), jout_int(&j, (int64_t)r->weights.files);
    jout_key(&j, "bytes"), jout_int(&j, (int64_t)r->weights.bytes);
    jout_key(&j, "limit"), jout_int(&j, (int64_t)r->weights.limit);
    jout_close(&j, '}');
    const char *places = NULL;
    const int status = glimpse_places_describe(&places, &count);
    jout_path(&j, "places", status < 0 ? "" : places);
    jout_key(&j, "place_names"), jout_uint(&j, count);
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_place(const char *what, const char *path, const char *note) {
    char *shown = text_display(path ? path : "none");
    (void)printf("%-14s %s%s\n", what, shown, note);
    free(shown);
}

static void print_people(const report *r) {
    size_t count = 0;
    const glimpse_build_part *parts = glimpse_build_parts(&count);
    (void)printf("%-14s %s\n", "glimpse", glimpse_version());
    for (size_t i = 0; i < count; i++)
        (void)printf("%-14s %s\n", parts[i].name, parts[i].version);
    for (int on = 1; on >= 0; on--) {
        (void)printf("%-14s", on ? "Formats" : "  not decoded");
        for (int f = GLIMPSE_FORMAT_UNKNOWN + 1; f < GLIMPSE_FORMAT_COUNT; f++) {
            if (glimpse_image_format_supported((glimpse_image_format)f) == on) {
                (void)printf(" %s", glimpse_image_format_name((glimpse_image_format)f));
            }
        }
        (void)putchar('\n');
    }
    (void)printf("%-14s %s, %ld cores;%s%s%s%s%s\n", "CPU", r->cpu.name, r->cpu.cores,
                 r->cpu.avx2 ? " avx2" : "", r->cpu.avx512 ? " avx512" : "",
                 r->cpu.avx512_bf16 ? " avx512_bf16" : "", r->cpu.amx_bf16 ? " amx_bf16" : "",
                 r->cpu.amx_int8 ? " amx_int8" : "");
    for (size_t b = 1; b < r->backend_count && r->model_exists; b++) {
        (void)printf("%-14s %-9s %s\n", b == 1 ? "Backends" : "", glimpse_backend_names()[b],
                     r->backends[b] ? r->backends[b] : r->backend_problem[b]);
    }
    if (r->auto_precision) {
        (void)printf("%-14s %s on %s\n", "--precision auto", r->auto_precision, r->auto_backend);
    }
    print_place("Library", r->library, r->library_exists ? "" : " (not made yet)");
    print_place("Models folder", r->models,
                r->models && access(r->models, F_OK) == 0 ? "" : " (not there)");
    print_place("Model", r->model, r->model_exists ? "" : " (cannot be used)");
    char note[96];
    (void)snprintf(note, sizeof note,
                   r->weights.limit ? " (%zu files, %.0f of at most %.0f MB)" : " (off)",
                   r->weights.files, (double)r->weights.bytes / 1048576.0,
                   (double)r->weights.limit / 1048576.0);
    print_place("Weights cache", *r->weights.path ? r->weights.path : NULL, note);
    const char *places = NULL;
    const int status = glimpse_places_describe(&places, &count);
    (void)snprintf(note, sizeof note, " (%zu names)", count);
    print_place("Places", status < 0 ? "none" : places,
                status < 0 ? " (--near needs coordinates; see libgweather-4-common)" : note);
}

static int run(int argc, char **argv) {
    session s = {0};
    int json = 0;
    const cli_option options[] = {
        OPTION_JSON(json, "print JSON"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_MODEL_OPTION(s, "the model to try"),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_doctor, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    report r = {0};
    if ((code = cli_expect_no_words(&cmd_doctor, &arguments)) != CLI_RUN) goto done;
    while (glimpse_backend_names()[r.backend_count])
        r.backend_count++;
    r.backends = xcalloc(r.backend_count, sizeof *r.backends);
    r.backend_problem = xcalloc(r.backend_count, sizeof *r.backend_problem);
    s.quiet = 1; /* the choice of the model is part of the report */
    look_at_cpu(&r.cpu);
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    r.models = glimpse_session_models_directory(s.base);
    r.library = glimpse_session_library_path(s.base);
    int found = glimpse_session_has_library(s.base);
    if (found < 0) (void)tool_fail_last();
    r.library_exists = found > 0;
    int status = glimpse_session_model_path(&r.model, s.base);
    if (status < 0) (void)tool_fail_last();
    if (r.model) try_backends(&r);
    r.model_exists = r.auto_precision != NULL;
    r.weights = GLIMPSE_WEIGHTS_CACHE_STATUS_INIT;
    (void)glimpse_weights_cache_load_status(&r.weights);
    if (json) {
        print_json(&r);
    } else {
        print_people(&r);
    }
    if (r.model && !r.model_exists) tool_print("%s", r.backend_problem[0]);
    code = found >= 0 && status == GLIMPSE_OK && r.model_exists ? EXIT_FOUND : EXIT_FAILED;
done:
    for (size_t b = 0; b < r.backend_count; b++) {
        free(r.backends[b]);
        free(r.backend_problem[b]);
    }
    free(r.backends);
    free(r.backend_problem);
    free(r.auto_backend);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_doctor = {
    "doctor",
    "",
    "what this build and this machine can do, and where things are",
    "Shows versions, picture formats, what the processor offers, which matrix backends work, what "
    "--precision auto chooses, and which library and model are used when none is named.\n\n"
    "Exit code 4 when the library is damaged or no model can be opened.",
    "  glimpse doctor\n"
    "  glimpse doctor --json --model ./clip-vit-base-patch32\n",
    run,
};
