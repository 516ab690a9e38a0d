#include "proxy/proxy_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "proxy/outcome.h"

namespace giliran::proxy {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;

std::string status(End end, By by, Phase phase, std::string_view reason) {
  std::array<char, kProxyStatusBytesMax> out;
  return std::string(format_proxy_status(end, by, phase, reason, out));
}

std::vector<End> all_ends() {
  std::vector<End> out;
  for (int i = 0; i <= static_cast<int>(End::kInternal); ++i) out.push_back(static_cast<End>(i));
  return out;
}

const std::vector<Phase> kPhases{Phase::kNone, Phase::kRequest, Phase::kQueue, Phase::kConnect,
                                 Phase::kSend, Phase::kWait,    Phase::kData};

TEST(ProxyStatus, SaysAll) {
  EXPECT_EQ(status(End::kConnectRefused, By::kServer, Phase::kConnect, "ECONNREFUSED"),
            "giliran; error=connection_refused; details=\"ECONNREFUSED\"; end=connect-refused; "
            "by=server; phase=connect");
  EXPECT_EQ(status(End::kInternal, By::kNobody, Phase::kNone, ""),
            "giliran; error=proxy_internal_error; end=internal");
}

TEST(ProxyStatus, EscapesAndCutsWhatIsSaid) {
  EXPECT_THAT(status(End::kInternal, By::kCoordinator, Phase::kWait, "a \"b\" \\c\r\nd\x80"),
              testing::HasSubstr("details=\"a \\\"b\\\" \\\\c??d?\"; end="));
  // The longest of everything fits.
  for (const End end : all_ends()) {
    for (const Phase phase : kPhases) {
      const std::string text = status(end, By::kCoordinator, phase, std::string(5000, '"'));
      EXPECT_LT(text.size(), kProxyStatusBytesMax);
      EXPECT_THAT(text, testing::HasSubstr("\\\"\"; end="));
    }
  }
}

// RFC 9209, section 2.3.
const std::set<std::string_view> kRegistered{"dns_timeout",
                                             "dns_error",
                                             "destination_not_found",
                                             "destination_unavailable",
                                             "destination_ip_prohibited",
                                             "destination_ip_unroutable",
                                             "connection_refused",
                                             "connection_terminated",
                                             "connection_timeout",
                                             "connection_read_timeout",
                                             "connection_write_timeout",
                                             "connection_limit_reached",
                                             "tls_protocol_error",
                                             "tls_certificate_error",
                                             "tls_alert_received",
                                             "http_request_error",
                                             "http_request_denied",
                                             "http_response_incomplete",
                                             "http_response_header_section_size",
                                             "http_response_header_size",
                                             "http_response_body_size",
                                             "http_response_trailer_section_size",
                                             "http_response_trailer_size",
                                             "http_response_transfer_coding",
                                             "http_response_content_coding",
                                             "http_response_timeout",
                                             "http_upgrade_failed",
                                             "http_protocol_error",
                                             "proxy_internal_response",
                                             "proxy_internal_error",
                                             "proxy_configuration_error",
                                             "proxy_loop_detected"};

TEST(ProxyStatus, EveryEndHasARegisteredType) {
  for (const End end : all_ends()) {
    if (end == End::kOk) continue;
    for (const Phase phase : kPhases) {
      for (const char* reason : {"", "no-route", "EHOSTUNREACH"}) {
        EXPECT_TRUE(kRegistered.contains(proxy_error_type(end, phase, reason)))
            << telemetry::name(end);
      }
    }
  }
  EXPECT_EQ(proxy_error_type(End::kOk, Phase::kNone, ""), "");
}

TEST(ProxyStatus, WhatHangsOnPhaseOrReason) {
  EXPECT_EQ(proxy_error_type(End::kServerTimeout, Phase::kSend, ""), "connection_write_timeout");
  EXPECT_EQ(proxy_error_type(End::kServerTimeout, Phase::kData, ""), "connection_read_timeout");
  EXPECT_EQ(proxy_error_type(End::kServerClosed, Phase::kData, ""), "http_response_incomplete");
  EXPECT_EQ(proxy_error_type(End::kConnectFailed, Phase::kConnect, "EHOSTUNREACH"),
            "destination_ip_unroutable");
  EXPECT_EQ(proxy_error_type(End::kDenied, Phase::kRequest, "no-route"), "destination_not_found");
}

// --- docs/formats/answers.md ---

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> out;
  std::stringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    const size_t begin = cell.find_first_not_of(" `");
    const size_t end = cell.find_last_not_of(" `");
    out.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
  }
  return out;
}

TEST(ProxyStatus, TheDocumentSaysWhatTheCodeDoes) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/answers.md";
  std::ifstream in(path);
  ASSERT_TRUE(in) << path;
  std::map<std::string, std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    const auto row = cells(line);
    if (row.size() == 6) rows[row[0]] = row;
  }
  for (const End end : all_ends()) {
    if (end == End::kOk) continue;
    const std::string name(telemetry::name(end));
    ASSERT_TRUE(rows.contains(name)) << name;
    const auto& row = rows[name];
    // kWait is what is usual where the phase matters.
    EXPECT_EQ(row[2], proxy_error_type(end, Phase::kWait, "")) << name;
    if (row[1] != "none" && end != End::kClientTimeout) {
      EXPECT_EQ(row[1], std::to_string(status_of(end))) << name;
    }
    rows.erase(name);
  }
  rows.erase("end");
  EXPECT_TRUE(rows.empty()) << rows.begin()->first;
}

}  // namespace
}  // namespace giliran::proxy
