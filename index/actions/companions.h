/*
 * companions.h - pictures and RAW files that were taken together, by their names; for those who
 * choose what an action is about.
 */
#ifndef GLIMPSE_INDEX_COMPANIONS_H
#define GLIMPSE_INDEX_COMPANIONS_H

/* By its ending. */
int glimpse_action_is_raw(const char *path);
/* 1 for a.jpg and a.dng of one directory. */
int glimpse_action_is_pair(const char *a, const char *b);

#endif
