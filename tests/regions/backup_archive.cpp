#include "regions/backup/archive.hpp"
#include "regions/backup/manifest.hpp"
#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"

using namespace turnstone;
using namespace turnstone::backup;
using test::file_bytes;
using test::TempDirectory;

namespace {

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

FileHash make_archive(const std::filesystem::path& file, const std::filesystem::path& part) {
  auto writer = ArchiveWriter::open(file);
  REQUIRE(writer);
  const auto hash = writer->add_file("part", part);
  REQUIRE(hash);
  REQUIRE(writer->add_text("note", "a short text"));
  REQUIRE(writer->finish());
  return *hash;
}

// The parts of an archive are what they were; or why not.
Result<void> unpacks(const std::filesystem::path& file, FileHash expected) {
  const auto reader = ArchiveReader::open(file);
  if (!reader) return tl::make_unexpected(reader.error());
  const Member* part = reader->find("part");
  const Member* note = reader->find("note");
  if (part == nullptr || note == nullptr) return fail(Errc::corrupt, "a member is missing");
  const auto hash = reader->hash(*part);
  if (!hash || *hash != expected || *reader->text(*note) != "a short text")
    return fail(Errc::corrupt, "the hash differs");
  return {};
}

Manifest some_manifest() {
  return {{"turnstone", "paris", 12, 3, 40, 99, {{Origin{7}, 5}, {Origin{0xabcdef0123456789}, 11}}},
          "0.1.0",
          1'700'000'000'000,
          0xfedcba9876543210,
          1};
}

}  // namespace

TEST_CASE("archive: files come out as they went in") {
  const TempDirectory temp;
  for (const std::size_t size : {0u, 1u, 511u, 512u, 513u, 3'000'000u}) {
    const std::string bytes(size, 'x');
    write(temp / "part", bytes);
    const FileHash hash = make_archive(temp / "archive", temp / "part");
    const auto reader = ArchiveReader::open(temp / "archive");
    REQUIRE(reader);
    REQUIRE(reader->members().size() == 2);
    CHECK(reader->bytes() == std::filesystem::file_size(temp / "archive"));
    CHECK(reader->members()[0].bytes == size);
    CHECK(reader->find("absent") == nullptr);
    CHECK(*reader->extract(reader->members()[0], temp / "out") == hash);
    CHECK(file_bytes(temp / "out") == bytes);
    for (const char* name : {"out", "archive"}) std::filesystem::remove(temp / name);
  }
}

TEST_CASE("archive: only its owner may read it, and a file that is there is not overwritten") {
  const TempDirectory temp;
  write(temp / "part", "bytes");
  make_archive(temp / "archive", temp / "part");
  CHECK((std::filesystem::status(temp / "archive").permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(ArchiveWriter::open(temp / "archive").error().code == Errc::io);
}

TEST_CASE("archive: a changed byte anywhere and a missing end are noticed") {
  const TempDirectory temp;
  write(temp / "part", std::string(700, 'p'));
  const FileHash hash = make_archive(temp / "archive", temp / "part");
  const std::string whole = file_bytes(temp / "archive");
  REQUIRE(unpacks(temp / "archive", hash));
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string altered = whole;
    altered[at] = static_cast<char>(altered[at] ^ 1 << at % 8);
    write(temp / "altered", altered);
    INFO(at);
    CHECK_FALSE(unpacks(temp / "altered", hash));
    write(temp / "altered", whole.substr(0, at));
    CHECK_FALSE(unpacks(temp / "altered", hash));
  }
  write(temp / "altered", whole + '\0');
  CHECK_FALSE(unpacks(temp / "altered", hash));
}

TEST_CASE("archive: a length that lies is refused before anything is read") {
  const TempDirectory temp;
  write(temp / "part", std::string(700, 'p'));
  const FileHash hash = make_archive(temp / "archive", temp / "part");
  std::string bytes = file_bytes(temp / "archive");
  bytes[124] = static_cast<char>(0x80);
  for (std::size_t i = 125; i < 136; ++i) bytes[i] = static_cast<char>(0xff);
  write(temp / "lie", bytes);
  CHECK(unpacks(temp / "lie", hash).error().code == Errc::corrupt);
}

TEST_CASE("manifest: what was written is read") {
  const Manifest manifest = some_manifest();
  const auto read = decode_manifest(encode(manifest));
  REQUIRE(read);
  CHECK(*read == manifest);
  const auto empty = decode_manifest(encode({}));
  REQUIRE(empty);
  CHECK(*empty == Manifest{});
}

TEST_CASE("manifest: a changed byte anywhere and a missing end are noticed") {
  const std::string whole = encode(some_manifest());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string altered = whole;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    INFO(altered);
    CHECK_FALSE(decode_manifest(altered));
    CHECK_FALSE(decode_manifest(whole.substr(0, at)));
  }
  CHECK_FALSE(decode_manifest(whole + "\n"));
}

TEST_CASE("manifest: another format is named") {
  std::string later = encode(some_manifest());
  later.replace(0, later.find('\n'), "turnstone backup 3");
  const auto read = decode_manifest(later);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::unsupported_version);
  CHECK(read.error().message.find("backup 3") != std::string::npos);
}
