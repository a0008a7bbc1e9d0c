// The network: connections in memory that do what real ones do at bad times. It understands the
// frames that pass, so that it can damage or repeat those that a digest guards, and check that
// nobody sends what the other side has said it holds.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "client/connection.h"
#include "machine.h"
#include "store/blocks.h"
#include "wire/frame.h"

namespace skein::simulate {

struct Trouble {  // what may happen to a connection, each drawn for every one of them; of 100
  std::uint64_t cut = 0;
  std::uint64_t stall = 0;
  std::uint64_t flip = 0;
  std::uint64_t repeat = 0;
};

class Wire;

class Network {
 public:
  explicit Network(Machine& machine) : machine_(machine) {}
  // What the hub does with a connection; none: nobody is there, and calls are refused.
  std::function<void(std::unique_ptr<socketserver::Stream>)> answer;
  Trouble trouble;

  // From now on what the hub's ends write is lost, and the clients find them reset.
  void hub_died();
  // The same of a client's ends, by the name that it called with.
  void client_died(const std::string& who);

  [[nodiscard]] std::unique_ptr<socketserver::Stream> call(const std::string& who);  // or nullptr

  Machine& machine() { return machine_; }
  // Of blocks that clients sent, whatever became of them.
  std::uint64_t block_bytes = 0;
  std::uint64_t cuts = 0;

 private:
  void forget_ended();
  Machine& machine_;
  std::list<std::shared_ptr<Wire>> wires_;
};

// One client's way to the hub.
class Line final : public client::Dialler {
 public:
  Line(Network& network, std::string who) : network_(network), who_(std::move(who)) {}
  socketserver::Task<Result<std::unique_ptr<socketserver::Stream>>> dial(
      socketserver::Endpoint endpoint, std::int64_t timeout_ms, socketserver::Event& stop) override;

 private:
  Network& network_;
  std::string who_;
};

}  // namespace skein::simulate
