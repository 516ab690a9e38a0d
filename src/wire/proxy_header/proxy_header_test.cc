#include "wire/proxy_header/proxy_header.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/rng.h"
#include "wire/proxy_header/fuzz_target.h"

namespace giliran::wire::proxy_header {
namespace {

using base::Address;
using std::string_literals::operator""s;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string kIpv4Pair = "\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb"s;

Address address(std::string_view text) {
  return Address::parse(text).value();
}

std::string two_bytes(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string v2(int command, int family, const std::string& block) {
  return std::string(kSignature) + static_cast<char>(command) + static_cast<char>(family) +
         two_bytes(block.size()) + block;
}

std::string tlv(int type, const std::string& value) {
  return static_cast<char>(type) + two_bytes(value.size()) + value;
}

std::string padded(std::string path) {
  path.resize(108);
  return path;
}

Header accepted(const std::string& bytes) {
  Header header;
  for (const std::string& rest : {""s, "GET / HTTP/1.1\r\n"s, "\r\n"s, "PROXY"s}) {
    const Result result = parse(bytes + rest, header);
    EXPECT_EQ(result.parse, Parse::kDone) << bytes << result.problem;
    EXPECT_EQ(result.consumed, bytes.size()) << bytes;
    fuzz_proxy_header(bytes + rest);
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    Header front;
    EXPECT_EQ(parse(bytes.substr(0, size), front).parse, Parse::kNeedMore) << size << " " << bytes;
    EXPECT_TRUE(front.source.none());
  }
  return header;
}

void refused(const std::string& bytes, std::string_view problem = "bad-proxy-header") {
  Header header;
  const Result result = parse(bytes, header);
  EXPECT_EQ(result.parse, Parse::kError) << bytes;
  EXPECT_EQ(result.problem, problem) << bytes;
  EXPECT_EQ(parse(bytes + "more\r\n", header).parse, Parse::kError) << bytes;
  fuzz_proxy_header(bytes);
}

TEST(ProxyHeaderV1Test, ReadsAddresses) {
  const Header v4 = accepted("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
  EXPECT_EQ(v4.version, Version::kV1);
  EXPECT_EQ(v4.source.text(), "192.0.2.1:56324");
  EXPECT_EQ(v4.destination.text(), "192.0.2.2:443");
  const Header v6 = accepted("PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.2 0 65535\r\n");
  EXPECT_EQ(v6.source.text(), "[2001:db8::1]:0");
  EXPECT_EQ(v6.destination.text(), "[::ffff:192.0.2.2]:65535");
  accepted(
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "65535 65535\r\n");
}

TEST(ProxyHeaderV1Test, ReadsUnknown) {
  for (const std::string& line :
       {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN \r\n"s, "PROXY UNKNOWN ::1 ::2 1 2\r\n"s,
        "PROXY UNKNOWN what ever!\r\n"s, "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"}) {
    const Header header = accepted(line);
    EXPECT_EQ(header.version, Version::kV1);
    EXPECT_TRUE(header.source.none() && header.destination.none()) << line;
  }
}

TEST(ProxyHeaderV1Test, RefusesEverythingElse) {
  for (const char* line :
       {"PROXY\tTCP4 192.0.2.1 192.0.2.2 1 2\r\n", "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXYTCP4 192.0.2.1 192.0.2.2 1 2\r\n", " PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"}) {
    refused(line, "no-proxy-header");
  }
  for (const char* line : {"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2  1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1  2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
                           "PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n",
                           "PROXY TCP4\r\n",
                           "PROXY \r\n",
                           "PROXY TCP4 \r\n",
                           "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.1.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192..2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 0xc0.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 ::1 ::1 1 2\r\n",
                           "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
                           "PROXY TCP4 192.0.2.1 ::1 1 2\r\n",
                           "PROXY TCP6 ::1 192.0.2.1 1 2\r\n",
                           "PROXY TCP6 [::1] ::1 1 2\r\n",
                           "PROXY TCP6 ::1%1 ::1 1 2\r\n",
                           "PROXY TCP6 1::2::3 ::1 1 2\r\n",
                           "PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n",
                           "PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n",
                           "PROXY TCP6 12345:: ::1 1 2\r\n",
                           "PROXY TCP6 g:: ::1 1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 00 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1a 2\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 1 2.\r\n",
                           "PROXY TCP4 192.0.2.1 192.0.2.2 000001 2\r\n",
                           "PROXY TCP6 "
                           "0000:0000:0000:0000:0000:ffff:255.255.255.255 "
                           "0000:0000:0000:0000:0000:ffff:255.255.255.255 65535 65535\r\n",
                           "PROXY UNKNOWNX\r\n",
                           "PROXY UNKNOWN\n",
                           "PROXY UNKNOWN\rx",
                           "PROXY UNKNOWN a\x01\r\n",
                           "PROXY UNKNOWN a\tb\r\n",
                           "PROXY UNKNOWN \xff\r\n",
                           "PROXY UNKNOW\r\n"}) {
    refused(line);
  }
  refused("PROXY UNKNOWN a\0b\r\n"s);
  refused("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"s);
  refused("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n");
}

TEST(ProxyHeaderV1Test, RefusesEarly) {
  refused("GET", "no-proxy-header");
  refused("\x16\x03", "no-proxy-header");
  refused("PR0", "no-proxy-header");
  refused("PROXY TCP7");
  refused("PROXY X");
  refused("PROXY TCP4 1.2.3.4,");
  refused("PROXY TCP4 300.2.3.4 ");
  refused("PROXY TCP4 1.2.3.4 1.2.3.4 123456");
  refused("PROXY UNKNOWN " + std::string(92, 'x'));
}

TEST(ProxyHeaderV2Test, ReadsAddresses) {
  for (const int family : {0x11, 0x12}) {
    const Header v4 = accepted(v2(0x21, family, kIpv4Pair));
    EXPECT_EQ(v4.version, Version::kV2);
    EXPECT_EQ(v4.source.text(), "192.0.2.1:56324");
    EXPECT_EQ(v4.destination.text(), "192.0.2.2:443");
  }
  const std::string one = std::string(15, '\0') + "\x01";
  const std::string two = "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x02";
  const Header v6 = accepted(v2(0x21, 0x21, one + two + two_bytes(80) + two_bytes(65535)));
  EXPECT_EQ(v6.source.text(), "[::1]:80");
  EXPECT_EQ(v6.destination.text(), "[2001:db8::2]:65535");
}

TEST(ProxyHeaderV2Test, ReadsUnixAddresses) {
  const Header paths = accepted(v2(0x21, 0x31, padded("/run/a b.sock") + padded("/y\0rest"s)));
  EXPECT_EQ(paths.source.text(), "unix:/run/a b.sock");
  EXPECT_EQ(paths.destination.text(), "unix:/y");
  const Header names = accepted(v2(0x21, 0x32, padded("\0name"s) + padded("")));
  EXPECT_EQ(names.source.text(), "unix:@name");
  EXPECT_EQ(names.destination.text(), "unix:");
  EXPECT_TRUE(names.destination.is_unix());
  const std::string longest = "/" + std::string(106, 'x');
  EXPECT_EQ(accepted(v2(0x21, 0x31, padded(longest) + padded(""))).source.text(),
            "unix:" + longest);

  refused(v2(0x21, 0x31, std::string(108, 'x') + padded("")));
  refused(v2(0x21, 0x31, padded("\0"s + std::string(107, 'x')) + padded("")));
  // It would split a header field or a log line.
  refused(v2(0x21, 0x31, padded("/a\r\nX: y") + padded("")));
  refused(v2(0x21, 0x31, padded("/a") + padded("/\x7f")));
  refused(v2(0x21, 0x31, padded("\0a\0b"s) + padded("")));
  refused(v2(0x21, 0x31, padded("@not-abstract") + padded("")));
}

TEST(ProxyHeaderV2Test, LocalAndUnspecifiedSpeakForThemselves) {
  // A LOCAL header's family and block are not looked at.
  for (const std::string& bytes :
       {v2(0x20, 0x00, ""), v2(0x20, 0x11, kIpv4Pair), v2(0x20, 0xff, "anything"),
        v2(0x20, 0x11, "x"), v2(0x21, 0x00, ""), v2(0x21, 0x00, kIpv4Pair)}) {
    const Header header = accepted(bytes);
    EXPECT_EQ(header.version, Version::kV2);
    EXPECT_TRUE(header.source.none() && header.destination.none());
  }
}

TEST(ProxyHeaderV2Test, StepsOverTlvs) {
  const std::string tlvs = tlv(0x01, "h2") + tlv(0x02, "example.com") + tlv(0x04, "") +
                           tlv(0x20, "\x01\0\0\0\0"s) + tlv(0xee, std::string(300, 'x'));
  EXPECT_EQ(accepted(v2(0x21, 0x11, kIpv4Pair + tlvs)).source.text(), "192.0.2.1:56324");
  const std::string unix_pair = padded("/a") + padded("/b");
  EXPECT_EQ(accepted(v2(0x21, 0x31, unix_pair + tlvs)).destination.text(), "unix:/b");

  refused(v2(0x21, 0x11, kIpv4Pair + "\x01"));
  refused(v2(0x21, 0x11, kIpv4Pair + "\x01\x00"s));
  refused(v2(0x21, 0x11, kIpv4Pair + "\x01\x00\x01"s));
  refused(v2(0x21, 0x11, kIpv4Pair + tlv(0x01, "h2") + "\x01\xff\xffxx"s));
}

TEST(ProxyHeaderV2Test, ChecksAChecksum) {
  // From an independent computation of CRC-32C over the header with zeros in its place.
  const std::string good = v2(0x21, 0x11, kIpv4Pair + tlv(0x03, "\xd6\xc8\xc7\x5f"));
  EXPECT_EQ(accepted(good).source.text(), "192.0.2.1:56324");
  for (const size_t at : {size_t{16}, size_t{27}, good.size() - 1, good.size() - 4}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    refused(bad);
  }
  refused(v2(0x21, 0x11, kIpv4Pair + tlv(0x03, "\x01\x02\x03")));
  refused(v2(0x21, 0x11, kIpv4Pair + tlv(0x03, std::string(4, '\0'))));
}

TEST(ProxyHeaderV2Test, RefusesEverythingElse) {
  for (const int command : {0x00, 0x01, 0x11, 0x22, 0x2f, 0x31, 0xff}) {
    refused(v2(command, 0x11, kIpv4Pair));
  }
  for (const int family : {0x01, 0x02, 0x10, 0x13, 0x1f, 0x20, 0x23, 0x30, 0x33, 0x41, 0xf1}) {
    refused(v2(0x21, family, std::string(216, '\0')));
  }
  refused(v2(0x21, 0x11, kIpv4Pair.substr(1)));
  refused(v2(0x21, 0x21, std::string(35, '\0')));
  refused(v2(0x21, 0x31, std::string(215, '\0')));
  refused(v2(0x21, 0x11, ""));
  std::string signature = v2(0x21, 0x11, kIpv4Pair);
  for (size_t at = 0; at < kSignature.size(); ++at) {
    std::string bad = signature;
    bad[at] = 'x';
    refused(bad, "no-proxy-header");
  }
}

TEST(ProxyHeaderV2Test, HoldsToTheLimit) {
  const size_t room = kBytesMax - 16 - kIpv4Pair.size() - 3;
  accepted(v2(0x21, 0x11, kIpv4Pair + tlv(0xee, std::string(room, 'x'))));
  refused(v2(0x21, 0x11, kIpv4Pair + tlv(0xee, std::string(room + 1, 'x'))),
          "proxy-header-too-large");
  refused(v2(0x20, 0x00, std::string(65535, 'x')), "proxy-header-too-large");
  // The fixed part is enough to know it.
  refused(v2(0x20, 0x00, std::string(5000, 'x')).substr(0, 16), "proxy-header-too-large");
}

TEST(ProxyHeaderTest, WritesWhatTheSpecificationShows) {
  std::string out = "before";
  append(Version::kV1, address("192.0.2.1:56324"), address("192.0.2.2:443"), out);
  EXPECT_EQ(out, "beforePROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
  out.clear();
  append(Version::kV1, address("[fe80::1%2]:1"), address("[::ffff:1.2.3.4]:2"), out);
  EXPECT_EQ(out, "PROXY TCP6 fe80::1 ::ffff:1.2.3.4 1 2\r\n");
  out.clear();
  append(Version::kV2, address("192.0.2.1:56324"), address("192.0.2.2:443"), out);
  EXPECT_EQ(out, v2(0x21, 0x11, kIpv4Pair));
  out.clear();
  append(Version::kV2, address("unix:/a"), address("unix:@b"), out);
  EXPECT_EQ(out, v2(0x21, 0x31, padded("/a") + padded("\0b"s)));
}

TEST(ProxyHeaderTest, WritesUnknownForPairsItCannotSay) {
  const std::vector<Address> addresses = {Address(), address("1.2.3.4:5"), address("[::1]:5"),
                                          address("unix:/a")};
  for (const Address& source : addresses) {
    for (const Address& destination : addresses) {
      if (source == destination && !source.none()) continue;
      std::string one;
      append(Version::kV1, source, destination, one);
      EXPECT_EQ(one, "PROXY UNKNOWN\r\n");
      std::string two;
      append(Version::kV2, source, destination, two);
      EXPECT_EQ(two, v2(0x20, 0x00, ""));
    }
  }
  std::string out;
  append(Version::kV1, addresses[3], addresses[3], out);
  EXPECT_EQ(out, "PROXY UNKNOWN\r\n");
}

Address random_address(base::Rng& rng, int kind) {
  const auto port = static_cast<uint16_t>(rng.next());
  if (kind == 0) return Address::ipv4(static_cast<uint32_t>(rng.next()), port);
  if (kind == 2) return address("unix:/tmp/" + std::to_string(rng.below(20)));
  sockaddr_in6 raw = {};
  raw.sin6_family = AF_INET6;
  raw.sin6_port = htons(port);
  // Runs of zeros, so that "::" stands in different places.
  for (auto& byte : raw.sin6_addr.s6_addr) {
    byte = rng.below(3) == 0 ? static_cast<uint8_t>(rng.next()) : uint8_t{0};
  }
  return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);
}

TEST(ProxyHeaderTest, WhatIsWrittenIsReadBack) {
  base::Rng rng(7);
  for (int i = 0; i < 3000; ++i) {
    const Version version = i % 2 == 0 ? Version::kV1 : Version::kV2;
    const int kind = static_cast<int>(rng.below(version == Version::kV1 ? 2 : 3));
    const Address source = random_address(rng, kind);
    const Address destination = random_address(rng, kind);
    std::string bytes;
    append(version, source, destination, bytes);
    Header header;
    const Result result = parse(bytes + "GET", header);
    ASSERT_EQ(result.parse, Parse::kDone) << bytes;
    ASSERT_EQ(result.consumed, bytes.size());
    ASSERT_EQ(header.version, version);
    ASSERT_EQ(header.source, source) << bytes;
    ASSERT_EQ(header.destination, destination) << bytes;
  }
}

TEST(ProxyHeaderTest, DamagedHeadersAreReadTheSameHoweverTheyAreCut) {
  base::Rng rng(8);
  std::vector<std::string> good = {
      "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET", "PROXY TCP6 2001:db8::1 ::1 1 2\r\nGET",
      "PROXY UNKNOWN some text\r\nGET", v2(0x21, 0x11, kIpv4Pair + tlv(0x01, "h2")) + "GET",
      v2(0x21, 0x31, padded("/a") + padded("/b")) + "GET"};
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = good[rng.below(good.size())];
    for (uint64_t edits = 1 + rng.below(3); edits > 0; --edits) {
      const size_t at = rng.below(bytes.size());
      const uint64_t kind = rng.below(4);
      if (kind == 0) bytes.erase(at, 1);
      if (kind == 1) bytes.insert(at, 1, " \r\n\t0:.%"[rng.below(8)]);
      if (kind == 2) bytes[at] = static_cast<char>(rng.next());
      if (kind == 3) bytes[at] = bytes[rng.below(bytes.size())];
    }
    fuzz_proxy_header(bytes);
  }
}

TEST(ProxyHeaderTest, CorpusHoldsToWhatTheFuzzerChecks) {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../../tests/corpora";
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "proxy_header")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    fuzz_proxy_header(input);
    ++inputs;
  }
  EXPECT_GE(inputs, 20);
}

}  // namespace
}  // namespace giliran::wire::proxy_header
