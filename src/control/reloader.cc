#include "control/reloader.h"

#include <memory>
#include <system_error>

namespace giliran::control {

Reloader::~Reloader() {
  if (thread_.joinable()) thread_.join();
}

void Reloader::ask() {
  if (busy()) {
    again_ = true;
  } else {
    start();
  }
}

void Reloader::start() {
  try {
    thread_ = std::thread([this] {
      auto plan = std::make_shared<base::Result<Plan>>(read_());
      io_.post([this, plan = std::move(plan)] { finished(std::move(*plan)); });
    });
  } catch (const std::system_error& error) {
    done_(base::fail(error.what(), error.code().value()));
  }
}

void Reloader::finished(base::Result<Plan> plan) {
  thread_.join();
  done_(std::move(plan));
  if (std::exchange(again_, false)) start();
}

}  // namespace giliran::control
