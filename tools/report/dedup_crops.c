/*
 * dedup_crops.c - which part of an edited picture and of its keeper is shown at a readable size.
 *
 * The part is the strongest region with a margin, so that one sees where it is, and not smaller
 * than what the page enlarges to its full width. It is of the same shape and turn in both, whatever
 * was cropped or turned.
 */
#include "dedup_crops.h"

#include "dedup_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a place of the keeper's is in the member. */
static void map(const glimpse_dedup_member *member, double x, double y, double *u, double *v) {
    const double *m = member->view;
    *u = m[0] * x + m[1] * y + m[2];
    *v = m[3] * x + m[4] * y + m[5];
}

static int is_aligned(const glimpse_dedup_member *member) {
    const double *m = member->view;
    return fabs(m[0] * m[4] - m[1] * m[3]) > 1e-6;
}

int dedup_box_in_member(const glimpse_dedup_member *member, page_box *box) {
    double left = 2, top = 2, right = -1, bottom = -1;
    if (!is_aligned(member)) return 0;
    for (int corner = 0; corner < 4; corner++) {
        double u, v;
        map(member, box->x + (corner & 1 ? box->width : 0), box->y + (corner & 2 ? box->height : 0),
            &u, &v);
        left = fmin(left, u), right = fmax(right, u);
        top = fmin(top, v), bottom = fmax(bottom, v);
    }
    left = fmax(left, 0), top = fmax(top, 0);
    right = fmin(right, 1), bottom = fmin(bottom, 1);
    if (!(right > left && bottom > top)) return 0;
    *box = (page_box){left, top, right - left, bottom - top};
    return 1;
}

/* `length` at `middle` within 0..1. */
static void place(double *at, double *length, double middle) {
    *length = fmin(*length, 1);
    *at = fmin(fmax(middle - *length / 2, 0), 1 - *length);
}

/* How many of its pixels stand for one of the keeper's, at most 1. */
static double relative_size(const glimpse_dedup_member *member, const glimpse_dedup_picture *p) {
    const glimpse_dedup_picture *q = member->picture;
    const double own = fmax(q->width, q->height), its = fmax(p->width, p->height);
    return own > 0 && own < its ? own / its : 1;
}

/* The region with its margin, in the keeper `p`: as wide as can be shown in the member too, and not
 * a mere strip. */
static picture_part surroundings(const glimpse_dedup_member *member,
                                 const glimpse_dedup_picture *p) {
    const glimpse_dedup_region *r = &member->regions[0];
    const double margin = 0.15, flattest = 3;
    const double min_width = (double)PAGE_PART_WIDTH / PAGE_PART_SCALE / relative_size(member, p);
    double width = r->width * p->width, height = r->height * p->height;
    const double around = 2 * margin * fmax(width, height);
    width = fmax(width + around, min_width);
    height = fmax(height + around, width / flattest);
    width = fmax(width, height); /* nor higher than wide: both are shown in one width */
    picture_part part = {.width = width / p->width, .height = height / p->height, .orientation = 1};
    place(&part.x, &part.width, r->x + r->width / 2);
    place(&part.y, &part.height, r->y + r->height / 2);
    return part;
}

/* 1 when a pair of crops says more than the thumbnails do. */
static int choose(picture_part parts[2], const glimpse_dedup_group *group,
                  const glimpse_dedup_member *member) {
    if (member->region_count == 0 || !is_aligned(member)) return 0;
    parts[0] = surroundings(member, group->members[0].picture);
    page_box box = {parts[0].x, parts[0].y, parts[0].width, parts[0].height};
    if (box.width > 0.8 && box.height > 0.8) return 0;
    if (!dedup_box_in_member(member, &box)) return 0;
    parts[1] = (picture_part){box.x, box.y, box.width, box.height, member->orientation};
    return 1;
}

static int is_wanted(dedup_crops *crops, size_t *of_group) {
    if (crops->used >= DEDUP_CROPS || *of_group >= DEDUP_CROPS_OF_GROUP) return 0;
    crops->used++;
    (*of_group)++;
    return 1;
}

size_t dedup_crops_plan(page_picture *pictures, dedup_crops *crops,
                        const glimpse_dedup_group *group, const dedup_shown *shown) {
    size_t of_group = 0, count = 0;
    for (size_t i = 1; i < shown->count; i++) {
        const glimpse_dedup_member *member = &group->members[shown->members[i]];
        picture_part parts[2];
        if (dedup_shown_before(group, shown, i)) continue;
        if (!choose(parts, group, member) || !is_wanted(crops, &of_group)) continue;
        pictures[count++] = (page_picture){group->members[0].picture->path, parts[0]};
        pictures[count++] = (page_picture){member->picture->path, parts[1]};
    }
    return count;
}

static void write_crop(FILE *to, const char *path, const char *tag, page_thumbs *thumbs) {
    const char *slash = strrchr(path, '/');
    (void)fprintf(to, "<figure%s><a class=\"pic\" href=\"", tag ? " class=\"keep\"" : "");
    page_file_link(to, path);
    (void)fputs("\">", to);
    page_thumbs_write(thumbs, to, NULL, 0);
    (void)fputs("</a><figcaption>", to);
    if (tag) {
        (void)fputs("<span class=\"tag\">", to);
        page_text(to, tag);
        (void)fputs("</span>", to);
    }
    page_short(to, "name", slash ? slash + 1 : path, PAGE_CROP_NAME, PAGE_NAME_END);
    (void)fputs("</figcaption></figure>", to);
}

void dedup_crops_write(FILE *to, dedup_crops *crops, const glimpse_dedup_group *group,
                       const dedup_shown *shown, const char *keeper_tag, page_thumbs *thumbs) {
    size_t of_group = 0, written = 0;
    for (size_t i = 1; i < shown->count; i++) {
        const glimpse_dedup_member *member = &group->members[shown->members[i]];
        picture_part parts[2];
        if (member->region_count == 0 || dedup_shown_before(group, shown, i)) continue;
        if (written++ == 0) (void)fputs("<div class=\"edits\">", to);
        char *words = dedup_region_words(member);
        (void)fputs("<div class=\"edit\"><p>Differs: ", to);
        page_text(to, words);
        (void)fputs("</p>", to);
        free(words);
        if (choose(parts, group, member) && is_wanted(crops, &of_group)) {
            (void)fputs("<div class=\"crops\">", to);
            write_crop(to, group->members[0].picture->path, keeper_tag, thumbs);
            write_crop(to, member->picture->path, NULL, thumbs);
            (void)fputs("</div>", to);
        } else if (shown->count > 2) {
            page_path(to, member->picture->path);
        }
        (void)fputs("</div>\n", to);
    }
    if (written > 0) (void)fputs("</div>", to);
}
