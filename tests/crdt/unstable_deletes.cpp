#include "crdt/unstable_deletes.hpp"

#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

TEST_CASE("unstable deletes: beyond the limit the oldest is forgotten and counted") {
  UnstableDeletes deletes;
  const Origin paris{1};
  for (Seq seq = 1; seq <= UnstableDeletes::deletes_max + 3; ++seq)
    deletes.note_key("k" + std::to_string(seq), {RowId{{paris, seq}, 0}, seq});
  CHECK(deletes.size() == UnstableDeletes::deletes_max);
  CHECK(deletes.forgotten() == 3);
  const VersionVector nothing;
  const Author author{{Origin{2}, 1}, 5, 1, &nothing};
  CHECK(deletes.unseen_by(author, "k3", Kind::string, "").empty());
  CHECK(deletes.unseen_by(author, "k4", Kind::string, "").size() == 1);
}
