#pragma once
// Where `turnstone audit` reads conflicts: leaders that serve, or a data directory.
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "regions/audit/query.hpp"

namespace turnstone::audit {

struct Found {
  Entry entry;
  std::optional<bool> open;          // both values are still there; nothing where that is not known
  std::vector<std::string> regions;  // that have it on record
};

struct FoundPage {
  std::vector<Found> found;
  std::optional<storage::AuditPlace> beyond;
};

// One region's record. Errors, of all calls: io, corrupt, malformed (not this release), config (an
// error reply).
class Source {
 public:
  virtual ~Source() = default;
  virtual const std::string& region() const = 0;
  virtual Result<FoundPage> ask(const Question& question) = 0;
  virtual Result<std::optional<Found>> find(const Hash128& id) = 0;
  // Has it run TS.RESOLVE with these words. Errors: config, too, where nobody runs.
  virtual Result<void> resolve(const std::vector<std::string>& words) = 0;
};

// Of a leader that may run or not; it is only read.
Result<std::unique_ptr<Source>> open_directory(const std::filesystem::path& data);
// `at` is HOST:PORT.
Result<std::unique_ptr<Source>> connect(const std::string& at, const std::string& password);

using Sources = std::vector<std::unique_ptr<Source>>;

// What any of them has, each conflict once, in the question's order, page after page until
// `visit` says false.
Result<void> each(const Sources& sources, const Question& question,
                  const std::function<bool(const Found&)>& visit);
// Nothing when none has it.
Result<std::optional<Found>> find(const Sources& sources, const Hash128& id);

}  // namespace turnstone::audit
