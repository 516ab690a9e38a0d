#include "lab/claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/parse.h"
#include "base/text.h"

namespace giliran::lab {
namespace {

constexpr std::string_view kOf = " of ";
constexpr std::string_view kForms =
    "expected such as \"p99 of one < 0.5 * p99 of two\" or \"rate of one > 2k\"";

// The value does not matter, its unit does.
base::Result<report::Expectation> metric_alone(std::string_view name) {
  std::string_view unit = "1ms";
  if (name == "errors") unit = "1%";
  if (name == "rate") unit = "1";
  auto metric = report::Expectation::parse(fmt::format("{}<{}", name, unit));
  if (metric) return metric;
  std::string why = metric.error().message;
  if (const size_t colon = why.find("': "); colon != std::string::npos) why.erase(0, colon + 3);
  return base::fail(std::move(why));
}

// What is true where a claim with this sign is not met.
std::string_view opposite(std::string_view sign) {
  if (sign == "<") return "\u2265";
  if (sign == "<=") return ">";
  if (sign == ">") return "\u2264";
  return "<";
}

std::string_view shown_sign(std::string_view sign) {
  if (sign == "<=") return "\u2264";
  return sign == ">=" ? "\u2265" : sign;
}

bool holds(std::string_view sign, double left, double right) {
  if (sign == "<") return left < right;
  if (sign == "<=") return left <= right;
  if (sign == ">") return left > right;
  return left >= right;
}

}  // namespace

bool ParsedClaim::meant(std::string_view text) {
  return text.find(kOf) != std::string_view::npos;
}

base::Result<ParsedClaim::Side> ParsedClaim::parse_side(std::string_view text) {
  Side side;
  text = base::trim(text);
  if (const size_t star = text.find('*'); star != std::string_view::npos) {
    side.factor = GILIRAN_TRY(base::parse_double(base::trim(text.substr(0, star))));
    if (side.factor <= 0) return base::fail("expected a factor above 0");
    text = base::trim(text.substr(star + 1));
  }
  const size_t of = text.find(kOf);
  if (of == std::string_view::npos) return base::fail(std::string(kForms));
  side.metric = GILIRAN_TRY(metric_alone(base::trim(text.substr(0, of))));
  side.point = std::string(base::trim(text.substr(of + kOf.size())));
  return side;
}

base::Result<ParsedClaim> ParsedClaim::parse(std::string_view text) {
  ParsedClaim claim;
  claim.text_ = std::string(base::trim(text));
  const size_t at = text.find_first_of("<>");
  if (at == std::string_view::npos) return base::fail(std::string(kForms));
  const bool equal = at + 1 < text.size() && text[at + 1] == '=';
  claim.operator_ = std::string(text.substr(at, equal ? 2 : 1));
  const std::string_view left = text.substr(0, at);
  const std::string_view right = base::trim(text.substr(at + claim.operator_.size()));
  claim.left_ = GILIRAN_TRY(parse_side(left));
  if (meant(right)) {
    claim.right_ = GILIRAN_TRY(parse_side(right));
    return claim;
  }
  const std::string metric(base::trim(left.substr(0, left.find(kOf))));
  auto bound = report::Expectation::parse(fmt::format("{}{}{}", metric, claim.operator_, right));
  if (!bound || claim.left_.factor != 1) return base::fail(std::string(kForms));
  claim.left_.metric = std::move(*bound);
  return claim;
}

std::vector<std::string> ParsedClaim::points() const {
  std::vector<std::string> names = {left_.point};
  if (right_ && right_->point != left_.point) names.push_back(right_->point);
  return names;
}

std::optional<double> ParsedClaim::median(const Side& side, const Values& values) {
  std::vector<double> found = values(side.point, side.metric);
  std::erase_if(found, [](double value) { return value < 0; });
  if (found.empty()) return std::nullopt;
  std::ranges::sort(found);
  const size_t middle = found.size() / 2;
  return found.size() % 2 == 1 ? found[middle] : (found[middle - 1] + found[middle]) / 2;
}

std::string ParsedClaim::shown(const Side& side, const std::optional<double>& value) {
  const std::string its = value ? side.metric.shown(*value) : std::string("nothing measured");
  return side.factor == 1 ? its : fmt::format("{:g} \u00d7 {}", side.factor, its);
}

report::Expected ParsedClaim::judge(const Values& values) const {
  const auto left = median(left_, values);
  const auto right = right_ ? median(*right_, values) : std::optional(left_.metric.bound());
  const bool both = left && right;
  const bool met =
      both && holds(operator_, *left * left_.factor, right_ ? *right * right_->factor : *right);
  const std::string_view sign = !both ? "?" : met ? shown_sign(operator_) : opposite(operator_);
  return {.text = text_,
          .measured = fmt::format("{} {} {}", shown(left_, left), sign,
                                  shown(right_ ? *right_ : left_, right)),
          .met = met};
}

}  // namespace giliran::lab
