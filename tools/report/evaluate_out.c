/*
 * evaluate_out.c - output that the parts of glimpse evaluate share.
 */
#include "evaluate_out.h"

#include <math.h>
#include <stdio.h>

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
