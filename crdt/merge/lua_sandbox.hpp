#pragma once
// A Lua state that counts what it does, and the environment of scripts in it.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

struct lua_State;

namespace turnstone::crdt {

// What a call may still use. Neither the collector nor the time decides what is counted. Lua keeps
// short text once and places keys by chance: the bytes may be a little other than elsewhere.
struct LuaMeter {
  std::uint64_t instructions = 0;
  std::size_t bytes = 0;
  std::size_t longest_text = 0;

  // The state's allocator.
  static void* allocate(void* meter, void* block, std::size_t old_size, std::size_t new_size);
  static LuaMeter& of(lua_State* lua);
  // Counts work that is not the script's own instructions; raises a Lua error when it is too much.
  static void spend(lua_State* lua, std::uint64_t instructions);
};

// One for each function; nothing of a script's is shared.
class LuaSandbox {
 public:
  LuaSandbox();
  ~LuaSandbox();
  LuaSandbox(const LuaSandbox&) = delete;
  LuaSandbox& operator=(const LuaSandbox&) = delete;

  lua_State* state() const { return lua_; }
  // Calls function(state) with fresh limits. Returns Lua's status; the error is on the stack, with
  // the script's line if it comes out of a script.
  int run(int (*function)(lua_State*), void* argument);
  // After each run: empties the stack, and lets go of what was left behind.
  void clear();

 private:
  LuaMeter meter_;
  std::size_t garbage_bytes_ = 0;
  lua_State* lua_;
};

// How the lines of the library's own Lua begin in errors, after a "=".
inline constexpr const char* lua_prelude_chunk = "=(turnstone)";

// Pushes what scripts see as their globals; it cannot be written to, nor can what is in it.
void push_lua_environment(lua_State* lua);

// What tells arrays, objects and binary from each other where tables alone would not.
enum class LuaTag { none, array, object, binary };
LuaTag lua_tag(lua_State* lua, int index);
// Of the table on the top of the stack.
void set_lua_tag(lua_State* lua, LuaTag tag);

}  // namespace turnstone::crdt
