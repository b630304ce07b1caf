#include "sync/mirror_message.hpp"

#include "core/hash.hpp"
#include "core/record.hpp"
#include "core/vector_record.hpp"
#include "sync/message.hpp"

namespace turnstone::sync {
namespace {

enum Type : std::uint64_t { copy_wanted = 16, copy_offer = 17, pages_wanted = 18, copy_page = 19 };

MirrorBody read_body(std::uint64_t type, RecordReader& in) {
  switch (type) {
    case copy_wanted: {
      CopyWanted wanted{in.uint(4), {}};
      wanted.have = read_vector(in);
      return wanted;
    }
    case copy_offer: {
      const std::uint64_t status = in.uint(5);
      if (status > static_cast<std::uint64_t>(CopyStatus::gone)) in.mark_malformed();
      CopyOffer offer{in.uint(4), static_cast<CopyStatus>(status), in.uint(6), in.uint(7),
                      in.uint(8), std::string(in.bytes(9)),        {}};
      offer.vector = read_vector(in);
      return offer;
    }
    case pages_wanted:
      return PagesWanted{in.uint(4), in.uint(5), in.uint(6)};
    case copy_page: {
      CopyPage page{in.uint(4), in.uint(5), {}};
      const std::uint64_t hash = in.uint(6);
      if (!in.next() || in.size() != 1) in.mark_malformed();
      page.bytes = in.bytes(0);
      if (hash64(page.bytes, page.offset) != hash) in.mark_malformed();
      return page;
    }
    default:
      in.mark_malformed();
      return {};
  }
}

}  // namespace

bool is_mirror_frame(std::string_view frame) {
  // An array's header of one byte, then a small integer of one byte.
  return frame.size() > 1 && static_cast<unsigned char>(frame[1]) >= copy_wanted &&
         static_cast<unsigned char>(frame[1]) <= copy_page;
}

std::string encode_mirror(std::uint64_t cluster, std::string_view region, const MirrorBody& body) {
  std::string frame;
  RecordWriter out(frame);
  const auto begin = [&](Type type, std::uint32_t more_items) -> RecordWriter& {
    return out.record(4 + more_items).uint(type).uint(protocol_version).uint(cluster).bytes(region);
  };
  if (const auto* wanted = std::get_if<CopyWanted>(&body)) {
    begin(copy_wanted, 1).uint(wanted->request);
    write_vector(out, wanted->have);
  } else if (const auto* offer = std::get_if<CopyOffer>(&body)) {
    begin(copy_offer, 6).uint(offer->request).uint(static_cast<std::uint64_t>(offer->status));
    out.uint(offer->copy).uint(offer->bytes).uint(offer->hash).bytes(offer->text);
    write_vector(out, offer->vector);
  } else if (const auto* pages = std::get_if<PagesWanted>(&body)) {
    begin(pages_wanted, 3).uint(pages->copy).uint(pages->offset).uint(pages->count);
  } else {
    const auto& page = std::get<CopyPage>(body);
    frame.reserve(page.bytes.size() + 128);
    begin(copy_page, 3).uint(page.copy).uint(page.offset).uint(hash64(page.bytes, page.offset));
    out.record(1).bytes(page.bytes);
  }
  return frame;
}

Result<MirrorMessage> decode_mirror(std::uint64_t cluster, std::string_view frame) {
  RecordReader in(frame);
  in.next();
  const std::uint64_t type = in.uint(0);
  const std::uint64_t version = in.uint(1);
  const std::uint64_t their_cluster = in.uint(2);
  MirrorMessage message{std::string(in.bytes(3)), {}};
  if (in.malformed()) return fail(Errc::malformed, "a frame has no header");
  if (version != protocol_version)
    return fail(Errc::unsupported_version,
                "a frame of region '" + message.region + "' is of another version");
  if (their_cluster != cluster)
    return fail(Errc::wrong_cluster, "a frame of region '" + message.region + "' is of another cluster");
  message.body = read_body(type, in);
  if (in.next()) in.mark_malformed();
  if (in.malformed())
    return fail(Errc::malformed, "a frame of region '" + message.region + "' cannot be read");
  return message;
}

}  // namespace turnstone::sync
