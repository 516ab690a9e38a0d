// Whether a route leaves anything to one behind it.
#pragma once

#include "config/coordinator.h"

namespace giliran::config {

// Whether every request that `route` matches is matched by `earlier`. Sure where it says yes.
bool covers(const Route& earlier, const Route& route);

}  // namespace giliran::config
