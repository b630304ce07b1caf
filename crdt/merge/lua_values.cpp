#include "crdt/merge/lua_values.hpp"

#include <algorithm>
#include <limits>
#include <lua.hpp>
#include <string>

#include "crdt/merge/lua_sandbox.hpp"

namespace turnstone::crdt {
namespace {

constexpr int slots_of_a_level = 4;

struct Pusher {
  lua_State* lua;

  void operator()(Document::Null) const { lua_pushlightuserdata(lua, nullptr); }
  void operator()(bool value) const { lua_pushboolean(lua, value ? 1 : 0); }
  void operator()(std::int64_t value) const { lua_pushinteger(lua, value); }
  void operator()(Document::Unsigned value) const {
    luaL_error(lua, "the integer %s does not fit into 63 bits and a sign", std::to_string(value).c_str());
  }
  void operator()(double value) const { lua_pushnumber(lua, value); }
  void operator()(const std::string& text) const { lua_pushlstring(lua, text.data(), text.size()); }
  void operator()(const Document::Binary& binary) const {
    lua_createtable(lua, 0, 1);
    lua_pushlstring(lua, binary.bytes.data(), binary.bytes.size());
    lua_setfield(lua, -2, "bytes");
    set_lua_tag(lua, LuaTag::binary);
  }
  void operator()(const Document::Array& array) const {
    lua_createtable(lua, static_cast<int>(array.size()), 0);
    lua_Integer at = 0;
    for (const Document& element : array) {
      push_document(lua, element);
      lua_rawseti(lua, -2, ++at);
    }
    set_lua_tag(lua, LuaTag::array);
  }
  void operator()(const Document::Object& object) const {
    lua_createtable(lua, 0, static_cast<int>(object.size()));
    for (const auto& [name, value] : object) {
      lua_pushlstring(lua, name.data(), name.size());
      push_document(lua, value);
      lua_rawset(lua, -3);
    }
    set_lua_tag(lua, LuaTag::object);
  }
};

std::string text_at_top(lua_State* lua) {
  std::size_t size = 0;
  const char* data = lua_tolstring(lua, -1, &size);
  return {data, size};
}

// What keys the table on the top has. Says nothing of their order, which is not the same everywhere.
struct Keys {
  std::vector<std::string> names;
  std::size_t positions = 0;  // integers
  lua_Integer lowest = std::numeric_limits<lua_Integer>::max();
  lua_Integer highest = std::numeric_limits<lua_Integer>::min();
  bool others = false;
};

Keys keys_at_top(lua_State* lua) {
  Keys keys;
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pop(lua, 1);
    LuaMeter::spend(lua, 1);
    if (lua_type(lua, -1) == LUA_TSTRING) {
      keys.names.push_back(text_at_top(lua));
    } else if (lua_isinteger(lua, -1) != 0) {
      ++keys.positions;
      keys.lowest = std::min(keys.lowest, lua_tointeger(lua, -1));
      keys.highest = std::max(keys.highest, lua_tointeger(lua, -1));
    } else {
      keys.others = true;
    }
  }
  std::sort(keys.names.begin(), keys.names.end());
  return keys;
}

Document document_of(lua_State* lua, std::size_t depth);

Document table_at_top(lua_State* lua, std::size_t depth) {
  if (depth == document_depth_max)
    luaL_error(lua, "the result is nested more than %d levels deep, or is in itself",
               static_cast<int>(document_depth_max));
  const LuaTag tag = lua_tag(lua, -1);
  if (tag == LuaTag::binary) {
    if (lua_getfield(lua, -1, "bytes") != LUA_TSTRING)
      luaL_error(lua, "the result has a binary without its bytes");
    Document binary{Document::Binary{text_at_top(lua)}};
    lua_pop(lua, 1);
    return binary;
  }
  const Keys keys = keys_at_top(lua);
  if (tag == LuaTag::none && keys.positions == 0 && keys.names.empty() && !keys.others)
    luaL_error(lua, "the result has an empty table: array() or object() tells which it is");
  const bool array = tag == LuaTag::array || (tag == LuaTag::none && keys.names.empty());
  if (keys.others || (array ? !keys.names.empty() : keys.positions > 0))
    luaL_error(lua, "the result has a table whose keys are neither 1, 2, 3 ... nor all text");
  if (array) {
    const auto count = static_cast<lua_Integer>(keys.positions);
    if (count > 0 && (keys.lowest != 1 || keys.highest != count))
      luaL_error(lua, "the result has an array with holes");
    Document::Array elements;
    for (lua_Integer i = 1; i <= count; ++i) {
      lua_rawgeti(lua, -1, i);
      elements.push_back(document_of(lua, depth + 1));
      lua_pop(lua, 1);
    }
    return {std::move(elements)};
  }
  Document::Object fields;
  for (const std::string& name : keys.names) {
    lua_pushlstring(lua, name.data(), name.size());
    lua_rawget(lua, -2);
    fields.emplace_hint(fields.end(), name, document_of(lua, depth + 1));
    lua_pop(lua, 1);
  }
  return {std::move(fields)};
}

Document document_of(lua_State* lua, std::size_t depth) {
  luaL_checkstack(lua, slots_of_a_level, "the result is nested too deep");
  LuaMeter::spend(lua, 1);
  switch (lua_type(lua, -1)) {
    case LUA_TLIGHTUSERDATA:
      return {Document::Null{}};
    case LUA_TBOOLEAN:
      return {lua_toboolean(lua, -1) != 0};
    case LUA_TNUMBER:
      if (lua_isinteger(lua, -1) != 0) return {std::int64_t{lua_tointeger(lua, -1)}};
      return {static_cast<double>(lua_tonumber(lua, -1))};
    case LUA_TSTRING:
      return {text_at_top(lua)};
    case LUA_TTABLE:
      return table_at_top(lua, depth);
    default:
      luaL_error(lua, "the result holds a %s", luaL_typename(lua, -1));
      return {};
  }
}

}  // namespace

void push_document(lua_State* lua, const Document& document) {
  luaL_checkstack(lua, slots_of_a_level, "a value is nested too deep");
  LuaMeter::spend(lua, 1);
  std::visit(Pusher{lua}, document.value);
}

Document document_at_top(lua_State* lua) { return document_of(lua, 0); }

}  // namespace turnstone::crdt
