/*
 * question.c - asking the person at the terminal.
 */
#include "question.h"

#include "cli.h"
#include "text.h"
#include "tool.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int question_can_be_asked(void) {
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int question_read(char *line, int size) {
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    line[0] = '\0';
    while (!tool_stopped()) {
        int ready = poll(&in, 1, 100);
        if (ready <= 0) continue;
        if (!fgets(line, size, stdin)) return 0;
        line[strcspn(line, "\r\n")] = '\0';
        return 1;
    }
    return 0;
}

int question_ask(const char *question, const char *otherwise, const char *format, ...) {
    char line[64], about[8192];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(about, sizeof about, format, args);
    va_end(args);
    if (!question_can_be_asked()) {
        tool_print("%s: nobody can be asked here; %s", about, otherwise);
        return EXIT_USAGE;
    }
    char *shown = text_display(about);
    (void)fprintf(stderr, "%s\n%s? [y/N] ", shown, question);
    (void)fflush(stderr);
    free(shown);
    tool_catch_stop();
    if (!question_read(line, sizeof line)) {
        (void)fputc('\n', stderr);
        if (tool_stopped()) return EXIT_STOPPED;
    }
    if (line[0] == 'y' || line[0] == 'Y') return CLI_RUN;
    tool_print("nothing was changed");
    return EXIT_NOTHING;
}
