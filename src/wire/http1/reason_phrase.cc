#include "wire/http1/writer.h"

namespace giliran::wire::http1 {

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
#define GILIRAN_REASON(code, text) \
  case code:                       \
    return text
    GILIRAN_REASON(100, "Continue");
    GILIRAN_REASON(101, "Switching Protocols");
    GILIRAN_REASON(102, "Processing");
    GILIRAN_REASON(103, "Early Hints");
    GILIRAN_REASON(200, "OK");
    GILIRAN_REASON(201, "Created");
    GILIRAN_REASON(202, "Accepted");
    GILIRAN_REASON(203, "Non-Authoritative Information");
    GILIRAN_REASON(204, "No Content");
    GILIRAN_REASON(205, "Reset Content");
    GILIRAN_REASON(206, "Partial Content");
    GILIRAN_REASON(207, "Multi-Status");
    GILIRAN_REASON(208, "Already Reported");
    GILIRAN_REASON(226, "IM Used");
    GILIRAN_REASON(300, "Multiple Choices");
    GILIRAN_REASON(301, "Moved Permanently");
    GILIRAN_REASON(302, "Found");
    GILIRAN_REASON(303, "See Other");
    GILIRAN_REASON(304, "Not Modified");
    GILIRAN_REASON(305, "Use Proxy");
    GILIRAN_REASON(307, "Temporary Redirect");
    GILIRAN_REASON(308, "Permanent Redirect");
    GILIRAN_REASON(400, "Bad Request");
    GILIRAN_REASON(401, "Unauthorized");
    GILIRAN_REASON(402, "Payment Required");
    GILIRAN_REASON(403, "Forbidden");
    GILIRAN_REASON(404, "Not Found");
    GILIRAN_REASON(405, "Method Not Allowed");
    GILIRAN_REASON(406, "Not Acceptable");
    GILIRAN_REASON(407, "Proxy Authentication Required");
    GILIRAN_REASON(408, "Request Timeout");
    GILIRAN_REASON(409, "Conflict");
    GILIRAN_REASON(410, "Gone");
    GILIRAN_REASON(411, "Length Required");
    GILIRAN_REASON(412, "Precondition Failed");
    GILIRAN_REASON(413, "Content Too Large");
    GILIRAN_REASON(414, "URI Too Long");
    GILIRAN_REASON(415, "Unsupported Media Type");
    GILIRAN_REASON(416, "Range Not Satisfiable");
    GILIRAN_REASON(417, "Expectation Failed");
    GILIRAN_REASON(421, "Misdirected Request");
    GILIRAN_REASON(422, "Unprocessable Content");
    GILIRAN_REASON(423, "Locked");
    GILIRAN_REASON(424, "Failed Dependency");
    GILIRAN_REASON(425, "Too Early");
    GILIRAN_REASON(426, "Upgrade Required");
    GILIRAN_REASON(428, "Precondition Required");
    GILIRAN_REASON(429, "Too Many Requests");
    GILIRAN_REASON(431, "Request Header Fields Too Large");
    GILIRAN_REASON(451, "Unavailable For Legal Reasons");
    GILIRAN_REASON(500, "Internal Server Error");
    GILIRAN_REASON(501, "Not Implemented");
    GILIRAN_REASON(502, "Bad Gateway");
    GILIRAN_REASON(503, "Service Unavailable");
    GILIRAN_REASON(504, "Gateway Timeout");
    GILIRAN_REASON(505, "HTTP Version Not Supported");
    GILIRAN_REASON(506, "Variant Also Negotiates");
    GILIRAN_REASON(507, "Insufficient Storage");
    GILIRAN_REASON(508, "Loop Detected");
    GILIRAN_REASON(511, "Network Authentication Required");
#undef GILIRAN_REASON
    default:
      return "";
  }
}

}  // namespace giliran::wire::http1
