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

namespace {

std::string forged_batch(const sync::ReplicaConfig& config, sync::BatchHeader header, Hlc hlc) {
  sync::BatchBuilder builder;
  builder.begin_operation(hlc);
  builder.add(crdt::Put{"forged", crdt::Kind::string, {}, "by " + config.region});
  header.cluster = config.cluster;
  std::string batch = builder.finish(header);
  if (header.is_signed) batch += config.signatures->sign(batch);
  return encode(config.cluster, config.region, sync::Publication{batch});
}

std::string next_batch(const sync::Replica& forger, Random& random) {
  std::vector<Origin> others;
  for (const auto& [origin, state] : forger.origins())
    if (state.region != forger.config().region) others.push_back(origin);
  if (others.empty()) return {};
  sync::BatchHeader header;
  header.origin = random.pick(others);
  const sync::OriginState& state = forger.origins().at(header.origin);
  header.first_seq = state.seq + 1;
  header.previous_chain = state.chain;
  header.is_signed = random.chance(0.8);
  return forged_batch(forger.config(), header, forger.last_hlc() + 1);
}

}  // namespace

std::string forged_frame(const sync::Replica& forger, Random& random) {
  const sync::ReplicaConfig& config = forger.config();
  std::vector<Origin> announced, unused;
  for (const sync::PeerView& peer : forger.peers()) {
    if (peer.origin == Origin{}) continue;
    announced.push_back(peer.origin);
    if (!forger.origins().contains(peer.origin)) unused.push_back(peer.origin);
  }
  if (!unused.empty()) {
    sync::BatchHeader header;
    header.origin = random.pick(unused);
    header.first_seq = 1;
    header.region = config.region;
    header.is_signed = true;
    return forged_batch(config, header, forger.last_hlc() + 1);
  }
  if (!announced.empty() && random.chance(0.3)) {
    sync::Beacon claim;
    claim.origin = random.pick(announced);
    claim.durable = {{claim.origin, 1'000'000'000}};
    return encode(config.cluster, config.region, claim);
  }
  return next_batch(forger, random);
}

std::string poisoned_frame(const sync::Replica& author, Random& random) {
  const sync::ReplicaConfig& config = author.config();
  sync::BatchBuilder builder;
  builder.begin_operation(author.last_hlc() + 1);
  builder.add(crdt::Put{"poison", crdt::Kind::string, {}, "x"});
  sync::BatchHeader header;
  header.cluster = config.cluster;
  header.origin = sync::origin_of(config.region, random.next() | 1);
  header.first_seq = 1;
  header.region = config.region;
  header.is_signed = config.signatures != nullptr;
  std::string batch = builder.finish(header);
  batch.resize(batch.size() - sizeof header.chain);
  batch += "\x92\x63\x01";  // an effect of a kind that there is not
  const std::uint64_t hash = hash64(batch);
  batch.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  if (header.is_signed) batch += config.signatures->sign(batch);
  return encode(config.cluster, config.region, sync::Publication{batch});
}

}  // namespace turnstone::sim
