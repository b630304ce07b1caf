#include "crdt/effect.hpp"

namespace turnstone::crdt {
namespace {

enum Code : std::uint64_t {
  put_string = 1,
  put_set = 2,
  put_hash = 3,
  remove_field = 4,
  add_amount = 5,
  clear_key = 6,
  replace_key = 7,
  clear_all = 8,
  put_cluster = 9,
  put_over = 10,
  resolve_rows = 11,
  settle_conflict = 12,
  close_origin = 16,
  acknowledge_close = 17,
  add_member = 18,
  remove_member = 19,
  acknowledge_removal = 20,
  again = 21,
};

// Begins the record and writes the code, and the clock for the first effect.
RecordWriter& begin(RecordWriter& out, Code code, std::uint32_t items, bool first, Hlc hlc_step) {
  if (!first) return out.record(items + 1).uint(code + effect_continues);
  return out.record(items + 2).uint(code).uint(hlc_step);
}

template <class... Types>
bool is_one_of(const Effect& effect) {
  return (std::holds_alternative<Types>(effect) || ...);
}

std::uint64_t number(Kind kind) { return static_cast<std::uint64_t>(kind); }

void encode_put(const Put& put, bool first, Hlc hlc_step, RecordWriter& out) {
  if (put.base) {
    begin(out, put_over, 6, first, hlc_step).bytes(put.key).uint(number(put.kind)).bytes(put.field);
    out.bytes(put.value).uint(put.base->rows).bytes(put.base->value);
    return;
  }
  switch (put.kind) {
    case Kind::string:
      begin(out, put_string, 2, first, hlc_step).bytes(put.key).bytes(put.value);
      return;
    case Kind::set:
      begin(out, put_set, 2, first, hlc_step).bytes(put.key).bytes(put.field);
      return;
    case Kind::hash:
    case Kind::cluster:
      begin(out, put.kind == Kind::hash ? put_hash : put_cluster, 3, first, hlc_step)
          .bytes(put.key)
          .bytes(put.field)
          .bytes(put.value);
      return;
  }
}

void encode_resolve(const Resolve& resolve, bool first, Hlc hlc_step, RecordWriter& out) {
  const auto rows = static_cast<std::uint32_t>(resolve.rows.size());
  begin(out, resolve_rows, 4 + (resolve.value ? 1 : 0) + 3 * rows, first, hlc_step);
  out.bytes(resolve.key).uint(number(resolve.kind)).bytes(resolve.field).uint(resolve.value ? 1 : 0);
  if (resolve.value) out.bytes(*resolve.value);
  for (const RowId& row : resolve.rows) {
    out.uint(static_cast<std::uint64_t>(row.operation.origin)).uint(row.operation.seq).uint(row.index);
  }
}

Resolve decode_resolve(RecordReader& in, std::uint32_t at, Kind kind) {
  Resolve resolve{in.bytes(at), kind, in.bytes(at + 2), {}, {}};
  const bool has_value = in.uint(at + 3) != 0;
  at += 4;
  if (has_value) resolve.value = in.bytes(at++);
  if (at >= in.size() || (in.size() - at) % 3 != 0) in.mark_malformed();
  for (; at < in.size() && !in.malformed(); at += 3) {
    resolve.rows.push_back(
        {{Origin{in.uint(at)}, in.uint(at + 1)}, static_cast<std::uint32_t>(in.uint(at + 2))});
  }
  return resolve;
}

void encode_again(const Again& again, bool first, Hlc hlc_step, RecordWriter& out) {
  const auto stamps = static_cast<std::uint32_t>(again.was.size());
  const auto entries = static_cast<std::uint32_t>(again.as_of.entries().size());
  begin(out, Code::again, 3 + 2 * (stamps + entries), first, hlc_step);
  out.uint(again.hlc).uint(again.since_before ? 1 : 0).uint(stamps);
  for (const Stamp was : again.was) out.uint(static_cast<std::uint64_t>(was.origin)).uint(was.seq);
  for (const auto& [origin, seq] : again.as_of.entries()) {
    out.uint(static_cast<std::uint64_t>(origin)).uint(seq);
  }
}

Again decode_again(RecordReader& in, std::uint32_t at) {
  Again again;
  again.hlc = in.uint(at++);
  again.since_before = in.uint(at++) != 0;
  const std::uint64_t stamps = in.uint(at++);
  if (stamps == 0 || stamps > in.size() || in.size() % 2 != at % 2) in.mark_malformed();
  const auto next = [&] {
    const Stamp stamp{Origin{in.uint(at)}, in.uint(at + 1)};
    at += 2;
    return stamp;
  };
  for (std::uint64_t i = 0; i < stamps && !in.malformed(); ++i) again.was.push_back(next());
  while (at < in.size() && !in.malformed()) {
    const Stamp last = next();
    again.as_of.set(last.origin, last.seq);
  }
  return again;
}

}  // namespace

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::string:
      return "string";
    case Kind::set:
      return "set";
    case Kind::hash:
      return "hash";
    case Kind::cluster:
      return "cluster";
  }
  return "none";
}

std::optional<Kind> kind_of(std::uint64_t number) {
  for (const Kind kind : all_kinds) {
    if (static_cast<std::uint64_t>(kind) == number) return kind;
  }
  return std::nullopt;
}

std::optional<Kind> kind_named(std::string_view name) {
  for (const Kind kind : all_kinds) {
    if (crdt::name(kind) == name) return kind;
  }
  return std::nullopt;
}

bool is_system(const Effect& effect) {
  return is_one_of<CloseOrigin, AcknowledgeClose, AddMember, RemoveMember, AcknowledgeRemoval, Again>(effect);
}

void encode(const Effect& effect, bool first, Hlc hlc_step, RecordWriter& out) {
  if (const auto* put = std::get_if<Put>(&effect)) {
    encode_put(*put, first, hlc_step, out);
  } else if (const auto* resolve = std::get_if<Resolve>(&effect)) {
    encode_resolve(*resolve, first, hlc_step, out);
  } else if (const auto* settle = std::get_if<Settle>(&effect)) {
    begin(out, settle_conflict, 3, first, hlc_step)
        .uint(settle->conflict.high)
        .uint(settle->conflict.low)
        .bytes(settle->by);
  } else if (const auto* remove = std::get_if<Remove>(&effect)) {
    begin(out, remove_field, 3, first, hlc_step)
        .bytes(remove->key)
        .uint(number(remove->kind))
        .bytes(remove->field);
  } else if (const auto* increment = std::get_if<Increment>(&effect)) {
    begin(out, add_amount, 4, first, hlc_step)
        .bytes(increment->key)
        .uint(number(increment->kind))
        .bytes(increment->field)
        .decimal(increment->amount);
  } else if (const auto* clear = std::get_if<Clear>(&effect)) {
    begin(out, clear->replaces ? replace_key : clear_key, 1, first, hlc_step).bytes(clear->key);
  } else if (std::holds_alternative<ClearAll>(effect)) {
    begin(out, clear_all, 0, first, hlc_step);
  } else if (const auto* close = std::get_if<CloseOrigin>(&effect)) {
    begin(out, close_origin, 2, first, hlc_step)
        .uint(static_cast<std::uint64_t>(close->origin))
        .bytes(close->regions);
  } else if (const auto* last = std::get_if<AcknowledgeClose>(&effect)) {
    begin(out, acknowledge_close, 2, first, hlc_step)
        .uint(static_cast<std::uint64_t>(last->origin))
        .uint(last->last);
  } else if (const auto* added = std::get_if<AddMember>(&effect)) {
    begin(out, add_member, 4, first, hlc_step)
        .bytes(added->region)
        .bytes(added->address)
        .bytes(added->keys)
        .uint(added->founding ? 1 : 0);
  } else if (const auto* removed = std::get_if<RemoveMember>(&effect)) {
    begin(out, remove_member, 2, first, hlc_step).bytes(removed->region).bytes(removed->regions);
  } else if (const auto* let_go = std::get_if<AcknowledgeRemoval>(&effect)) {
    begin(out, acknowledge_removal, 1, first, hlc_step).bytes(let_go->region);
  } else {
    encode_again(std::get<Again>(effect), first, hlc_step, out);
  }
}

DecodedEffect decode_effect(RecordReader& in) {
  DecodedEffect decoded;
  std::uint64_t code = in.uint(0);
  std::uint32_t at = 1;
  decoded.first = code < effect_continues;
  if (decoded.first) {
    decoded.hlc_step = in.uint(at++);
  } else {
    code -= effect_continues;
  }
  std::uint32_t items = at;
  const auto cell_kind = [&] {
    const auto kind = kind_of(in.uint(at + 1));
    if (!kind) in.mark_malformed();
    return kind.value_or(Kind::string);
  };
  switch (code) {
    case put_string:
      decoded.effect = Put{in.bytes(at), Kind::string, {}, in.bytes(at + 1)};
      items += 2;
      break;
    case put_set:
      decoded.effect = Put{in.bytes(at), Kind::set, in.bytes(at + 1), {}};
      items += 2;
      break;
    case put_hash:
    case put_cluster:
      decoded.effect = Put{in.bytes(at), code == put_hash ? Kind::hash : Kind::cluster, in.bytes(at + 1),
                           in.bytes(at + 2)};
      items += 3;
      break;
    case put_over:
      decoded.effect = Put{in.bytes(at), cell_kind(), in.bytes(at + 2), in.bytes(at + 3),
                           Base{in.uint(at + 4), in.bytes(at + 5)}};
      items += 6;
      break;
    case resolve_rows:
      decoded.effect = decode_resolve(in, at, cell_kind());
      items = in.size();
      break;
    case settle_conflict:
      decoded.effect = Settle{{in.uint(at), in.uint(at + 1)}, in.bytes(at + 2)};
      items += 3;
      break;
    case remove_field:
      decoded.effect = Remove{in.bytes(at), cell_kind(), in.bytes(at + 2)};
      items += 3;
      break;
    case add_amount:
      decoded.effect = Increment{in.bytes(at), cell_kind(), in.bytes(at + 2), in.decimal(at + 3)};
      items += 4;
      break;
    case clear_key:
    case replace_key:
      decoded.effect = Clear{in.bytes(at), code == replace_key};
      items += 1;
      break;
    case clear_all:
      decoded.effect = ClearAll{};
      break;
    case close_origin:
      decoded.effect = CloseOrigin{Origin{in.uint(at)}, in.bytes(at + 1)};
      items += 2;
      break;
    case acknowledge_close:
      decoded.effect = AcknowledgeClose{Origin{in.uint(at)}, in.uint(at + 1)};
      items += 2;
      break;
    case add_member:
      decoded.effect = AddMember{in.bytes(at), in.bytes(at + 1), in.bytes(at + 2), in.uint(at + 3) != 0};
      items += 4;
      break;
    case remove_member:
      decoded.effect = RemoveMember{in.bytes(at), in.bytes(at + 1)};
      items += 2;
      break;
    case acknowledge_removal:
      decoded.effect = AcknowledgeRemoval{in.bytes(at)};
      items += 1;
      break;
    case Code::again:
      if (!decoded.first) in.mark_malformed();
      decoded.effect = decode_again(in, at);
      items = in.size();
      break;
    default:
      in.mark_malformed();
  }
  if (items != in.size()) in.mark_malformed();
  return decoded;
}

}  // namespace turnstone::crdt
