/* A merge function in C: of bids "AMOUNT BIDDER" the highest; of equal ones the earliest.
 *
 *   cc -shared -fPIC -I/usr/local/include -o highest_bid.so highest_bid.c
 *   turnstone merge check --native ./highest_bid.so highest_bid --samples bids.jsonl
 *   turnstone serve ... --merge-plugins ./highest_bid.so
 */
#include <stddef.h>
#include <stdint.h>

#include "turnstone_merge.h"

/* The number at the start; -1 where there is none, or it is too large. */
static int64_t amount_of(struct turnstone_bytes bid) {
  int64_t amount = 0;
  size_t digits = 0;
  while (digits < bid.size && bid.data[digits] >= '0' && bid.data[digits] <= '9' && digits < 18)
    amount = amount * 10 + (bid.data[digits++] - '0');
  return digits > 0 && digits < bid.size && bid.data[digits] == ' ' ? amount : -1;
}

static int highest_bid(const struct turnstone_merge_call *call, void *context) {
  static const char no_bid[] = "a value does not begin with an amount and a space";
  const struct turnstone_sibling *best = &call->siblings[0];
  (void)context;
  for (size_t i = 0; i < call->count; ++i) {
    if (amount_of(call->siblings[i].value) < 0) {
      call->set_result(call, no_bid, sizeof no_bid - 1);
      return 1;
    }
    if (amount_of(call->siblings[i].value) > amount_of(best->value)) best = &call->siblings[i];
  }
  call->set_result(call, best->value.data, best->value.size);
  return 0;
}

static const struct turnstone_merge_entry entries[] = {
    {"highest_bid", "1", TURNSTONE_TEXT, 0, highest_bid, NULL},
};
static const struct turnstone_merge_library library = {TURNSTONE_MERGE_ABI, 1, entries};

const struct turnstone_merge_library *turnstone_merge_functions(void) { return &library; }
