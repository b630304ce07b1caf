#include "sync/message.hpp"

#include <limits>

#include "core/record.hpp"
#include "core/vector_record.hpp"

namespace turnstone::sync {
namespace {

enum Type : std::uint64_t { batch = 1, beacon = 2, pull = 3, page = 4, too_old = 5, refused = 6 };

void write_runs(RecordWriter& out, const std::vector<BucketRun>& runs) {
  out.record(static_cast<std::uint32_t>(runs.size() * 4));
  for (const BucketRun& run : runs) {
    out.uint(run.first).uint(run.count).uint(run.digest.high).uint(run.digest.low);
  }
}

std::vector<BucketRun> read_runs(RecordReader& in, std::uint64_t count) {
  std::vector<BucketRun> runs;
  if (!in.next() || count == 0 || in.size() != count * 4) in.mark_malformed();
  for (std::uint32_t i = 0; i < in.size() && !in.malformed(); i += 4) {
    const std::uint64_t first = in.uint(i);
    const std::uint64_t length = in.uint(i + 1);
    if (length == 0 || length > bucket_run_max || first > std::numeric_limits<std::uint32_t>::max() - length)
      in.mark_malformed();
    runs.push_back({static_cast<std::uint32_t>(first),
                    static_cast<std::uint32_t>(length),
                    {in.uint(i + 2), in.uint(i + 3)}});
  }
  return runs;
}

std::string_view read_batch(RecordReader& in) {
  if (in.size() != 1) in.mark_malformed();
  return in.bytes(0);
}

}  // namespace

std::string encode(std::uint64_t cluster, std::string_view region, const Body& body) {
  std::string frame;
  RecordWriter out(frame);
  const auto begin = [&](Type type, std::uint32_t more_items) -> RecordWriter& {
    return out.record(4 + more_items).uint(type).uint(protocol_version).uint(cluster).bytes(region);
  };
  if (const auto* publication = std::get_if<Publication>(&body)) {
    frame.reserve(publication->batch.size() + 64);
    begin(batch, 0);
    out.record(1).bytes(publication->batch);
  } else if (const auto* report = std::get_if<Beacon>(&body)) {
    const bool proves = !report->runs.empty();
    const std::uint64_t flags = (report->joining ? 1 : 0) + (report->quiet ? 2 : 0);
    const std::uint32_t items = flags != 0 ? 4 : proves ? 3 : 2;
    begin(beacon, items).uint(static_cast<std::uint64_t>(report->origin)).uint(report->now_ms);
    if (items > 2) out.uint(report->runs.size());
    if (flags != 0) out.uint(flags);
    write_vector(out, report->durable);
    if (proves) {
      write_vector(out, report->settled);
      write_runs(out, report->runs);
    }
  } else if (const auto* wish = std::get_if<Pull>(&body)) {
    begin(pull, 2).uint(wish->request).uint(wish->bytes_max);
    write_vector(out, wish->have);
  } else if (const auto* refusal = std::get_if<TooOld>(&body)) {
    begin(too_old, 1).uint(refusal->request);
    write_vector(out, refusal->floor);
  } else if (const auto* no = std::get_if<Refused>(&body)) {
    begin(refused, 2).uint(no->request).uint(no->removed ? 1 : 0);
  } else {
    const auto& answer = std::get<Page>(body);
    begin(page, 2).uint(answer.request).uint(answer.more ? 1 : 0);
    for (const std::string_view bytes : answer.batches) out.record(1).bytes(bytes);
  }
  return frame;
}

Result<Message> decode_message(std::uint64_t cluster, std::string_view frame) {
  RecordReader in(frame);
  in.next();
  const std::uint64_t type = in.uint(0);
  const std::uint64_t version = in.uint(1);
  const std::uint64_t their_cluster = in.uint(2);
  Message message{std::string(in.bytes(3)), {}};
  if (in.malformed()) return fail(Errc::malformed, "a frame has no header");
  if (version != protocol_version) {
    return fail(Errc::unsupported_version, "a frame of region '" + message.region +
                                               "' has protocol version " + std::to_string(version) +
                                               ", this leader speaks " + std::to_string(protocol_version));
  }
  if (their_cluster != cluster) {
    return fail(Errc::wrong_cluster, "a frame of region '" + message.region + "' is of another cluster");
  }
  switch (type) {
    case batch: {
      if (!in.next()) in.mark_malformed();
      message.body = Publication{read_batch(in)};
      break;
    }
    case beacon: {
      Beacon report{Origin{in.uint(4)}, in.uint(5), {}};
      const std::uint64_t runs = in.size() > 6 ? in.uint(6) : 0;
      const bool flagged = in.size() > 7;
      const std::uint64_t flags = flagged ? in.uint(7) : 0;
      if (flagged && (flags == 0 || flags > 3)) in.mark_malformed();
      report.joining = (flags & 1) != 0;
      report.quiet = (flags & 2) != 0;
      const bool proves = in.size() > 6 && (runs != 0 || !flagged);
      report.durable = read_vector(in);
      if (proves) {
        report.settled = read_vector(in);
        report.runs = read_runs(in, runs);
      }
      message.body = std::move(report);
      break;
    }
    case pull: {
      Pull wish{in.uint(4), in.uint(5), {}};
      wish.have = read_vector(in);
      message.body = std::move(wish);
      break;
    }
    case page: {
      Page answer{in.uint(4), in.uint(5) != 0, {}};
      while (in.next()) answer.batches.push_back(read_batch(in));
      message.body = std::move(answer);
      break;
    }
    case too_old: {
      TooOld refusal{in.uint(4), {}};
      refusal.floor = read_vector(in);
      message.body = std::move(refusal);
      break;
    }
    case refused:
      message.body = Refused{in.uint(4), in.uint(5) != 0};
      break;
    default:
      in.mark_malformed();
  }
  if (type != page && in.next()) in.mark_malformed();
  if (in.malformed())
    return fail(Errc::malformed, "a frame of region '" + message.region + "' cannot be read");
  return message;
}

}  // namespace turnstone::sync
