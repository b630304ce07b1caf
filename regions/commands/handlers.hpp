#pragma once
// What the rows of the command table point to; one file per family. A handler gets the
// right number of arguments, writes exactly one reply, and is inside an operation of the
// replica when its command is flagged write.
#include "regions/commands/call.hpp"

namespace turnstone::commands::handle {

// strings.cpp
void get(Call& call, Args args);
void set(Call& call, Args args);
void setnx(Call& call, Args args);
void getset(Call& call, Args args);
void getdel(Call& call, Args args);
void mget(Call& call, Args args);
void mset(Call& call, Args args);
void append(Call& call, Args args);
void strlen(Call& call, Args args);
void incr(Call& call, Args args);
void decr(Call& call, Args args);
void incrby(Call& call, Args args);
void decrby(Call& call, Args args);
void incrbyfloat(Call& call, Args args);

// keys.cpp
void del(Call& call, Args args);
void exists(Call& call, Args args);
void type(Call& call, Args args);
void keys(Call& call, Args args);
void scan(Call& call, Args args);
void rename(Call& call, Args args);
void randomkey(Call& call, Args args);
void dbsize(Call& call, Args args);
void flush(Call& call, Args args);

// sets.cpp
void sadd(Call& call, Args args);
void srem(Call& call, Args args);
void smembers(Call& call, Args args);
void sismember(Call& call, Args args);
void smismember(Call& call, Args args);
void scard(Call& call, Args args);
void srandmember(Call& call, Args args);
void spop(Call& call, Args args);
void smove(Call& call, Args args);
void sscan(Call& call, Args args);

// set_algebra.cpp
void sinter(Call& call, Args args);
void sintercard(Call& call, Args args);
void sunion(Call& call, Args args);
void sdiff(Call& call, Args args);
void sinterstore(Call& call, Args args);
void sunionstore(Call& call, Args args);
void sdiffstore(Call& call, Args args);

// hashes.cpp
void hset(Call& call, Args args);
void hmset(Call& call, Args args);
void hsetnx(Call& call, Args args);
void hget(Call& call, Args args);
void hmget(Call& call, Args args);
void hgetall(Call& call, Args args);
void hdel(Call& call, Args args);
void hexists(Call& call, Args args);
void hlen(Call& call, Args args);
void hkeys(Call& call, Args args);
void hvals(Call& call, Args args);
void hstrlen(Call& call, Args args);
void hincrby(Call& call, Args args);
void hincrbyfloat(Call& call, Args args);
void hscan(Call& call, Args args);
void hrandfield(Call& call, Args args);

// transactions.cpp
void multi(Call& call, Args args);
void exec(Call& call, Args args);
void discard(Call& call, Args args);
void watch(Call& call, Args args);
void unwatch(Call& call, Args args);

// connection.cpp
void ping(Call& call, Args args);
void echo(Call& call, Args args);
void hello(Call& call, Args args);
void auth(Call& call, Args args);
void select(Call& call, Args args);
void quit(Call& call, Args args);
void reset(Call& call, Args args);

// client.cpp
void client_id(Call& call, Args args);
void client_setname(Call& call, Args args);
void client_getname(Call& call, Args args);
void client_setinfo(Call& call, Args args);
void client_list(Call& call, Args args);
void client_info(Call& call, Args args);
void client_no_evict(Call& call, Args args);
void client_help(Call& call, Args args);

// catalogue.cpp
void command(Call& call, Args args);
void command_count(Call& call, Args args);
void command_docs(Call& call, Args args);
void command_info(Call& call, Args args);
void command_list(Call& call, Args args);
void command_help(Call& call, Args args);

// server.cpp
void config_get(Call& call, Args args);
void config_set(Call& call, Args args);
void config_resetstat(Call& call, Args args);
void config_help(Call& call, Args args);
void time(Call& call, Args args);

// info.cpp
void info(Call& call, Args args);

// turnstone.cpp
void ts_regions(Call& call, Args args);
void ts_conflicts(Call& call, Args args);
void ts_audit_list(Call& call, Args args);
void ts_audit_records(Call& call, Args args);
void ts_audit_show(Call& call, Args args);
void ts_audit_stats(Call& call, Args args);
void ts_audit_help(Call& call, Args args);
void ts_link(Call& call, Args args);
void ts_region_add(Call& call, Args args);
void ts_region_remove(Call& call, Args args);
void ts_region_list(Call& call, Args args);
void ts_region_help(Call& call, Args args);
void ts_digest(Call& call, Args args);
void ts_help(Call& call, Args args);

// policy.cpp
void ts_policy_set(Call& call, Args args);
void ts_policy_unset(Call& call, Args args);
void ts_policy_list(Call& call, Args args);
void ts_policy_which(Call& call, Args args);
void ts_policy_help(Call& call, Args args);
void ts_merge_load(Call& call, Args args);
void ts_merge_list(Call& call, Args args);
void ts_merge_show(Call& call, Args args);
void ts_merge_retire(Call& call, Args args);
void ts_merge_help(Call& call, Args args);

// siblings.cpp
void ts_siblings(Call& call, Args args);
void ts_resolve(Call& call, Args args);

// verify.cpp
void ts_verify_digests(Call& call, Args args);
void ts_verify_rows(Call& call, Args args);
void ts_verify_repair(Call& call, Args args);
void ts_verify_help(Call& call, Args args);

}  // namespace turnstone::commands::handle
