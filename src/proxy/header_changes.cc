#include "proxy/header_changes.h"

#include <algorithm>

#include "base/text.h"
#include "wire/http1/writer.h"

namespace giliran::proxy {
namespace {

using config::HeaderChange;

// Takes out all of that name; the index of the first, or of the end.
uint32_t remove(std::string_view name, FieldList& fields) {
  const auto named = [name](const conn::Field& field) {
    return base::equals_ignoring_case(field.name, name);
  };
  const auto begin = fields.items.begin();
  const auto end = begin + fields.count;
  const auto first = std::find_if(begin, end, named);
  fields.count = static_cast<uint32_t>(std::remove_if(first, end, named) - begin);
  return static_cast<uint32_t>(first - begin);
}

void set(const HeaderChange& change, FieldList& fields) {
  const uint32_t at = remove(change.name, fields);
  fields.add(change.name, change.value);
  const auto begin = fields.items.begin();
  std::rotate(begin + at, begin + fields.count - 1, begin + fields.count);
}

}  // namespace

bool may_change(std::string_view name) {
  using wire::http1::Name;
  const conn::Field field{.name = name, .value = {}, .id = wire::http1::name_of(name)};
  return field.id != Name::kContentLength && field.id != Name::kTransferEncoding &&
         field.id != Name::kTrailer && !wire::http1::is_hop_by_hop(field);
}

void apply_changes(std::span<const HeaderChange> changes, FieldList& fields) {
  GILIRAN_ASSERT(changes.size() <= config::kHeaderChangesMax);
  for (const HeaderChange& change : changes) {
    if (!may_change(change.name)) continue;
    switch (change.kind) {
      case HeaderChange::Kind::kSet:
        set(change, fields);
        break;
      case HeaderChange::Kind::kAdd:
        fields.add(change.name, change.value);
        break;
      case HeaderChange::Kind::kRemove:
        remove(change.name, fields);
        break;
    }
  }
}

void apply_to_trailers(std::span<const HeaderChange> changes, FieldList& trailers) {
  for (const HeaderChange& change : changes) {
    if (change.kind != HeaderChange::Kind::kAdd) remove(change.name, trailers);
  }
}

}  // namespace giliran::proxy
