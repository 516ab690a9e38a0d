#include "cli/setters.h"

#include <fmt/format.h>

#include <limits>
#include <set>

#include "base/parse.h"
#include "config/host_port.h"

namespace giliran::cli {
namespace {

template <typename Number>
Setter number_setter(Number& out, Number min, Number max) {
  return [&out, min, max](const std::string& text) -> base::Result<void> {
    const uint64_t value = GILIRAN_TRY(base::parse_count(text));
    if (value < min || value > max) {
      const bool bounded = max != std::numeric_limits<Number>::max();
      return base::fail(bounded
                            ? fmt::format("'{}': expected a number from {} to {}", text, min, max)
                            : fmt::format("'{}': expected {} or more", text, min));
    }
    out = static_cast<Number>(value);
    return {};
  };
}

}  // namespace

Setter set_text(std::string& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    if (text.empty()) return base::fail("'': expected a text that is not empty");
    out = text;
    return {};
  };
}

Setter set_file_of_keys(std::string& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    if (text == "-") {
      return base::fail(
          "'-': the file is read again at HUP, which a pipe cannot be; giliran check - reads one");
    }
    return set_text(out)(text);
  };
}

Setter set_true(bool& out) {
  return [&out](const std::string&) -> base::Result<void> {
    out = true;
    return {};
  };
}

Setter set_number(uint64_t& out, uint64_t min, uint64_t max) {
  return number_setter<uint64_t>(out, min, max);
}

Setter set_number(uint32_t& out, uint32_t min, uint32_t max) {
  return number_setter<uint32_t>(out, min, max);
}

Setter set_bytes(uint32_t& out, uint32_t min, uint32_t max) {
  return [&out, min, max](const std::string& text) -> base::Result<void> {
    const uint64_t value = GILIRAN_TRY(base::parse_bytes(text));
    if (value < min || value > max) {
      return base::fail(fmt::format("'{}': expected {} to {}", text, base::format_bytes(min),
                                    base::format_bytes(max)));
    }
    out = static_cast<uint32_t>(value);
    return {};
  };
}

Setter set_duration(base::Duration& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    const base::Duration value = GILIRAN_TRY(base::parse_duration(text));
    if (value.count() <= 0) {
      return base::fail(fmt::format("'{}': expected a time above zero, such as 5s", text));
    }
    out = value;
    return {};
  };
}

Setter set_rate(double& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    const double rate = GILIRAN_TRY(base::parse_rate(text));
    if (!(rate > 0)) return base::fail(fmt::format("'{}': expected a rate above zero", text));
    out = rate;
    return {};
  };
}

Setter set_distribution(std::optional<base::Distribution>& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    out = GILIRAN_TRY(base::Distribution::parse(text));
    return {};
  };
}

Setter set_log_full(telemetry::LogFull& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    if (text == "drop") {
      out = telemetry::LogFull::kDrop;
    } else if (text == "wait") {
      out = telemetry::LogFull::kWait;
    } else {
      return base::fail(fmt::format("'{}': expected drop or wait", text));
    }
    return {};
  };
}

Setter add_text(std::vector<std::string>& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    out.push_back(text);
    return {};
  };
}

Setter add_listen(std::vector<config::ListenSpec>& out) {
  return [&out](const std::string& text) -> base::Result<void> {
    out.push_back(GILIRAN_TRY(config::parse_listen_spec(text)));
    return {};
  };
}

base::Result<void> check_listens(const std::vector<config::ListenSpec>& listens,
                                 std::string_view example) {
  if (listens.empty()) {
    return base::fail(fmt::format(
        "no address to listen on: give --listen HOST:PORT, such as --listen {}", example));
  }
  std::set<std::string> seen;
  for (const config::ListenSpec& listen : listens) {
    const auto parts = config::split_host_port(listen.host_port);
    const bool any_port = parts && parts->port == 0 && !listen.host_port.starts_with("unix:");
    if (!parts || any_port) continue;
    if (!seen.insert(config::canonical(*parts)).second) {
      return base::fail(fmt::format("--listen {} is given twice", listen.host_port));
    }
  }
  return {};
}

}  // namespace giliran::cli
