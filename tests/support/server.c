/*
 * server.c - a loopback server that answers as remote models do.
 */
#include "support/server.h"

#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

enum { MAX_REQUESTS = 8192, MAX_BODY = 64 << 20, MAX_CONNECTIONS = 4096 };

struct test_server {
    int listener;
    char url[64];
    server_handler handler;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int stopping;
    size_t connections; /* threads still running */
    size_t count, active, max;
    server_request log[MAX_REQUESTS];
};

typedef struct connection {
    test_server *of;
    int fd;
} connection;

static int is_stopping(test_server *s) {
    (void)pthread_mutex_lock(&s->mutex);
    int stopping = s->stopping;
    (void)pthread_mutex_unlock(&s->mutex);
    return stopping;
}

/* 1 when there is something to read, 0 when the server stops. */
static int readable(test_server *s, int fd) {
    struct pollfd p = {fd, POLLIN, 0};
    for (;;) {
        int n = poll(&p, 1, 50);
        if (is_stopping(s) || (n < 0 && errno != EINTR)) return 0;
        if (n > 0) return 1;
    }
}

static int send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        data += n;
        size -= (size_t)n;
    }
    return 1;
}

int server_header(const server_request *r, const char *name, char *to, size_t capacity) {
    size_t length = strlen(name);
    for (const char *line = r->headers; line; line = strstr(line, "\r\n")) {
        if (*line == '\r') line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':') continue;
        const char *value = line + length + 1;
        while (*value == ' ')
            value++;
        (void)snprintf(to, capacity, "%.*s", (int)strcspn(value, "\r\n"), value);
        return 1;
    }
    return 0;
}

/* Reads one request; 0 when the connection ends. `kept` holds what was read too much. */
static int read_request(test_server *s, int fd, server_request *r, char **kept, size_t *kept_size) {
    size_t capacity = 1 << 16, used = *kept_size;
    char *data = malloc(capacity + 1), *end = NULL;
    memcpy(data, *kept, used);
    data[used] = '\0';
    *kept_size = 0;
    size_t wanted = 0, head = 0;
    for (;;) {
        if (!end && (end = strstr(data, "\r\n\r\n"))) {
            char value[32] = "0";
            head = (size_t)(end - data) + 4;
            *r = (server_request){.headers = strndup(data, head - 4)};
            char *first = strchr(r->headers, ' ');
            r->path = first ? strndup(first + 1, strcspn(first + 1, " \r")) : strdup("");
            (void)server_header(r, "Content-Length", value, sizeof value);
            wanted = head + strtoul(value, NULL, 10);
            if (wanted > MAX_BODY) break;
            if (wanted > capacity) {
                capacity = wanted;
                data = realloc(data, capacity + 1);
            }
        }
        if (end && used >= wanted) {
            r->size = wanted - head;
            r->text = malloc(r->size + 1);
            memcpy(r->text, data + head, r->size);
            r->text[r->size] = '\0';
            r->body = json_loadb(r->text, r->size, 0, NULL);
            *kept = realloc(*kept, used - wanted + 1);
            memcpy(*kept, data + wanted, used - wanted);
            *kept_size = used - wanted;
            free(data);
            return 1;
        }
        if (used == capacity) break;
        if (!readable(s, fd)) break;
        ssize_t n = recv(fd, data + used, capacity - used, 0);
        if (n <= 0) break;
        used += (size_t)n;
        data[used] = '\0';
        if (end) end = data + head - 4; /* realloc may have moved it */
    }
    if (end) {
        free(r->headers);
        free(r->path);
    }
    free(data);
    return 0;
}

static const char *reason(int status) {
    return status == 200   ? "OK"
           : status == 206 ? "Partial Content"
           : status == 429 ? "Too Many Requests"
                           : "Something";
}

/* 1 when the connection may go on. */
static int send_reply(test_server *s, int fd, const server_reply *reply) {
    const char *body = reply->body ? reply->body : "";
    const size_t whole = reply->size ? reply->size : strlen(body);
    const int endless = *reply->headers && !strchr(reply->headers, '\n');
    char head[2048];
    for (unsigned waited = 0; waited < reply->delay_ms && !is_stopping(s); waited += 5) {
        struct timespec pause = {0, 5000000};
        (void)nanosleep(&pause, NULL);
    }
    if (reply->drop) return 0;
    int length =
        snprintf(head, sizeof head,
                 "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n%s\r\n",
                 reply->status, reason(reply->status), whole, endless ? "" : reply->headers);
    size_t size = reply->cut > 0 && reply->cut < whole ? reply->cut : whole;
    if (endless) {
        enum { ENDLESS = 1 << 20 };
        char *line = malloc(ENDLESS);
        memset(line, 'x', ENDLESS);
        length -= 2; /* without the empty line */
        int sent = send_all(fd, head, (size_t)length) &&
                   send_all(fd, reply->headers, strlen(reply->headers)) && send_all(fd, ": ", 2) &&
                   send_all(fd, line, ENDLESS) && send_all(fd, "\r\n\r\n", 4);
        free(line);
        return sent && send_all(fd, body, size);
    }
    if (!send_all(fd, head, (size_t)length) || !send_all(fd, body, size)) return 0;
    char gone;
    if (size < whole && reply->hold && readable(s, fd)) (void)recv(fd, &gone, 1, 0);
    return size == whole;
}

static void *serve(void *user) {
    connection *c = user;
    test_server *s = c->of;
    char *kept = malloc(1);
    size_t kept_size = 0;
    int going = 1;
    while (going) {
        server_request r;
        if (!read_request(s, c->fd, &r, &kept, &kept_size)) break;
        server_reply reply = {.status = 200};
        (void)pthread_mutex_lock(&s->mutex);
        s->active++;
        if (s->active > s->max) s->max = s->active;
        r.number = s->count;
        if (s->count < MAX_REQUESTS) s->log[s->count++] = r;
        s->handler(s->context, &r, &reply);
        (void)pthread_mutex_unlock(&s->mutex);
        going = send_reply(s, c->fd, &reply);
        free(reply.body);
        (void)pthread_mutex_lock(&s->mutex);
        s->active--;
        (void)pthread_mutex_unlock(&s->mutex);
    }
    free(kept);
    (void)close(c->fd);
    free(c);
    (void)pthread_mutex_lock(&s->mutex);
    s->connections--;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->mutex);
    return NULL;
}

static void *listen_on(void *user) {
    test_server *s = user;
    while (readable(s, s->listener)) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0) continue;
        int at_once = 1; /* head and body go out apart: no waiting for the first one's receipt */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        connection *c = malloc(sizeof *c);
        *c = (connection){s, fd};
        pthread_t thread;
        (void)pthread_mutex_lock(&s->mutex);
        s->connections++;
        (void)pthread_mutex_unlock(&s->mutex);
        if (pthread_create(&thread, NULL, serve, c) != 0) abort();
        (void)pthread_detach(thread);
    }
    return NULL;
}

test_server *server_start(server_handler handler, void *context) {
    test_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->handler = handler;
    s->context = context;
    (void)pthread_mutex_init(&s->mutex, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(s->listener, 128) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &size) != 0) {
        fail_msg("cannot listen on 127.0.0.1: %s", strerror(errno));
    }
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    if (pthread_create(&s->thread, NULL, listen_on, s) != 0) fail_msg("no thread");
    return s;
}

void server_stop(test_server *s) {
    (void)pthread_mutex_lock(&s->mutex);
    s->stopping = 1;
    (void)pthread_mutex_unlock(&s->mutex);
    (void)shutdown(s->listener, SHUT_RDWR); /* wakes the listening thread */
    (void)pthread_join(s->thread, NULL);
    (void)pthread_mutex_lock(&s->mutex);
    while (s->connections > 0)
        (void)pthread_cond_wait(&s->changed, &s->mutex);
    (void)pthread_mutex_unlock(&s->mutex);
    (void)close(s->listener);
    for (size_t i = 0; i < s->count; i++) {
        free(s->log[i].path);
        free(s->log[i].headers);
        free(s->log[i].text);
        json_decref(s->log[i].body);
    }
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->mutex);
    free(s);
}

const char *server_url(const test_server *s) {
    return s->url;
}

size_t server_count(test_server *s) {
    (void)pthread_mutex_lock(&s->mutex);
    size_t count = s->count;
    (void)pthread_mutex_unlock(&s->mutex);
    return count;
}

size_t server_most_at_once(test_server *s) {
    (void)pthread_mutex_lock(&s->mutex);
    size_t max = s->max;
    (void)pthread_mutex_unlock(&s->mutex);
    return max;
}

const server_request *server_get(test_server *s, size_t i) {
    if (i >= server_count(s)) fail_msg("there was no request %zu", i);
    return &s->log[i];
}

/*
 * Shapes.
 */
void server_reply_with(server_reply *reply, int status, char *body) {
    reply->status = status;
    reply->body = body;
}

static char *dump(json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (!text) abort();
    return text;
}

char *server_openai(const char *text, int in, int out) {
    return dump(json_pack("{s:s, s:s, s:i, s:s, s:[{s:i, s:{s:s, s:s, s:n}, s:s}], "
                          "s:{s:i, s:i, s:i}}",
                          "id", "chatcmpl-1", "object", "chat.completion", "created", 1, "model",
                          "test-model-2024-01-01", "choices", "index", 0, "message", "role",
                          "assistant", "content", text, "refusal", "finish_reason", "stop", "usage",
                          "prompt_tokens", in, "completion_tokens", out, "total_tokens", in + out));
}

char *server_anthropic(const char *text, const char *stop, int in, int out) {
    return dump(json_pack("{s:s, s:s, s:s, s:s, s:[{s:s, s:s}], s:s, s:n, s:{s:i, s:i}}", "id",
                          "msg_1", "type", "message", "role", "assistant", "model", "test-model-1",
                          "content", "type", "text", "text", text, "stop_reason", stop,
                          "stop_sequence", "usage", "input_tokens", in, "output_tokens", out));
}

char *server_gemini(const char *text, const char *finish, int in, int out) {
    return dump(json_pack("{s:[{s:{s:[{s:s}], s:s}, s:s, s:i}], s:{s:i, s:i, s:i}, s:s}",
                          "candidates", "content", "parts", "text", text, "role", "model",
                          "finishReason", finish, "index", 0, "usageMetadata", "promptTokenCount",
                          in, "candidatesTokenCount", out, "totalTokenCount", in + out,
                          "modelVersion", "test-model-001"));
}

/* Every string of the request, wherever it is. */
static void each_string(const json_t *value, void (*use)(void *, const char *), void *context) {
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_string(value)) use(context, json_string_value(value));
    json_array_foreach(value, i, item) each_string(item, use, context);
    json_object_foreach((json_t *)(uintptr_t)value, name, item) each_string(item, use, context);
}

typedef struct wanted {
    size_t skip;
    const char *found;
    char *joined;
} wanted;

static const char *base64_of(const char *text) {
    const char *comma = strstr(text, ";base64,");
    if (strncmp(text, "data:", 5) == 0 && comma) return comma + 8;
    return strlen(text) > 200 && !strpbrk(text, " \n{}\"") ? text : NULL;
}

static void use_picture(void *context, const char *text) {
    wanted *w = context;
    const char *base64 = base64_of(text);
    if (!base64 || w->found) return;
    if (w->skip == 0)
        w->found = base64;
    else
        w->skip--;
}

void *server_picture(const server_request *r, size_t i, size_t *size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    wanted w = {i, NULL, NULL};
    each_string(r->body, use_picture, &w);
    if (!w.found) return NULL;
    unsigned char *out = malloc(strlen(w.found) + 4);
    unsigned group = 0, bits = 0;
    *size = 0;
    for (const char *p = w.found; *p && *p != '='; p++) {
        const char *digit = strchr(digits, *p);
        assert_non_null(digit);
        group = group << 6 | (unsigned)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[(*size)++] = (unsigned char)(group >> bits);
            group &= (1u << bits) - 1;
        }
    }
    return out;
}

static void use_text(void *context, const char *text) {
    wanted *w = context;
    if (base64_of(text)) return;
    size_t used = strlen(w->joined);
    w->joined = realloc(w->joined, used + strlen(text) + 2);
    (void)sprintf(w->joined + used, "%s\n", text);
}

char *server_texts(const server_request *r) {
    wanted w = {0, NULL, calloc(1, 1)};
    each_string(r->body, use_text, &w);
    return w.joined;
}
