// A hub's process and its disk: the real sessions and the real store. It dies when its disk
// crashes, or when told to, and begins again.
#pragma once

#include <memory>
#include <optional>

#include "chat/fake_log.h"
#include "hub/chat.h"
#include "hub/context.h"
#include "network.h"
#include "shelf.h"
#include "socketserver/sync.h"
#include "store/store.h"

namespace skein::simulate {

// Small, so that small files have many.
inline constexpr std::uint32_t kBlockBytes = 256;

class SilentLog final : public Log {
 public:
  explicit SilentLog(Trace& trace) : trace_(trace) {}
  void write(LogLevel level, std::string_view line) override {
    if (level >= LogLevel::kWarning) trace_.note("hub's log", line);
  }

 private:
  Trace& trace_;
};

class SimulatedHub {
 public:
  SimulatedHub(Machine& machine, Network& network, const Versions& versions);

  // Until end() is called.
  socketserver::Task<void> live();
  // At once; nothing of what it does from here on has any effect.
  void die(bool reboot);
  void end();
  [[nodiscard]] bool alive() const { return alive_; }

  // After each job of the pool.
  void look();

  Shelf shelf;
  std::function<void()> on_start;  // it has begun anew
  bool reboot_at_crash = false;
  std::uint64_t deaths = 0;
  std::uint64_t reboots = 0;

 private:
  socketserver::Task<void> serve(std::unique_ptr<socketserver::Stream> stream);
  socketserver::Task<void> tidy();
  bool open();

  Machine& machine_;
  Network& network_;
  SilentLog log_;
  chat::FakeLog rooms_;
  hub::Chat chat_;
  std::unique_ptr<store::Store> store_;
  std::optional<hub::Context> context_;
  std::unique_ptr<socketserver::Gate> sessions_;
  socketserver::Event died_;
  bool alive_ = false;
  bool reboot_ = false;
  bool ending_ = false;
};

}  // namespace skein::simulate
