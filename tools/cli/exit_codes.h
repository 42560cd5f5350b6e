/*
 * exit_codes.h - what a run of the command ends with (docs/command.md).
 */
#ifndef GLIMPSE_TOOLS_EXIT_CODES_H
#define GLIMPSE_TOOLS_EXIT_CODES_H

enum {
    EXIT_FOUND = 0,    /* found, done, all well */
    EXIT_NOTHING = 1,  /* nothing found, or differences reported */
    EXIT_USAGE = 2,    /* the command line makes no sense */
    EXIT_PARTIAL = 3,  /* done, except for files that could not be used */
    EXIT_FAILED = 4,   /* could not be done */
    EXIT_STOPPED = 130 /* stopped by Ctrl-C (or SIGTERM) after committing what was done */
};

#endif
