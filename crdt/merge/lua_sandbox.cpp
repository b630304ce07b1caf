#include "crdt/merge/lua_sandbox.hpp"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <lua.hpp>
#include <new>

#include "crdt/merge/lua_function.hpp"

namespace turnstone::crdt {
namespace {

constexpr int hook_interval = 1000;
constexpr std::size_t text_unit = 16u * 1024;
// Between calls; within one nothing is collected, so that the collector's pace decides nothing.
constexpr std::size_t collect_above_bytes = 256u * 1024;
constexpr std::size_t unlimited = std::size_t{1} << 40;

// `level` is where the script stands: 0 in a hook, 1 in a function that it calls.
void spend_at(lua_State* lua, std::uint64_t instructions, int level) {
  LuaMeter& meter = LuaMeter::of(lua);
  const std::uint64_t weighted = instructions * (1 + meter.longest_text / text_unit);
  if (weighted <= meter.instructions) {
    meter.instructions -= weighted;
    return;
  }
  meter.instructions = 0;
  luaL_where(lua, level);
  lua_pushfstring(lua, "it takes more than %d instructions", static_cast<int>(lua_instructions_max));
  lua_concat(lua, 2);
  lua_error(lua);
}

void count(lua_State* lua, lua_Debug*) { spend_at(lua, hook_interval, 0); }

// An error of the library says where in the script it was called.
int place_error(lua_State* lua) {
  constexpr std::string_view prelude(lua_prelude_chunk + 1);
  if (lua_type(lua, 1) != LUA_TSTRING) return 1;
  std::string_view message = lua_tostring(lua, 1);
  if (message.starts_with(prelude)) message.remove_prefix(std::min(message.size(), message.find(": ") + 2));
  lua_Debug frame;
  for (int level = 0; lua_getstack(lua, level, &frame) != 0; ++level) {
    lua_getinfo(lua, "Sl", &frame);
    if (frame.currentline < 0 || frame.short_src == prelude) continue;
    if (message.starts_with(frame.short_src)) return 1;
    lua_pushfstring(lua, "%s:%d: ", frame.short_src, frame.currentline);
    lua_pushlstring(lua, message.data(), message.size());
    lua_concat(lua, 2);
    return 1;
  }
  return 1;
}

// Text compares, and numbers become text, as they do in the C locale, whatever the process's is.
class CLocale {
 public:
  CLocale() : before_(uselocale(c_locale())) {}
  ~CLocale() { uselocale(before_); }
  CLocale(const CLocale&) = delete;
  CLocale& operator=(const CLocale&) = delete;

 private:
  static locale_t c_locale() {
    static const locale_t c = newlocale(LC_ALL_MASK, "C", nullptr);
    return c;
  }
  locale_t before_;
};

}  // namespace

void* LuaMeter::allocate(void* meter, void* block, std::size_t old_size, std::size_t new_size) {
  auto& self = *static_cast<LuaMeter*>(meter);
  if (new_size == 0) {
    std::free(block);
    return nullptr;
  }
  // For a new object Lua says its type instead of an old size.
  const std::size_t had = block == nullptr ? 0 : old_size;
  if (block == nullptr && old_size == LUA_TSTRING && new_size > self.longest_text)
    self.longest_text = new_size;
  if (new_size > had) {
    if (new_size - had > self.bytes) return nullptr;
    self.bytes -= new_size - had;
  }
  return std::realloc(block, new_size);
}

LuaMeter& LuaMeter::of(lua_State* lua) {
  void* meter = nullptr;
  lua_getallocf(lua, &meter);
  return *static_cast<LuaMeter*>(meter);
}

void LuaMeter::spend(lua_State* lua, std::uint64_t instructions) { spend_at(lua, instructions, 1); }

LuaSandbox::LuaSandbox()
    : meter_{UINT64_MAX / 2, unlimited, 0}, lua_(lua_newstate(LuaMeter::allocate, &meter_)) {
  if (lua_ == nullptr) throw std::bad_alloc();
  lua_gc(lua_, LUA_GCSTOP);
}

LuaSandbox::~LuaSandbox() { lua_close(lua_); }

int LuaSandbox::run(int (*function)(lua_State*), void* argument) {
  const CLocale locale;
  meter_ = {lua_instructions_max, lua_bytes_max, 0};
  lua_sethook(lua_, count, LUA_MASKCOUNT, hook_interval);
  lua_pushcfunction(lua_, place_error);
  lua_pushcfunction(lua_, function);
  lua_pushlightuserdata(lua_, argument);
  const int status = lua_pcall(lua_, 1, 0, -3);
  garbage_bytes_ += lua_bytes_max - meter_.bytes;
  meter_.bytes = unlimited;
  return status;
}

void LuaSandbox::clear() {
  lua_settop(lua_, 0);
  if (garbage_bytes_ < collect_above_bytes) return;
  lua_gc(lua_, LUA_GCCOLLECT);
  garbage_bytes_ = 0;
}

}  // namespace turnstone::crdt
