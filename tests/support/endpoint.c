/*
 * endpoint.c - an endpoint for vision-language models inside a test program. One connection at a
 * time: requests wait in the backlog.
 */
#include "support/endpoint.h"

#include "support/test.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <strings.h>
#include <sys/socket.h>

enum { MAX_SIDE = 128, OPERATIONS = 3 };

char endpoint_spec[64];

static int listener = -1;
static pthread_t thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static endpoint_answer answer_with;
static size_t requests;
static struct { unsigned asked, answered; } log_of[OPERATIONS][MAX_SIDE][MAX_SIDE];

static int operation_index(const char *name) {
    return strcmp(name, "caption") == 0 ? 0 : strcmp(name, "score") == 0 ? 1 : 2;
}

/* The body of a request, NUL-terminated; NULL when the connection ended before. */
static char *read_request(int fd) {
    size_t capacity = 1 << 20, used = 0, wanted = 0;
    char *text = malloc(capacity + 1), *body = NULL;
    while (text && used < capacity) {
        ssize_t got = recv(fd, text + used, capacity - used, 0);
        if (got <= 0) break;
        used += (size_t)got;
        text[used] = '\0';
        if (!body && (body = strstr(text, "\r\n\r\n"))) {
            body += 4;
            char *length = strcasestr(text, "content-length:");
            wanted = length && length < body ? strtoul(length + 15, NULL, 10) : 0;
            if (strcasestr(text, "100-continue")) {
                (void)!send(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
            }
        }
        if (body && used - (size_t)(body - text) >= wanted) {
            char *copy = strdup(body);
            free(text);
            return copy;
        }
    }
    free(text);
    return NULL;
}

static void send_reply(int fd, const endpoint_reply *reply) {
    char text[2048];
    size_t size = strlen(reply->body);
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 %d Some\r\nContent-Type: application/json\r\nContent-Length: "
                          "%zu\r\nConnection: close\r\n%s\r\n%.*s",
                          reply->status, size, reply->headers, (int)(reply->cut ? size / 2 : size),
                          reply->body);
    (void)!send(fd, text, (size_t)length, MSG_NOSIGNAL);
}

static void handle(int fd) {
    char *body = read_request(fd);
    json_t *root = body ? json_loads(body, 0, NULL) : NULL;
    json_t *image = json_array_get(json_object_get(root, "images"), 0);
    if (image) {
        endpoint_question q = {.operation = ""};
        endpoint_reply reply = {.status = 200};
        (void)snprintf(q.operation, sizeof q.operation, "%s",
                       json_string_value(json_object_get(root, "operation")));
        (void)snprintf(q.text, sizeof q.text, "%s",
                       json_string_value(json_object_get(root, "text")));
        (void)snprintf(q.prompt, sizeof q.prompt, "%s",
                       json_string_value(json_object_get(root, "prompt")));
        q.width = (unsigned)json_integer_value(json_object_get(image, "width"));
        q.height = (unsigned)json_integer_value(json_object_get(image, "height"));
        int known = q.width < MAX_SIDE && q.height < MAX_SIDE;
        int o = operation_index(q.operation);
        (void)pthread_mutex_lock(&mutex);
        requests++;
        if (known) q.time = ++log_of[o][q.width][q.height].asked;
        (void)pthread_mutex_unlock(&mutex);
        answer_with(&q, &reply);
        (void)pthread_mutex_lock(&mutex);
        if (known && reply.status == 200 && !reply.cut) log_of[o][q.width][q.height].answered++;
        (void)pthread_mutex_unlock(&mutex);
        send_reply(fd, &reply);
    }
    json_decref(root);
    free(body);
    (void)close(fd);
}

static void *serve(void *unused) {
    (void)unused;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) return NULL;
        handle(fd);
    }
}

void endpoint_start(endpoint_answer answer) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    answer_with = answer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(endpoint_spec, sizeof endpoint_spec, "endpoint:http://127.0.0.1:%u/ask",
                   (unsigned)ntohs(address.sin_port));
    endpoint_forget();
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

void endpoint_stop(void) {
    (void)shutdown(listener, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(listener);
    listener = -1;
}

size_t endpoint_count(void) {
    (void)pthread_mutex_lock(&mutex);
    size_t count = requests;
    (void)pthread_mutex_unlock(&mutex);
    return count;
}

size_t endpoint_answered(const char *operation, unsigned width, unsigned height) {
    (void)pthread_mutex_lock(&mutex);
    size_t count = log_of[operation_index(operation)][width][height].answered;
    (void)pthread_mutex_unlock(&mutex);
    return count;
}

void endpoint_forget(void) {
    (void)pthread_mutex_lock(&mutex);
    requests = 0;
    memset(log_of, 0, sizeof log_of);
    (void)pthread_mutex_unlock(&mutex);
}
