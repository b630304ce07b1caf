#pragma once
// Documents as Lua's values, and back. Arrays and objects are tables, told apart also when they
// are empty; null is the environment's `null`; MessagePack's binary is { bytes = ... }.
#include <string_view>

#include "crdt/merge/document.hpp"

struct lua_State;

namespace turnstone::crdt {

// Both raise Lua errors, and spend an instruction for each value.

void push_document(lua_State* lua, const Document& document);
// Of the value at the top of the stack, which stays there.
Document document_at_top(lua_State* lua);

}  // namespace turnstone::crdt
