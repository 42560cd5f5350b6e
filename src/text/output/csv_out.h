/*
 * text/output/csv_out.h - fields of comma-separated values.
 */
#ifndef GLIMPSE_TEXT_CSV_OUT_H
#define GLIMPSE_TEXT_CSV_OUT_H

#include <stdio.h>

/* RFC 4180: quoted where needed, quotes doubled. Write errors stay in the stream. */
void glimpse_csv_field(FILE *to, const char *text);

#endif
