#pragma once
// Bugs that can be switched on, to prove that the simulator would find them. In every
// build but the simulator's own second one the switch is a constant, and costs nothing.

namespace turnstone {

enum class Planted {
  none,
  drop_delta,                      // the last delta of a batch with several is not applied
  apply_twice,                     // a batch that was received twice is applied twice
  skip_dependencies,               // a batch is applied before what its author had seen
  acknowledge_before_sync,         // a write is acknowledged once it is appended
  reuse_origin_after_restore,      // a leader restored from a copy goes on as the origin it was
  publish_before_durable,          // a batch is published once it is appended
  skip_seal,                       // the open batch claims to have seen what arrived after its writes
  receipt_stability,               // a report counts before what its sender had stamped has arrived
  skip_relist,                     // increments are not listed again when a restored leader is behind
  trust_empty_page,                // an empty answer to a pull is taken for "there is nothing"
  skip_copy_on_write,              // a checkpoint takes cells as they are when their turn comes
  truncate_unstable,               // the log is cut where the state is stored, stable or not
  close_at_first_acknowledgement,  // an origin ends before every member has said what it has
  skip_signature_check,            // a batch is taken whoever signed it
  origin_of_anybody,               // a region may begin an origin that is another region's
  clock_over_causality,            // a write spares rows that it has seen if their clock is later
  count_joined_twice,              // an increment is counted twice that joins an entry of its batch
  corrupt_row,                     // what other leaders wrote is stored with another value
  compare_busy_buckets,            // buckets are compared that not everybody has all writes of
  compare_old_beacons,             // digests are compared whose sender had not seen all of our rows
  compare_unseen_writes,           // digests are compared of rows that we have not all seen
  adopt_copied_clock,              // a leader's clock goes as far as that of the leader whose state it took
  join_too_early,                  // a leader that lost its disk takes writes before it has caught up
  skip_copy_hash,                  // a copied state is not compared with its hash
  hold_without_limit,              // whatever comes out of order is held
  keep_ended_origins,              // what ended is never retired
  end_what_is_heard,               // the end of a run is acknowledged though it is heard
  trust_clock_jumps,               // a clock that is set forward lets every deadline pass
  keep_log,                        // the log is never cut, whatever is stable
  keep_copies,                     // a copy of the state that was made for another leader stays
  forget_removed_at_once,          // nobody waits for a removed region, though its deltas may still come
  wait_for_removed,                // runs that end wait for regions that have left
  keep_retired_in_log,             // a start takes what was to be cut, and was not yet, for the log's
  leave_below_floor,               // what may not be taken from a log any more is never asked for
  greatest_of_two_leaders,         // of what two leaders of a region acknowledged the greatest counts
  complete_is_final,      // who has all acknowledgements of an end takes no more, whatever others say
  raise_when_overtaken,   // who had more than its region has acknowledged says so after that
  return_as_of_now,       // what is stamped again has seen all that is there by now
  return_with_new_clock,  // what is stamped again wins over what was written meanwhile
  return_renamed,         // what is stamped again has not seen what was before it
  record_one_sibling,     // a write that meets several siblings is on record with one of them
  record_what_was_seen,   // a write is on record with deletes that its author had seen
  resolve_all,            // a choice takes the place of siblings that it does not name
  forget_base,            // what a write replaced is kept by its author's leader alone
  clear_cluster_data,     // a client that clears a key clears a policy
};

#ifdef TURNSTONE_PLANTED_BUGS
inline Planted planted_bug = Planted::none;
inline bool planted(Planted bug) { return planted_bug == bug; }
#else
constexpr bool planted(Planted) { return false; }
#endif

}  // namespace turnstone
