#include "tests/sim/forger.hpp"

#include <string_view>
#include <vector>

#include "core/hash.hpp"
#include "sync/message.hpp"

namespace turnstone::sim {
namespace {

std::string signature(std::string_view region, std::string_view bytes) {
  std::string text;
  for (std::uint64_t i = 0; text.size() < sync::signature_bytes; ++i) {
    const std::uint64_t part = hash64(bytes, hash64(region, i));
    text.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  return text;
}

class Seal final : public sync::Signatures {
 public:
  explicit Seal(std::string region) : region_(std::move(region)) {}
  std::string sign(std::string_view bytes) const override { return signature(region_, bytes); }
  bool verify(std::string_view region, std::string_view bytes, std::string_view claimed) const override {
    return signature(region, bytes) == claimed;
  }

 private:
  std::string region_;
};

}  // namespace

std::shared_ptr<const sync::Signatures> signatures_of(const std::string& region) {
  return std::make_shared<Seal>(region);
}

std::string forged_frame(const sync::Replica& forger, Random& random) {
  const sync::ReplicaConfig& config = forger.config();
  std::vector<Origin> others;
  for (const auto& [origin, state] : forger.origins())
    if (state.region != config.region) others.push_back(origin);
  if (others.empty()) return {};
  const Origin origin = random.pick(others);
  const sync::OriginState& state = forger.origins().at(origin);
  sync::BatchBuilder builder;
  builder.begin_operation(forger.last_hlc() + 1);
  builder.add(crdt::Put{"forged", crdt::Kind::string, {}, "by " + config.region});
  sync::BatchHeader header;
  header.cluster = config.cluster;
  header.origin = origin;
  header.first_seq = state.seq + 1;
  header.previous_chain = state.chain;
  header.is_signed = random.chance(0.8);
  std::string batch = builder.finish(header);
  if (header.is_signed) batch += config.signatures->sign(batch);
  return encode(config.cluster, config.region, sync::Publication{batch});
}

}  // namespace turnstone::sim
