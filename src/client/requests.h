// Requests of one question and one answer, asked again when the line is lost meanwhile. The
// loop's thread only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "client/link.h"
#include "socketserver/task.h"
#include "store/disk.h"
#include "store/path.h"
#include "transfer/fields.h"

namespace skein::client {

// Asks until an answer came, or the link has no more patience, or the hub says no. `retried`: an
// earlier try may have been carried out although no answer came.
struct Response {
  Result<Answer> answer;
  bool retried = false;
};
socketserver::Task<Response> ask(Link& link, wire::Dictionary request, std::string payload);

struct Listing {
  store::EntryKind kind = store::EntryKind::kFolder;  // of what was listed
  std::vector<transfer::ListedEntry> entries;         // sorted by name; of a file: itself
};

// The root is the shared folder.
socketserver::Task<Result<Listing>> list(Link& link, store::Path path);

// The rest is safe to repeat, so a lost answer is asked for again.
// True when it was there already, as far as is known.
socketserver::Task<Result<bool>> make_folder(Link& link, store::Path path,
                                             store::Metadata metadata);
socketserver::Task<Result<wire::Dictionary>> make_link(Link& link, store::Path path,
                                                       std::string target);
socketserver::Task<Result<void>> move(Link& link, store::Path from, store::Path to);
socketserver::Task<Result<void>> remove(Link& link, store::Path path);
// True when something stood there; it is in the trash now.
socketserver::Task<Result<bool>> restore(Link& link, store::Path path);

}  // namespace skein::client
