#include "wire/http1/parser.h"

namespace giliran::wire::http1 {

std::string_view problem_name(Problem problem) {
  switch (problem) {
    case Problem::kNone:
      return "none";
    case Problem::kBadRequestLine:
      return "bad-request-line";
    case Problem::kBadMethod:
      return "bad-method";
    case Problem::kBadTarget:
      return "bad-target";
    case Problem::kBadVersion:
      return "bad-version";
    case Problem::kUnsupportedVersion:
      return "unsupported-version";
    case Problem::kBadStatusLine:
      return "bad-status-line";
    case Problem::kBadFieldName:
      return "bad-field-name";
    case Problem::kBadFieldValue:
      return "bad-field-value";
    case Problem::kObsoleteFolding:
      return "obsolete-folding";
    case Problem::kBareCr:
      return "bare-cr";
    case Problem::kBareLf:
      return "bare-lf";
    case Problem::kNul:
      return "nul";
    case Problem::kHeadTooLarge:
      return "head-too-large";
    case Problem::kTargetTooLong:
      return "target-too-long";
    case Problem::kTooManyFields:
      return "too-many-fields";
    case Problem::kMissingHost:
      return "missing-host";
    case Problem::kDuplicateHost:
      return "duplicate-host";
    case Problem::kBadHost:
      return "bad-host";
    case Problem::kBadContentLength:
      return "bad-content-length";
    case Problem::kConflictingLength:
      return "conflicting-length";
    case Problem::kBadTransferEncoding:
      return "bad-transfer-encoding";
    case Problem::kUnsupportedTransferEncoding:
      return "unsupported-transfer-encoding";
    case Problem::kBadChunk:
      return "bad-chunk";
    case Problem::kTrailerTooLarge:
      return "trailer-too-large";
    case Problem::kTruncated:
      return "truncated";
    case Problem::kHttp2Preface:
      return "http2-preface";
    case Problem::kBadUpgrade:
      return "bad-upgrade";
    case Problem::kUnsupportedExpectation:
      return "unsupported-expectation";
  }
  return "unknown";
}

uint16_t status_for(Problem problem) {
  switch (problem) {
    case Problem::kTargetTooLong:
      return 414;
    case Problem::kHeadTooLarge:
    case Problem::kTooManyFields:
    case Problem::kTrailerTooLarge:
      return 431;
    case Problem::kUnsupportedTransferEncoding:
      return 501;
    case Problem::kUnsupportedVersion:
    case Problem::kHttp2Preface:
      return 505;
    case Problem::kUnsupportedExpectation:
      return 417;
    case Problem::kNone:
    case Problem::kBadRequestLine:
    case Problem::kBadMethod:
    case Problem::kBadTarget:
    case Problem::kBadVersion:
    case Problem::kBadStatusLine:
    case Problem::kBadFieldName:
    case Problem::kBadFieldValue:
    case Problem::kObsoleteFolding:
    case Problem::kBareCr:
    case Problem::kBareLf:
    case Problem::kNul:
    case Problem::kMissingHost:
    case Problem::kDuplicateHost:
    case Problem::kBadHost:
    case Problem::kBadContentLength:
    case Problem::kConflictingLength:
    case Problem::kBadTransferEncoding:
    case Problem::kBadChunk:
    case Problem::kTruncated:
    case Problem::kBadUpgrade:
      return 400;
  }
  return 400;
}

}  // namespace giliran::wire::http1
