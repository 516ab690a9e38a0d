#include "telemetry/access_line.h"

#include "telemetry/access_fields.h"

namespace giliran::telemetry {
namespace {

bool take_request(std::string_view request, std::string_view mark, AccessLine& out) {
  RequestFields fields;
  if (!split_request(request, fields)) return false;
  out.method = fields.method;
  out.proto = fields.proto;
  unescape(fields.target, mark, out.target);
  return true;
}

}  // namespace

bool parse_httplog(std::string_view line, AccessLine& out) {
  HaproxyFields fields;
  if (!split_haproxy(line, fields) || !fields.http) return false;
  out.when = fields.when;
  out.status = fields.status;
  out.bytes_out = fields.bytes_out;
  return take_request(fields.request, kHaproxyMark, out);
}

bool parse_combined(std::string_view line, AccessLine& out) {
  CombinedFields fields;
  if (!split_combined(line, fields)) return false;
  out.when = fields.when;
  out.status = fields.status;
  out.bytes_out = fields.bytes_out;
  return take_request(fields.request, kNginxMark, out);
}

}  // namespace giliran::telemetry
