/*
 * evaluate_out.c - output that the parts of glimpse evaluate share.
 */
#include "evaluate_out.h"

#include "memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void evaluate_key(json_out *j, const char *name, double value) {
    jout_key(j, name);
    jout_number(j, value);
}

void evaluate_json_figures(json_out *j, const named_figure *figures, size_t count) {
    for (size_t i = 0; i < count; i++)
        evaluate_key(j, figures[i].key, figures[i].figure.value);
    jout_key(j, "intervals");
    jout_open(j, '{');
    for (size_t i = 0; i < count; i++) {
        if (isnan(figures[i].figure.low)) continue;
        jout_key(j, figures[i].key);
        jout_open(j, '[');
        jout_number(j, figures[i].figure.low);
        jout_number(j, figures[i].figure.high);
        jout_close(j, ']');
    }
    jout_close(j, '}');
}

void evaluate_print_figures(const named_figure *figures, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const named_figure *f = &figures[i];
        double scale = f->percent ? 100 : 1;
        int digits = f->percent ? 2 : 4;
        if (isnan(f->figure.value)) continue;
        (void)printf("%-28s %9.*f%s", f->name, digits, scale * f->figure.value,
                     f->percent ? "%" : " ");
        if (!isnan(f->figure.low)) {
            (void)printf("   %.*f to %.*f", digits, scale * f->figure.low, digits,
                         scale * f->figure.high);
        }
        (void)putchar('\n');
    }
}

static int most_confused(const void *a, const void *b) {
    const evaluate_confused *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    if (x->truth != y->truth) return x->truth < y->truth ? -1 : 1;
    return (x->guess > y->guess) - (x->guess < y->guess);
}

evaluate_confused *evaluate_list_confused(const size_t *confusion, size_t class_count,
                                          size_t *count) {
    size_t capacity = 64;
    *count = 0;
    if (!confusion) return NULL;
    evaluate_confused *list = xmalloc(capacity * sizeof *list);
    for (size_t t = 0; t < class_count; t++) {
        for (size_t g = 0; g <= class_count; g++) {
            size_t n = confusion[t * (class_count + 1) + g];
            if (t == g || n == 0) continue;
            if (*count == capacity) list = xrealloc(list, (capacity *= 2) * sizeof *list);
            list[(*count)++] = (evaluate_confused){t, g, n};
        }
    }
    if (*count > 0) qsort(list, *count, sizeof *list, most_confused);
    return list;
}
