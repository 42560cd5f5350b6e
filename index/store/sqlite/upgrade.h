/*
 * upgrade.h - an older catalogue becomes one of this version, in place, with a backup beside it
 * until that is done.
 */
#ifndef GLIMPSE_INDEX_UPGRADE_H
#define GLIMPSE_INDEX_UPGRADE_H

#include "db.h"

/* Applies steps[version..count) in one transaction. Before it, a copy of the catalogue is made
 * ("catalog.db.before-8" for a count of 8); it goes when the steps are committed. Killed at any
 * moment, the catalogue is the old one or the new one, and opening it again goes on. A failure (a
 * full disk: GLIMPSE_E_IO) leaves the old one and no copy. GLIMPSE_E_BUSY while another process
 * writes to the library. */
int glimpse_upgrade(glimpse_db *db, const char *const *steps, int version, int count);

/* Of a catalogue that is up to date: removes the copy that a kill after the commit left. */
void glimpse_upgrade_clean(glimpse_db *db, int version);

#endif
