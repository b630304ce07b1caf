/* Libraries that turnstone has to refuse. */
#include <stddef.h>

#include "turnstone_merge.h"

static int none(const struct turnstone_merge_call *call, void *context) {
  (void)call;
  (void)context;
  return 1;
}

#if defined(WRONG_ENTRY)
static const struct turnstone_merge_entry entries[] = {{"none", NULL, TURNSTONE_TEXT, 0, none, NULL}};
#else
static const struct turnstone_merge_entry entries[] = {{"none", "1", TURNSTONE_TEXT, 0, none, NULL},
                                                       {"none", "1", TURNSTONE_TEXT, 0, none, NULL}};
#endif

#if defined(WRONG_ABI)
static const struct turnstone_merge_library library = {TURNSTONE_MERGE_ABI + 1, 1, entries};
#else
static const struct turnstone_merge_library library = {TURNSTONE_MERGE_ABI, sizeof entries / sizeof entries[0], entries};
#endif

const struct turnstone_merge_library *turnstone_merge_functions(void);
const struct turnstone_merge_library *turnstone_merge_functions(void) {
#if defined(WRONG_NOTHING)
  return NULL;
#else
  return &library;
#endif
}
