/* Merge functions in a shared library, for `merge_plugins` and `turnstone merge check --native`.
 *
 * The library exports one function:
 *
 *   const struct turnstone_merge_library *turnstone_merge_functions(void);
 *
 * Everything it returns stays valid and unchanged while the process lives. A merge function must
 * be deterministic (no clock, no chance, no state, no addresses, no locale), must end, and may
 * not throw or call exit: it runs in the leader's process. See docs/merge.md.
 */
#ifndef TURNSTONE_MERGE_H
#define TURNSTONE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when something here changes meaning; a library of another version is refused. */
#define TURNSTONE_MERGE_ABI 1u

/* Any bytes, not ended by a zero. Valid during the call. */
struct turnstone_bytes {
  const char *data;
  size_t size;
};

struct turnstone_sibling {
  struct turnstone_bytes value;
  uint64_t clock_ms;             /* when it was written, in milliseconds since 1970 */
  struct turnstone_bytes author; /* "origin:sequence"; says nothing but who is the same */
};

struct turnstone_merge_call {
  const struct turnstone_sibling *siblings; /* oldest first, different values, two or more */
  size_t count;
  int has_base; /* whether all of them replaced the same value; never if wants_base is 0 */
  struct turnstone_bytes base;
  /* Copies the bytes; the last call counts. */
  void (*set_result)(const struct turnstone_merge_call *call, const char *data, size_t size);
};

/* Returns 0 when the result is a value; anything else when it is a sentence that says why there
 * is none. */
typedef int (*turnstone_merge_function)(const struct turnstone_merge_call *call, void *context);

enum { TURNSTONE_TEXT = 0, TURNSTONE_JSON = 1, TURNSTONE_MSGPACK = 2 };

struct turnstone_merge_entry {
  const char *name;    /* of both 1 to 64 characters of a-z, A-Z, 0-9, "_", "-" and "." */
  const char *version; /* another one whenever the function gives other results */
  int format;          /* what it takes values for: what it is checked with */
  int wants_base;      /* 1: writes carry what they replace */
  turnstone_merge_function merge;
  void *context; /* handed to it */
};

struct turnstone_merge_library {
  uint32_t abi; /* TURNSTONE_MERGE_ABI */
  size_t count;
  const struct turnstone_merge_entry *entries;
};

#ifdef __cplusplus
}
#endif

#endif
