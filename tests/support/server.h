/*
 * server.h - a loopback server that speaks the dialects of remote models, for their tests.
 *
 *     static void answer(void *context, const server_request *r, server_reply *reply) {
 *         server_reply_with(reply, 200, server_openai("a red circle", 100, 5));
 *     }
 *     test_server *s = server_start(answer, NULL);
 *     ... requests to server_url(s) ...
 *     assert_int_equal(server_count(s), 1);
 *     server_stop(s);
 *
 * It listens on 127.0.0.1 on a port of the system's choice, one thread for each connection, and
 * logs every request. The handler runs in those threads, one at a time.
 */
#ifndef GLIMPSE_TESTS_SERVER_H
#define GLIMPSE_TESTS_SERVER_H

#include <jansson.h>
#include <stddef.h>

typedef struct test_server test_server;

typedef struct server_request {
    size_t number; /* 0, 1, 2, ... in the order they came */
    char *path;    /* "/v1/chat/completions" */
    char *headers; /* as they came, "\r\n" between them */
    char *text;    /* the body */
    size_t size;   /* of the body */
    json_t *body;  /* NULL when it is no JSON */
} server_request;

typedef struct server_reply {
    int status;
    /* Further ones, each ended by "\r\n"; a name alone: a header of it with a megabyte. */
    char headers[1024];
    char *body;        /* malloc'ed */
    size_t size;       /* of the body; 0: it is a text */
    size_t cut;        /* close the connection after so many bytes of the body; 0: send all */
    int hold;          /* with `cut`: keep it open instead, and send nothing more */
    unsigned delay_ms; /* wait before answering, outside the lock */
    int drop;          /* close the connection without a word */
} server_reply;

typedef void (*server_handler)(void *context, const server_request *request, server_reply *reply);

test_server *server_start(server_handler handler, void *context);
void server_stop(test_server *s);
const char *server_url(const test_server *s); /* "http://127.0.0.1:PORT" */

size_t server_count(test_server *s);
/* Most requests that were being answered at one time. */
size_t server_most_at_once(test_server *s);
/* Number i; valid until the server stops. */
const server_request *server_get(test_server *s, size_t i);
/* The value of a header of a request into `to`; 0 when it is not there. */
int server_header(const server_request *r, const char *name, char *to, size_t capacity);

/* Bodies of the documented shapes; malloc'ed. */
void server_reply_with(server_reply *reply, int status, char *body);
char *server_openai(const char *text, int in, int out);
char *server_anthropic(const char *text, const char *stop, int in, int out);
char *server_gemini(const char *text, const char *finish, int in, int out);

/* The pictures of a request of any dialect, decoded from base64. malloc'ed; NULL behind the last.
 */
void *server_picture(const server_request *r, size_t i, size_t *size);
/* All texts of a request of any dialect, joined by line ends. malloc'ed. */
char *server_texts(const server_request *r);

#endif
