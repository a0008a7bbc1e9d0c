#include "hub.h"

#include <utility>

#include "base/text.h"
#include "hub/session.h"

namespace skein::simulate {

using socketserver::Task;

SimulatedHub::SimulatedHub(Machine& machine, Network& network, const Versions& versions)
    : shelf("hub", versions, machine.trace),
      machine_(machine),
      network_(network),
      log_(machine.trace),
      chat_(*machine.loop, machine.pool, rooms_, rooms_) {}

bool SimulatedHub::open() {
  auto store = store::Store::open(shelf.disk, machine_.clock, machine_.dice.random(),
                                  {.block_bytes = kBlockBytes});
  if (!store) {
    machine_.trace.note("hub", "cannot begin:", store.error().text());
    return false;
  }
  store_ = *std::move(store);
  context_.emplace(hub::Context{*machine_.loop, machine_.pool, *store_, chat_, log_, "ada"});
  return true;
}

Task<void> SimulatedHub::live() {
  static_cast<void>(chat_.begin().has_value());
  while (!ending_) {
    const bool opened = open();
    died_.reset();
    alive_ = true;  // while it cannot begin, too: its disk may crash
    sessions_ = std::make_unique<socketserver::Gate>();
    if (opened) {
      machine_.trace.note("hub", "begins");
      network_.answer = [this](std::unique_ptr<socketserver::Stream> stream) {
        sessions_->spawn(*machine_.loop, serve(std::move(stream)));
      };
      sessions_->spawn(*machine_.loop, tidy());
      if (on_start) on_start();
    } else {
      die(shelf.disk.crashed() && reboot_at_crash);
    }
    co_await died_.wait();
    co_await sessions_->close();
    context_.reset();
    store_.reset();
    if (ending_) break;
    if (reboot_) {
      ++reboots;
      shelf.disk.power_cycle(&machine_.dice.random());
      shelf.broken = false;
    } else {
      shelf.disk.kill();
    }
    const auto seen = shelf.picture(nullptr);
    shelf.check(*seen, "after its death");
    const auto pause_ms = static_cast<std::int64_t>(machine_.dice.between(1, 3000));
    co_await machine_.loop->sleep_ms(pause_ms);
  }
  co_await chat_.close();
}

Task<void> SimulatedHub::serve(std::unique_ptr<socketserver::Stream> stream) {
  hub::Session session(*context_, std::move(stream));
  co_await session.run();
}

Task<void> SimulatedHub::tidy() {
  auto job = [this] { return store_->purge(); };
  auto purged = co_await machine_.pool.run(*machine_.loop, job);
  if (!purged) machine_.trace.note("hub", "tidying up:", purged.error().text());
}

void SimulatedHub::die(bool reboot) {
  if (!std::exchange(alive_, false)) return;
  ++deaths;
  reboot = reboot || shelf.broken;
  reboot_ = reboot;
  machine_.trace.note("hub", reboot ? "loses power" : "is killed");
  if (!shelf.disk.crashed()) shelf.disk.crash_at(shelf.disk.steps() + 1);
  network_.answer = nullptr;
  network_.hub_died();
  died_.set();
}

void SimulatedHub::end() {
  ending_ = true;
  alive_ = false;
  network_.answer = nullptr;
  died_.set();
}

void SimulatedHub::look() {
  if (alive_ && shelf.disk.crashed()) die(reboot_at_crash);
}

}  // namespace skein::simulate
