/*
 * question.h - asking the person at the terminal.
 */
#ifndef GLIMPSE_TOOLS_QUESTION_H
#define GLIMPSE_TOOLS_QUESTION_H

/* 1 when there is somebody: standard input and standard error are a terminal. */
int question_can_be_asked(void);
/* A line, without its end; 0 when there is none, or Ctrl-C came instead (tool_stopped). */
int question_read(char *line, int size);
/* Shows what it is about, and asks "QUESTION? [y/N]": CLI_RUN for yes. Where nobody can be asked
 * `otherwise` says what to do, and the code is EXIT_USAGE. */
int question_ask(const char *question, const char *otherwise, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));

#endif
