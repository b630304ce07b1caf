// What scripts can call. Everything here takes a time that is bounded by what it spends.
#include <algorithm>
#include <bit>
#include <cstring>
#include <lua.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/merge/lua_sandbox.hpp"

namespace turnstone::crdt {
namespace {

constexpr std::size_t bytes_of_an_instruction = 256;

void spend_bytes(lua_State* lua, std::size_t bytes) { LuaMeter::spend(lua, bytes / bytes_of_an_instruction); }

std::string_view text_at(lua_State* lua, int argument) {
  std::size_t size = 0;
  const char* data = luaL_checklstring(lua, argument, &size);
  return {data, size};
}

// A table's key, for sorting: numbers before text before booleans.
struct TableKey {
  int rank = 0;
  bool is_integer = false;
  lua_Integer integer = 0;
  lua_Number number = 0;
  std::string_view text;  // the table keeps it

  friend bool operator<(const TableKey& a, const TableKey& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    if (a.rank == 1) return a.text < b.text;
    if (a.is_integer && b.is_integer) return a.integer < b.integer;
    return a.number < b.number;
  }
};

TableKey key_at_top(lua_State* lua) {
  TableKey key;
  switch (lua_type(lua, -1)) {
    case LUA_TNUMBER:
      key.is_integer = lua_isinteger(lua, -1) != 0;
      if (key.is_integer) key.integer = lua_tointeger(lua, -1);
      key.number = lua_tonumber(lua, -1);
      return key;
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* data = lua_tolstring(lua, -1, &size);
      key.rank = 1;
      key.text = {data, size};
      return key;
    }
    case LUA_TBOOLEAN:
      key.rank = 2;
      key.is_integer = true;
      key.integer = lua_toboolean(lua, -1);
      return key;
    default:
      luaL_error(lua, "pairs: a %s as a key has no order", luaL_typename(lua, -1));
      return key;
  }
}

void push_key(lua_State* lua, const TableKey& key) {
  if (key.rank == 1) {
    lua_pushlstring(lua, key.text.data(), key.text.size());
  } else if (key.rank == 2) {
    lua_pushboolean(lua, static_cast<int>(key.integer));
  } else if (key.is_integer) {
    lua_pushinteger(lua, key.integer);
  } else {
    lua_pushnumber(lua, key.number);
  }
}

// Upvalues: the table, its keys in order, how many were given.
int next_pair(lua_State* lua) {
  lua_Integer at = lua_tointeger(lua, lua_upvalueindex(3));
  for (;;) {
    ++at;
    if (lua_rawgeti(lua, lua_upvalueindex(2), at) == LUA_TNIL) return 1;
    lua_pushvalue(lua, -1);
    // Set to nil meanwhile: gone.
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) break;
    LuaMeter::spend(lua, 1);
    lua_pop(lua, 2);
  }
  lua_pushinteger(lua, at);
  lua_replace(lua, lua_upvalueindex(3));
  return 2;
}

int sorted_pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  std::vector<TableKey> keys;
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    lua_pop(lua, 1);
    keys.push_back(key_at_top(lua));
  }
  LuaMeter::spend(lua, keys.size() * static_cast<std::size_t>(std::bit_width(keys.size())));
  std::sort(keys.begin(), keys.end());
  lua_pushvalue(lua, 1);
  lua_createtable(lua, static_cast<int>(keys.size()), 0);
  lua_Integer at = 0;
  for (const TableKey& key : keys) {
    push_key(lua, key);
    lua_rawseti(lua, -2, ++at);
  }
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, next_pair, 3);
  return 1;
}

// Of what has a text that is the same everywhere; Lua's own would show addresses.
int to_text(lua_State* lua) {
  luaL_checkany(lua, 1);
  switch (lua_type(lua, 1)) {
    case LUA_TNUMBER:
      if (lua_tonumber(lua, 1) != lua_tonumber(lua, 1)) return luaL_error(lua, "tostring: NaN has no text");
      [[fallthrough]];
    case LUA_TSTRING:
    case LUA_TBOOLEAN:
    case LUA_TNIL:
      luaL_tolstring(lua, 1, nullptr);
      return 1;
    case LUA_TLIGHTUSERDATA:
      lua_pushliteral(lua, "null");
      return 1;
    default:
      return luaL_error(lua, "tostring: a %s has no text", luaL_typename(lua, 1));
  }
}

// The words of JSON and MessagePack for a value's kind.
int kind(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (lua_islightuserdata(lua, 1)) {
    lua_pushliteral(lua, "null");
    return 1;
  }
  const LuaTag tag = lua_istable(lua, 1) ? lua_tag(lua, 1) : LuaTag::none;
  if (tag == LuaTag::array) lua_pushliteral(lua, "array");
  if (tag == LuaTag::object) lua_pushliteral(lua, "object");
  if (tag == LuaTag::binary) lua_pushliteral(lua, "binary");
  if (tag == LuaTag::none) lua_pushstring(lua, luaL_typename(lua, 1));
  return 1;
}

// array(t), object(t): t itself, or a new table without one.
int tag_table(lua_State* lua, LuaTag tag) {
  if (lua_isnoneornil(lua, 1)) {
    lua_settop(lua, 0);
    lua_newtable(lua);
  }
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 1);
  if (lua_getmetatable(lua, 1) != 0) {
    lua_pop(lua, 1);
    if (lua_tag(lua, 1) != LuaTag::array && lua_tag(lua, 1) != LuaTag::object)
      return luaL_error(lua, "this table cannot be made an array or an object");
  }
  set_lua_tag(lua, tag);
  return 1;
}
int as_array(lua_State* lua) { return tag_table(lua, LuaTag::array); }
int as_object(lua_State* lua) { return tag_table(lua, LuaTag::object); }

int as_binary(lua_State* lua) {
  luaL_checkstring(lua, 1);
  lua_settop(lua, 1);
  lua_createtable(lua, 0, 1);
  lua_insert(lua, 1);
  lua_setfield(lua, 1, "bytes");
  set_lua_tag(lua, LuaTag::binary);
  return 1;
}

// Lua's own loops for ever over rep("", n).
int repeat(lua_State* lua) {
  const std::string_view text = text_at(lua, 1);
  const lua_Integer times = luaL_checkinteger(lua, 2);
  const std::string_view between = lua_isnoneornil(lua, 3) ? std::string_view() : text_at(lua, 3);
  if (times <= 0 || text.size() + between.size() == 0) {
    lua_pushliteral(lua, "");
    return 1;
  }
  const std::size_t left = LuaMeter::of(lua).bytes;
  if (static_cast<std::size_t>(times) > left / (text.size() + between.size()))
    return luaL_error(lua, "string.rep: the result is too large");
  const std::size_t size = static_cast<std::size_t>(times) * (text.size() + between.size()) - between.size();
  spend_bytes(lua, size);
  std::string whole;
  whole.reserve(size);
  whole.append(text);
  // What is there is doubled: the cost is of the bytes, not of the times.
  const std::size_t piece = text.size() + between.size();
  if (times > 1) whole.append(between).append(text);
  while (whole.size() < size) {
    const std::size_t pieces = (whole.size() - text.size()) / piece;
    whole.append(whole, text.size(), std::min(pieces * piece, size - whole.size()));
  }
  lua_pushlstring(lua, whole.data(), whole.size());
  return 1;
}

// find(text, what [, from]): plain text, no pattern.
int find(lua_State* lua) {
  const std::string_view text = text_at(lua, 1);
  const std::string_view what = text_at(lua, 2);
  lua_Integer from = luaL_optinteger(lua, 3, 1);
  if (from < 0) from = std::max<lua_Integer>(1, static_cast<lua_Integer>(text.size()) + from + 1);
  if (from == 0) from = 1;
  lua_settop(lua, 2);
  lua_pushnil(lua);
  if (static_cast<std::size_t>(from) > text.size() + 1) return 1;
  spend_bytes(lua, text.size() + what.size());
  const std::string_view rest = text.substr(static_cast<std::size_t>(from) - 1);
  // Linear, as std::string_view::find is not.
  const void* found = what.empty() ? rest.data() : memmem(rest.data(), rest.size(), what.data(), what.size());
  if (found == nullptr) return 1;
  const auto at = static_cast<lua_Integer>(static_cast<const char*>(found) - text.data()) + 1;
  lua_pushinteger(lua, at);
  lua_pushinteger(lua, at + static_cast<lua_Integer>(what.size()) - 1);
  return 2;
}

int concat(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  std::size_t between_size = 0;
  const char* between = luaL_optlstring(lua, 2, "", &between_size);
  const lua_Integer first = luaL_optinteger(lua, 3, 1);
  const lua_Integer last = lua_isnoneornil(lua, 4) ? luaL_len(lua, 1) : luaL_checkinteger(lua, 4);
  std::string joined;
  for (lua_Integer i = first; i <= last; ++i) {
    lua_geti(lua, 1, i);
    std::size_t size = 0;
    if (lua_isstring(lua, -1) == 0)
      return luaL_error(lua, "table.concat: element %I is a %s", static_cast<LUAI_UACINT>(i),
                        luaL_typename(lua, -1));
    const char* data = lua_tolstring(lua, -1, &size);
    LuaMeter::spend(lua, 1 + size / bytes_of_an_instruction);
    if (i > first) joined.append(between, between_size);
    joined.append(data, size);
    lua_pop(lua, 1);
    if (joined.size() > LuaMeter::of(lua).bytes)
      return luaL_error(lua, "table.concat: the result is too large");
    if (i == LUA_MAXINTEGER) break;
  }
  lua_pushlstring(lua, joined.data(), joined.size());
  return 1;
}

int unpack(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  const lua_Integer first = luaL_optinteger(lua, 2, 1);
  const lua_Integer last = lua_isnoneornil(lua, 3) ? luaL_len(lua, 1) : luaL_checkinteger(lua, 3);
  if (first > last) return 0;
  const auto values = static_cast<lua_Unsigned>(last) - static_cast<lua_Unsigned>(first);
  constexpr lua_Unsigned values_max = 10'000;
  if (values >= values_max || lua_checkstack(lua, static_cast<int>(values) + 1) == 0)
    return luaL_error(lua, "table.unpack: too many values");
  LuaMeter::spend(lua, values);
  for (lua_Integer i = first; i < last; ++i) lua_geti(lua, 1, i);
  lua_geti(lua, 1, last);
  return static_cast<int>(values) + 1;
}

int refuse_write(lua_State* lua) {
  const char* name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "this";
  return luaL_error(lua, "'%s' cannot be set: only what is local can (nothing outlives a call)", name);
}

// Loops over tables, in Lua: so what they do is counted.
constexpr std::string_view prelude = R"lua(
local error, select, type = ...
local function insert(t, ...)
  local count = select("#", ...)
  local last = #t + 1
  if count == 1 then
    t[last] = (...)
    return
  end
  if count ~= 2 then error("table.insert: wrong number of arguments", 2) end
  local at, value = ...
  if type(at) ~= "number" or at < 1 or at > last then error("table.insert: position out of bounds", 2) end
  for i = last, at + 1, -1 do t[i] = t[i - 1] end
  t[at] = value
end
local function remove(t, at)
  local last = #t
  at = at or last
  if last == 0 and (at == 0 or at == 1) then return nil end
  if type(at) ~= "number" or at < 1 or at > last + 1 then error("table.remove: position out of bounds", 2) end
  local removed = t[at]
  for i = at, last - 1 do t[i] = t[i + 1] end
  if at <= last then t[last] = nil end
  return removed
end
-- Stable, and the same whatever the order function answers.
local function sort(t, before)
  before = before or function(a, b) return a < b end
  local count, from, to, width = #t, t, {}, 1
  while width < count do
    for low = 1, count, 2 * width do
      local middle = low + width
      local high = middle + width
      if middle > count + 1 then middle = count + 1 end
      if high > count + 1 then high = count + 1 end
      local a, b = low, middle
      for at = low, high - 1 do
        if a < middle and (b >= high or not before(from[b], from[a])) then
          to[at] = from[a]
          a = a + 1
        else
          to[at] = from[b]
          b = b + 1
        end
      end
    end
    from, to = to, from
    width = 2 * width
  end
  if from ~= t then for i = 1, count do t[i] = from[i] end end
end
return insert, remove, sort
)lua";

constexpr luaL_Reg own_base[] = {{"pairs", sorted_pairs}, {"tostring", to_text}, {"kind", kind},
                                 {"array", as_array},     {"object", as_object}, {"binary", as_binary}};
constexpr luaL_Reg own_string[] = {{"rep", repeat}, {"find", find}};
constexpr luaL_Reg own_table[] = {{"concat", concat}, {"unpack", unpack}};
constexpr const char* base_taken[] = {"type", "tonumber", "select", "error", "assert", "ipairs"};
constexpr const char* string_taken[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper"};
// The square root is rounded correctly everywhere; sin, exp, log and pow are not.
constexpr const char* math_taken[] = {"abs",  "ceil", "floor",     "fmod", "max",        "min",
                                      "sqrt", "type", "tointeger", "ult",  "maxinteger", "mininteger"};

// Replaces the table on the stack by one that shows it and cannot be written to.
void close_table(lua_State* lua) {
  lua_newtable(lua);
  lua_createtable(lua, 0, 2);
  lua_rotate(lua, -3, -1);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, refuse_write);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
}

void add(lua_State* lua, std::span<const luaL_Reg> own) {
  for (const luaL_Reg& each : own) {
    lua_pushcfunction(lua, each.func);
    lua_setfield(lua, -2, each.name);
  }
}

void take(lua_State* lua, lua_CFunction library, std::span<const char* const> taken) {
  lua_pushcfunction(lua, library);
  lua_call(lua, 0, 1);
  for (const char* name : taken) {
    lua_getfield(lua, -1, name);
    lua_setfield(lua, -3, name);
  }
  lua_pop(lua, 1);
}

// Sets insert, remove and sort in the table on the stack.
void add_prelude(lua_State* lua) {
  const int table = lua_gettop(lua);
  luaL_loadbufferx(lua, prelude.data(), prelude.size(), lua_prelude_chunk, "t");
  for (const char* name : {"error", "select", "type"}) lua_getglobal(lua, name);
  lua_call(lua, 3, 3);
  lua_setfield(lua, table, "sort");
  lua_setfield(lua, table, "remove");
  lua_setfield(lua, table, "insert");
}

constexpr const char* tag_names[] = {nullptr, "array", "object", "binary"};

}  // namespace

LuaTag lua_tag(lua_State* lua, int index) {
  if (lua_getmetatable(lua, index) == 0) return LuaTag::none;
  LuaTag found = LuaTag::none;
  for (const LuaTag tag : {LuaTag::array, LuaTag::object, LuaTag::binary}) {
    lua_getfield(lua, LUA_REGISTRYINDEX, tag_names[static_cast<std::size_t>(tag)]);
    if (lua_rawequal(lua, -1, -2) != 0) found = tag;
    lua_pop(lua, 1);
  }
  lua_pop(lua, 1);
  return found;
}

void set_lua_tag(lua_State* lua, LuaTag tag) {
  lua_getfield(lua, LUA_REGISTRYINDEX, tag_names[static_cast<std::size_t>(tag)]);
  lua_setmetatable(lua, -2);
}

void push_lua_environment(lua_State* lua) {
  for (const LuaTag tag : {LuaTag::array, LuaTag::object, LuaTag::binary})
    luaL_newmetatable(lua, tag_names[static_cast<std::size_t>(tag)]);
  lua_settop(lua, 0);
  lua_newtable(lua);
  take(lua, luaopen_base, base_taken);
  add(lua, own_base);
  lua_newtable(lua);
  take(lua, luaopen_string, string_taken);
  add(lua, own_string);
  close_table(lua);
  // Methods of text, s:sub(): Lua's own table would lead to what was left out.
  lua_pushliteral(lua, "");
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_pop(lua, 1);
  lua_setfield(lua, -2, "string");
  lua_newtable(lua);
  add_prelude(lua);
  add(lua, own_table);
  close_table(lua);
  lua_setfield(lua, -2, "table");
  lua_newtable(lua);
  take(lua, luaopen_math, math_taken);
  close_table(lua);
  lua_setfield(lua, -2, "math");
  lua_pushlightuserdata(lua, nullptr);
  lua_setfield(lua, -2, "null");
  // Nothing leads to the globals that the libraries have filled.
  lua_newtable(lua);
  lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  close_table(lua);
}

}  // namespace turnstone::crdt
