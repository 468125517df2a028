#include "cli/bundle/archive.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "absl/status/status.h"
#include "base/check.h"

namespace lb::cli {
namespace {

constexpr size_t kBlockBytes = 512;
constexpr size_t kGzipChunkBytes = 256 << 10;

// One header block, field by field as the standard has them.
struct Header {
  std::array<char, 100> name{};
  std::array<char, 8> mode{};
  std::array<char, 8> uid{};
  std::array<char, 8> gid{};
  std::array<char, 12> size{};
  std::array<char, 12> mtime{};
  std::array<char, 8> checksum{};
  char type = '0';
  std::array<char, 100> link_name{};
  std::array<char, 6> magic{'u', 's', 't', 'a', 'r', '\0'};
  std::array<char, 2> version{'0', '0'};
  std::array<char, 32> user{};
  std::array<char, 32> group{};
  std::array<char, 8> device_major{};
  std::array<char, 8> device_minor{};
  std::array<char, 155> prefix{};
  std::array<char, 12> padding{};
};
static_assert(sizeof(Header) == kBlockBytes);

// Octal digits that fill the field but for its last byte.
template <size_t N>
void SetOctal(std::array<char, N>& field, uint64_t value) {
  for (size_t i = N - 1; i-- > 0; value /= 8) field[i] = static_cast<char>('0' + value % 8);
}

std::string_view BytesOf(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

// The sum of all bytes, those of the checksum itself as blanks.
void SetChecksum(Header& header) {
  header.checksum.fill(' ');
  uint64_t sum = 0;
  for (const char byte : BytesOf(header)) sum += static_cast<unsigned char>(byte);
  std::array<char, 7> digits{};
  SetOctal(digits, sum);
  std::copy(digits.begin(), digits.end(), header.checksum.begin());
}

}  // namespace

void Archive::Add(std::string_view path, std::string_view content) {
  LB_CHECK(path.size() <= kMaxPathBytes);
  Header header;
  std::copy(path.begin(), path.end(), header.name.begin());
  SetOctal(header.mode, 0600);
  SetOctal(header.uid, 0);
  SetOctal(header.gid, 0);
  SetOctal(header.size, content.size());
  SetOctal(header.mtime, static_cast<uint64_t>(modified_s_));
  SetChecksum(header);
  entries_.append(BytesOf(header));
  entries_.append(content);
  entries_.append((kBlockBytes - content.size() % kBlockBytes) % kBlockBytes, '\0');
}

std::string Archive::Tar() const { return entries_ + std::string(2 * kBlockBytes, '\0'); }

absl::StatusOr<std::string> Gzip(std::string_view data) {
  constexpr int kGzipFormat = 16;  // Added to the window: zlib.h, deflateInit2.
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipFormat, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
    return absl::InternalError("zlib has no memory");
  std::string out;
  std::string chunk(kGzipChunkBytes, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    result = ::deflate(&stream, Z_FINISH);
    out.append(chunk, 0, chunk.size() - stream.avail_out);
  }
  ::deflateEnd(&stream);
  LB_CHECK(result == Z_STREAM_END);
  return out;
}

}  // namespace lb::cli
