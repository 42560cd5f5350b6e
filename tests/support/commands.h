/*
 * commands.h - running glimpse from a test and looking at all it did.
 *
 *     run_result r;
 *     run(&r, "search", "--json", "a red car", NULL);
 *     expect(&r, 0);
 *     json_t *found = run_json(&r);
 *     ...
 *     run_free(&r);
 *
 * Every test program works in a directory of its own whose name has a space in it (run_setup and
 * run_teardown are its group fixtures); HOME and XDG_DATA_HOME point into it, so that nothing of
 * the person who runs the tests is seen or touched.
 */
#ifndef GLIMPSE_TESTS_COMMANDS_H
#define GLIMPSE_TESTS_COMMANDS_H

#include "support/json.h"
#include "support/pictures.h"

#include <sys/types.h>

typedef struct run_result {
    int code;        /* exit code; 1000 + N: killed by signal N */
    char *out, *err; /* NUL-terminated */
    size_t out_size, err_size;
} run_result;

/* Group fixtures: the working directory is made and entered, its path is run_directory. */
extern char run_directory[1024];
int run_setup(void **state);
int run_teardown(void **state);

/* Runs `glimpse ARGUMENTS...`; the list ends with NULL. */
void run(run_result *r, ...);
void run_list(run_result *r, const char *const *arguments, const char *input, size_t input_size);
/* The same, with standard output or standard error somewhere else. */
typedef enum run_place {
    RUN_PIPES,
    RUN_NO_READER, /* standard output is a pipe whose reader is gone */
    RUN_FULL,      /* standard output is a full disk */
    RUN_TERMINAL   /* standard error is a terminal */
} run_place;
void run_onto(run_result *r, run_place place, const char *const *arguments);
/* What glimpse prints on a terminal of so many columns; its exit code must be
 * 0 or 1. `environment`, which may be NULL: "NAME=VALUE", or "NAME" to leave it out; lists end with
 * NULL. Free it. */
char *run_on_terminal(unsigned columns, const char *const *environment,
                      const char *const *arguments);
/* Runs a shell command line in which $G is the glimpse program. */
void run_shell(run_result *r, const char *command);
void run_free(run_result *r);

/* Starts glimpse and returns at once; output and errors go into files of these names. */
pid_t run_start(const char *out, const char *err, ...);
/* Waits for it; the code as in run_result. */
int run_wait(pid_t child);

/* Fails the test, showing what was printed, unless the code is `code`. */
void expect(const run_result *r, int code);
void expect_out(const run_result *r, const char *part); /* stdout contains it */
void expect_err(const run_result *r, const char *part); /* stderr contains it */
void expect_no_err(const run_result *r);                /* stderr is empty */

/* stdout as one JSON document on one line; json_decref it. */
json_t *run_json(const run_result *r);
/* Every line of stdout, an object each, as an array. */
json_t *run_json_lines(const run_result *r);
#endif
