/*
 * page_thumbs.c - the pictures of a page: small ones, and parts of them.
 *
 * They are decoded by the browser when they come into view (loading=lazy), and get smaller the more
 * there are, so that the file stays in the order of 100 MB at worst. Making them is most of the
 * work: several threads, a window of pictures ahead of the writer, written in order.
 */
#include "dedup_report.h"

#include "base64.h"
#include "picture_out.h"
#include "tool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Parts have twice the pixels that they are shown with, for screens that have them. */
enum { WINDOW = 64, MAX_JOBS = 64, PART_SIDE = 2 * PAGE_PART_WIDTH, PART_QUALITY = 88 };

typedef struct made {
    int ready;
    uint8_t *jpeg;
    size_t size;
    uint32_t width, height;
    char *problem;
} made;

struct page_thumbs {
    const page_picture *pictures;
    size_t count;
    uint32_t side;
    int quality;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t next, written; /* to be made; to be put */
    int stop;
    made window[WINDOW];
    pthread_t threads[MAX_JOBS];
    size_t thread_count;
};

static void make_one(const page_thumbs *t, const page_picture *picture, made *out) {
    thumbnail small = {0};
    *out = (made){0};
    const int is_part = picture->part.width > 0;
    const int status =
        is_part ? thumbnail_make_part(&small, picture->path, &picture->part, PART_SIDE, PART_SIDE)
                : thumbnail_make(&small, picture->path, t->side, t->side);
    if (status == 0) {
        out->jpeg = thumbnail_jpeg(&small, is_part ? PART_QUALITY : t->quality, &out->size);
        out->width = small.width;
        out->height = small.height;
    }
    if (!out->jpeg) out->problem = xstrdup(glimpse_last_error());
    thumbnail_free(&small);
}

static void *work(void *argument) {
    page_thumbs *t = argument;
    (void)pthread_mutex_lock(&t->mutex);
    for (;;) {
        while (!t->stop && t->next < t->count && t->next >= t->written + WINDOW)
            (void)pthread_cond_wait(&t->changed, &t->mutex);
        if (t->stop || t->next >= t->count) break;
        size_t mine = t->next++;
        (void)pthread_mutex_unlock(&t->mutex);
        made result;
        make_one(t, &t->pictures[mine], &result);
        (void)pthread_mutex_lock(&t->mutex);
        result.ready = 1;
        t->window[mine % WINDOW] = result;
        (void)pthread_cond_broadcast(&t->changed);
    }
    (void)pthread_mutex_unlock(&t->mutex);
    return NULL;
}

page_thumbs *page_thumbs_start(const page_picture *pictures, size_t count, unsigned jobs) {
    page_thumbs *t = xcalloc(1, sizeof *t);
    t->pictures = pictures;
    t->count = count;
    t->side = count <= 600 ? 360 : count <= 4000 ? 240 : 160;
    t->quality = count <= 600 ? 80 : count <= 4000 ? 72 : 62;
    (void)pthread_mutex_init(&t->mutex, NULL);
    (void)pthread_cond_init(&t->changed, NULL);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = jobs > 0 ? jobs : cores > 0 ? (size_t)cores : 1;
    if (wanted > MAX_JOBS) wanted = MAX_JOBS;
    if (wanted > count) wanted = count;
    while (t->thread_count < wanted &&
           pthread_create(&t->threads[t->thread_count], NULL, work, t) == 0) {
        t->thread_count++;
    }
    return t;
}

/* Pixels of the page. */
static unsigned shown_width(const page_picture *picture, const made *small) {
    if (!(picture->part.width > 0)) return small->width;
    const unsigned max = PAGE_PART_SCALE * small->width;
    return max < PAGE_PART_WIDTH ? max : PAGE_PART_WIDTH;
}

/* A box never leaves its picture. */
static void write_box(FILE *to, const page_box *box) {
    const double left = box->x > 0 ? box->x : 0, top = box->y > 0 ? box->y : 0;
    const double right = box->x + box->width < 1 ? box->x + box->width : 1;
    const double bottom = box->y + box->height < 1 ? box->y + box->height : 1;
    if (!(right > left && bottom > top)) return;
    (void)fprintf(to,
                  "<span class=\"box\" style=\"left:%.2f%%;top:%.2f%%;width:%.2f%%;"
                  "height:%.2f%%\"></span>",
                  100 * left, 100 * top, 100 * (right - left), 100 * (bottom - top));
}

void page_thumbs_write(page_thumbs *t, FILE *to, const page_box *boxes, size_t box_count) {
    if (t->written >= t->count) return;
    const page_picture *picture = &t->pictures[t->written];
    made *slot = &t->window[t->written % WINDOW], mine;
    if (t->thread_count == 0) {
        make_one(t, picture, &mine);
        t->written++;
    } else {
        (void)pthread_mutex_lock(&t->mutex);
        while (!slot->ready)
            (void)pthread_cond_wait(&t->changed, &t->mutex);
        mine = *slot;
        *slot = (made){0};
        t->written++;
        (void)pthread_cond_broadcast(&t->changed);
        (void)pthread_mutex_unlock(&t->mutex);
    }
    if (!mine.jpeg) {
        (void)fputs("<span>cannot be shown</span>", to);
        tool_note("not in the report: %s", mine.problem ? mine.problem : "");
    } else {
        const char *slash = strrchr(picture->path, '/');
        (void)fprintf(to,
                      "<span class=\"pic\" style=\"--r:%.4f;max-width:%upx\">"
                      "<img width=\"%u\" height=\"%u\" alt=\"",
                      (double)mine.width / mine.height, shown_width(picture, &mine),
                      (unsigned)mine.width, (unsigned)mine.height);
        if (picture->part.width > 0) (void)fputs("part of ", to);
        page_text(to, slash ? slash + 1 : picture->path);
        (void)fputs("\" loading=\"lazy\" decoding=\"async\" src=\"data:image/jpeg;base64,", to);
        glimpse_base64_write(to, mine.jpeg, mine.size);
        (void)fputs("\">", to);
        for (size_t i = 0; i < box_count; i++)
            write_box(to, &boxes[i]);
        (void)fputs("</span>", to);
    }
    free(mine.jpeg);
    free(mine.problem);
}

void page_thumbs_free(page_thumbs *t) {
    if (!t) return;
    (void)pthread_mutex_lock(&t->mutex);
    t->stop = 1;
    (void)pthread_cond_broadcast(&t->changed);
    (void)pthread_mutex_unlock(&t->mutex);
    for (size_t i = 0; i < t->thread_count; i++)
        (void)pthread_join(t->threads[i], NULL);
    for (size_t i = 0; i < WINDOW; i++) {
        free(t->window[i].jpeg);
        free(t->window[i].problem);
    }
    (void)pthread_mutex_destroy(&t->mutex);
    (void)pthread_cond_destroy(&t->changed);
    free(t);
}
