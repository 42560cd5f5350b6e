/*
 * glimpse/glimpse.h - all of libglimpse. Each header below is the manual of its part; docs/api.md
 * is what they have in common.
 */
#ifndef GLIMPSE_GLIMPSE_H
#define GLIMPSE_GLIMPSE_H

#include <glimpse/actions.h>
#include <glimpse/build.h>
#include <glimpse/calibrate.h>
#include <glimpse/captioning.h>
#include <glimpse/captions.h>
#include <glimpse/catalog.h>
#include <glimpse/compute.h>
#include <glimpse/dataset_writer.h>
#include <glimpse/datasets.h>
#include <glimpse/decisions.h>
#include <glimpse/dedup.h>
#include <glimpse/dedup_plan.h>
#include <glimpse/evaluate.h>
#include <glimpse/filters.h>
#include <glimpse/label.h>
#include <glimpse/labelling.h>
#include <glimpse/library.h>
#include <glimpse/listing.h>
#include <glimpse/messages.h>
#include <glimpse/process.h>
#include <glimpse/pull.h>
#include <glimpse/query.h>
#include <glimpse/reading.h>
#include <glimpse/rerank.h>
#include <glimpse/response_cache.h>
#include <glimpse/session.h>
#include <glimpse/session_blip.h>
#include <glimpse/session_compare_models.h>
#include <glimpse/session_dedup.h>
#include <glimpse/session_evaluate.h>
#include <glimpse/session_label.h>
#include <glimpse/session_models.h>
#include <glimpse/session_pull.h>
#include <glimpse/session_search.h>
#include <glimpse/session_vlm.h>
#include <glimpse/session_write.h>
#include <glimpse/status.h>
#include <glimpse/stored_labels.h>
#include <glimpse/sys/blip.h>
#include <glimpse/sys/document.h>
#include <glimpse/sys/fingerprint.h>
#include <glimpse/sys/holdings.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/metadata.h>
#include <glimpse/sys/model.h>
#include <glimpse/sys/signature.h>
#include <glimpse/sys/tokenizer.h>
#include <glimpse/sys/vlm.h>
#include <glimpse/sys/weights.h>
#include <glimpse/tags.h>
#include <glimpse/version.h>
#include <glimpse/vlm_settings.h>

#endif
