# Safe actions on duplicates, their journal, and remembered decisions.
glimpse_store_test(actions actions_support.c)
glimpse_store_test(actions_mounts actions_support.c)
glimpse_store_test(actions_crash actions_support.c)
glimpse_store_test(decisions)
