#include "crdt/merge/lua_function.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <lua.hpp>
#include <optional>
#include <utility>

#include "core/hybrid_clock.hpp"
#include "crdt/merge/document.hpp"
#include "crdt/merge/lua_sandbox.hpp"
#include "crdt/merge/lua_source.hpp"
#include "crdt/merge/lua_values.hpp"

namespace turnstone::crdt {
namespace {

struct Mode {
  ValueFormat values = ValueFormat::text;
  bool three_way = false;
};

// One run of the script.
struct Call {
  const std::string& name;
  std::string_view source;  // when it is compiled
  int script = 0;           // its and its environment's place in the registry
  int environment = 0;
  const Siblings* siblings = nullptr;  // none: only what it returns is looked at
  Mode mode;
  std::string result;
  std::string problem;  // without a line: not the script's own error
};

Result<Document> decode(ValueFormat values, std::string_view bytes) {
  return values == ValueFormat::json ? decode_json(bytes) : decode_msgpack(bytes);
}

// `what` is named in the error.
void push_value(lua_State* lua, ValueFormat values, std::string_view bytes, const std::string& what) {
  if (values == ValueFormat::text) {
    lua_pushlstring(lua, bytes.data(), bytes.size());
    return;
  }
  const auto document = decode(values, bytes);
  if (!document) luaL_error(lua, "%s: %s", what.c_str(), document.error().message.c_str());
  push_document(lua, *document);
}

void push_sibling(lua_State* lua, const Call& call, std::size_t index) {
  const Sibling& sibling = call.siblings->all[index];
  lua_createtable(lua, 0, 3);
  push_value(lua, call.mode.values, sibling.value, fmt::format("siblings[{}].value", index + 1));
  lua_setfield(lua, -2, "value");
  lua_pushinteger(lua, static_cast<lua_Integer>(hlc_ms(sibling.hlc)));
  lua_setfield(lua, -2, "clock");
  const std::string author = to_string(sibling.id.operation);
  lua_pushlstring(lua, author.data(), author.size());
  lua_setfield(lua, -2, "author");
}

// A base of another kind is as none: what was before may be anything.
void push_base(lua_State* lua, const Call& call) {
  if (!call.mode.three_way || !call.siblings->base) return lua_pushnil(lua);
  if (call.mode.values == ValueFormat::text)
    return push_value(lua, call.mode.values, *call.siblings->base, call.name);
  const auto document = decode(call.mode.values, *call.siblings->base);
  if (!document) return lua_pushnil(lua);
  push_document(lua, *document);
}

void take_text(lua_State* lua, Call& call) {
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* data = lua_tolstring(lua, -1, &size);
      call.result.assign(data, size);
      return;
    }
    case LUA_TNUMBER: {
      if (lua_isinteger(lua, -1) != 0) {
        call.result = std::to_string(lua_tointeger(lua, -1));
        return;
      }
      const lua_Number number = lua_tonumber(lua, -1);
      if (!std::isfinite(number)) luaL_error(lua, "%s: the result is NaN or infinity", call.name.c_str());
      char text[32];
      call.result.assign(text, std::to_chars(std::begin(text), std::end(text), number).ptr);
      return;
    }
    default:
      luaL_error(lua, "%s: the result is a %s, not text", call.name.c_str(), luaL_typename(lua, -1));
  }
}

void take_result(lua_State* lua, Call& call) {
  if (lua_isnil(lua, -1)) luaL_error(lua, "%s: the function returns nothing", call.name.c_str());
  if (call.mode.values == ValueFormat::text) {
    take_text(lua, call);
    if (call.result.size() > document_bytes_max)
      call.problem = fmt::format("the result is larger than {} bytes", document_bytes_max);
    return;
  }
  const Document document = document_at_top(lua);
  auto bytes = call.mode.values == ValueFormat::json ? encode_json(document) : encode_msgpack(document);
  if (!bytes) call.problem = bytes.error().message;
  if (bytes) call.result = *std::move(bytes);
}

ValueFormat read_values(lua_State* lua, const Call& call) {
  const char* text = lua_tostring(lua, -1);
  const std::string_view word = text == nullptr ? std::string_view() : text;
  if (word == "text") return ValueFormat::text;
  if (word == "json") return ValueFormat::json;
  if (word == "msgpack") return ValueFormat::msgpack;
  luaL_error(lua, "%s: values is \"text\", \"json\" or \"msgpack\"", call.name.c_str());
  return {};
}

// Leaves the merge function on the stack in place of what the script returned.
Mode read_mode(lua_State* lua, const Call& call) {
  Mode mode;
  if (lua_isfunction(lua, -1)) return mode;
  if (!lua_istable(lua, -1))
    luaL_error(lua, "%s: the script returns no function, nor a table with the function merge",
               call.name.c_str());
  bool unknown = false;
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pop(lua, 1);
    const std::string_view key = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "";
    unknown = unknown || (key != "merge" && key != "values" && key != "three_way");
  }
  if (unknown)
    luaL_error(lua, "%s: the table that is returned has merge, values and three_way, and nothing else",
               call.name.c_str());
  if (lua_getfield(lua, -1, "values") != LUA_TNIL) mode.values = read_values(lua, call);
  if (lua_getfield(lua, -2, "three_way") != LUA_TNIL) {
    if (!lua_isboolean(lua, -1)) luaL_error(lua, "%s: three_way is true or false", call.name.c_str());
    mode.three_way = lua_toboolean(lua, -1) != 0;
  }
  if (lua_getfield(lua, -3, "merge") != LUA_TFUNCTION)
    luaL_error(lua, "%s: merge is no function", call.name.c_str());
  return mode;
}

// The script begins anew for each call, so that not even its own local variables outlive one.
int run_script(lua_State* lua) {
  Call& call = *static_cast<Call*>(lua_touserdata(lua, 1));
  luaL_checkstack(lua, 16, nullptr);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, call.script);
  // Another run may have given its globals another table.
  lua_rawgeti(lua, LUA_REGISTRYINDEX, call.environment);
  if (lua_setupvalue(lua, -2, 1) == nullptr) lua_pop(lua, 1);
  lua_call(lua, 0, 1);
  const Mode mode = read_mode(lua, call);
  if (call.siblings == nullptr) {
    call.mode = mode;
    return 0;
  }
  lua_createtable(lua, static_cast<int>(call.siblings->all.size()), 0);
  for (std::size_t i = 0; i < call.siblings->all.size(); ++i) {
    push_sibling(lua, call, i);
    lua_rawseti(lua, -2, static_cast<lua_Integer>(i) + 1);
  }
  push_base(lua, call);
  lua_call(lua, 2, 1);
  take_result(lua, call);
  return 0;
}

int load_script(lua_State* lua) {
  Call& call = *static_cast<Call*>(lua_touserdata(lua, 1));
  push_lua_environment(lua);
  call.environment = luaL_ref(lua, LUA_REGISTRYINDEX);
  const std::string chunk = "=" + call.name;
  if (luaL_loadbufferx(lua, call.source.data(), call.source.size(), chunk.c_str(), "t") != LUA_OK)
    return lua_error(lua);
  call.script = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
}

class LuaFunction : public MergeFunction {
 public:
  explicit LuaFunction(std::string_view name) : name_(name) {}

  Result<void> compile(std::string_view source) {
    Call load{name_, source, 0, 0, nullptr, {}, {}, {}};
    if (auto done = run(load_script, load, Errc::config); !done) return done;
    script_ = load.script;
    environment_ = load.environment;
    Call look{name_, {}, script_, environment_, nullptr, {}, {}, {}};
    if (auto done = run(run_script, look, Errc::config); !done) return done;
    mode_ = look.mode;
    return {};
  }

  Result<std::string> merge(const Siblings& siblings) const override {
    Call call{name_, {}, script_, environment_, &siblings, mode_, {}, {}};
    if (auto done = run(run_script, call, Errc::merge_failed); !done)
      return tl::make_unexpected(done.error());
    return std::move(call.result);
  }
  bool wants_base() const override { return mode_.three_way; }
  ValueFormat format() const override { return mode_.values; }

 private:
  Result<void> run(int (*function)(lua_State*), Call& call, Errc code) const {
    const int status = sandbox_.run(function, &call);
    std::string problem = std::move(call.problem);
    if (status != LUA_OK) problem = problem_of(status);
    if (status == LUA_OK && !problem.empty()) problem = fmt::format("{}: {}", name_, problem);
    sandbox_.clear();
    if (problem.empty()) return {};
    return fail(code, std::move(problem));
  }
  std::string problem_of(int status) const {
    if (status == LUA_ERRMEM)
      return fmt::format("{}: it takes more than {} MiB of memory", name_, lua_bytes_max / 1024 / 1024);
    if (lua_type(sandbox_.state(), -1) != LUA_TSTRING)
      return fmt::format("{}: an error that is no text", name_);
    std::size_t size = 0;
    const char* text = lua_tolstring(sandbox_.state(), -1, &size);
    std::string problem(text, size);
    return problem.starts_with(name_) ? problem : fmt::format("{}: {}", name_, problem);
  }

  std::string name_;
  mutable LuaSandbox sandbox_;
  int script_ = 0;
  int environment_ = 0;
  Mode mode_;
};

}  // namespace

Result<std::unique_ptr<MergeFunction>> compile_lua(std::string_view name, std::string_view source) {
  if (source.size() > lua_source_bytes_max)
    return fail(Errc::config,
                fmt::format("{}: the script is larger than {} bytes", name, lua_source_bytes_max));
  if (const int line = line_with_power(source); line > 0)
    return fail(
        Errc::config,
        fmt::format("{}:{}: ^ is not available: it is not exactly the same on every machine; multiply", name,
                    line));
  auto function = std::make_unique<LuaFunction>(name);
  if (auto compiled = function->compile(source); !compiled) return tl::make_unexpected(compiled.error());
  return function;
}

}  // namespace turnstone::crdt
