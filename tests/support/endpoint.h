/*
 * endpoint.h - an endpoint of one's own (docs/remote.md) inside a test program: it knows a picture
 * by its size, so pictures of a test have sizes of their own.
 *
 *     endpoint_start(answer);
 *     run(&r, "caption", "pictures", "--model", endpoint_spec, NULL);
 *     endpoint_stop();
 */
#ifndef GLIMPSE_TESTS_ENDPOINT_H
#define GLIMPSE_TESTS_ENDPOINT_H

#include <stddef.h>

typedef struct endpoint_question {
    char operation[16]; /* "caption", "score", "ask" */
    unsigned width, height;
    char text[512], prompt[4096];
    unsigned time; /* how often this operation was asked about this picture, from 1 */
} endpoint_question;

typedef struct endpoint_reply {
    int status;        /* 200 unless set */
    char body[1024];   /* JSON */
    char headers[128]; /* lines, each ended by \r\n */
    int cut;           /* 1: close in the middle of the body */
} endpoint_reply;

typedef void (*endpoint_answer)(const endpoint_question *question, endpoint_reply *reply);

extern char endpoint_spec[64]; /* "endpoint:http://127.0.0.1:PORT/ask" */

void endpoint_start(endpoint_answer answer);
void endpoint_stop(void);
/* How many requests came, and how many of them were about that size and operation and answered with
 * status 200 (and not cut). */
size_t endpoint_count(void);
size_t endpoint_answered(const char *operation, unsigned width, unsigned height);
void endpoint_forget(void); /* counts from 0 again */

#endif
