/*
 * tile_frame.h - a frame around the tile that a search found.
 */
#ifndef GLIMPSE_TOOLS_TILE_FRAME_H
#define GLIMPSE_TOOLS_TILE_FRAME_H

#include "picture_out.h"

#include <glimpse/library.h>

/* Draws it into a small version of the whole picture; nothing where the score is the whole's. */
void tile_frame_draw(thumbnail *t, const glimpse_result *result);

#endif
