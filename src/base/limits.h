// Every limit, in one place: first those that the protocol specifies (docs/protocol.md states the
// same numbers, and a test compares them), then those that are this program's own choice.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skein::spec {

inline constexpr std::size_t kMaxDictionaryBytes = 64 * 1024;
inline constexpr std::size_t kMaxPayloadBytes = 4 * 1024 * 1024;
// What every JSON reader keeps exact: 2^53.
inline constexpr std::int64_t kMaxInteger = 9'007'199'254'740'992;
inline constexpr int kMaxJsonDepth = 32;
// Of one connection: requests without their last answer; puts and gets.
inline constexpr std::size_t kMaxOpenIds = 64;
inline constexpr std::size_t kMaxOpenTransfers = 64;
inline constexpr std::size_t kMaxBlockBytes = 4 * 1024 * 1024;
// Of packs: the files of one, or of a list; the list itself; the bytes of all files that are
// fetched at once, which leaves a payload room for heads and lines.
inline constexpr std::size_t kMaxPackedFiles = 256;
inline constexpr std::size_t kMaxHeadsBytes = 64 * 1024;
inline constexpr std::size_t kMaxFetchedBytes = kMaxPayloadBytes - 512 * 1024;
inline constexpr std::size_t kMaxPathBytes = 4095;  // what the system takes, PATH_MAX
inline constexpr std::size_t kMaxComponentBytes = 255;
inline constexpr std::size_t kMaxNameBytes = 64;  // of a client, a device, a source
inline constexpr std::int64_t kPingAfterMs = 20'000;
inline constexpr std::int64_t kDeadAfterMs = 60'000;
// Of probes: the payload of an answer; how many datagrams one pull may ask for, and how long each
// may be; how long a cookie is good at least.
inline constexpr std::size_t kMaxBackBytes = 1024 * 1024;
inline constexpr std::size_t kMaxPull = 32;
inline constexpr std::size_t kMaxPulledBytes = 1472;
inline constexpr std::int64_t kCookieMs = 60'000;
// Of messages: text, a room's topic, what is searched for; how many one answer of `log` or `search`
// has at most.
inline constexpr std::size_t kMaxMessageBytes = 16 * 1024;
inline constexpr std::size_t kMaxTopicBytes = 256;
inline constexpr std::size_t kMaxSearchBytes = 256;
inline constexpr std::size_t kMaxMessagesInAnswer = 1000;
// Of HTTP: a request's line and fields.
inline constexpr std::size_t kMaxHttpHeadBytes = 16 * 1024;
// A stream of events says at least so often that it is alive.
inline constexpr std::int64_t kHeartbeatMs = 15'000;

}  // namespace skein::spec

namespace skein::limits {

// the hub
inline constexpr std::size_t kMaxConnections = 10'000;
inline constexpr std::size_t kDescriptorsForFiles = 512;  // of those that the system allows
inline constexpr std::int64_t kFrameTimeoutMs = 30'000;   // a dictionary, first byte to last
inline constexpr std::int64_t kStallTimeoutMs = 60'000;   // of a payload or answer
inline constexpr std::size_t kLoggedRefusals = 100;       // of one connection
inline constexpr std::int64_t kDrainMs = 10'000;
inline constexpr std::int64_t kTidyEveryMs = 600'000;  // expires partials and trash
inline constexpr int kListenBacklog = 4096;
inline constexpr std::size_t kReceiveBufferBytes = 256 * 1024;
inline constexpr std::size_t kSmallReceiveBufferBytes = 16 * 1024;  // where no file is coming
inline constexpr std::size_t kListBatchBytes = 64 * 1024;           // of one answer's part
inline constexpr std::size_t kPoolThreads = 4;
inline constexpr std::size_t kPoolQueue = 1024;  // jobs that wait; more wait where they are

// files
inline constexpr std::size_t kSmallBlockBytes = 1024 * 1024;
// From here on a file has large blocks.
inline constexpr std::uint64_t kLargeFileBytes = 16ULL * 1024 * 1024 * 1024;
inline constexpr std::uint64_t kSmallFileBytes = 256 * 1024;  // up to here it goes in a pack
inline constexpr std::size_t kPacksInFlight = 4;              // of one connection; more wait
inline constexpr std::int64_t kKeepTrashMs = 7LL * 24 * 3600 * 1000;
inline constexpr std::uint64_t kTrashDiskShare = 10;  // trash holds at most 1/10 of the disk
inline constexpr std::int64_t kKeepPartialsMs = 7LL * 24 * 3600 * 1000;
// Those that nobody can resume; untouched for so long, another program does not receive them.
inline constexpr std::int64_t kKeepUnresumableMs = 3600 * 1000;

// messages
inline constexpr std::int64_t kMessagesPerSecond = 20;  // of one member, for long
inline constexpr std::int64_t kMessagesAtOnce = 100;    // and for a moment
// Of all who are at one address together, a family or what a router hides.
inline constexpr std::int64_t kAddressMessagesPerSecond = 10 * kMessagesPerSecond;
inline constexpr std::int64_t kAddressMessagesAtOnce = 10 * kMessagesAtOnce;
inline constexpr std::size_t kMaxAddresses = 4096;  // that are remembered for it
// What cannot be written now may be said again after so long.
inline constexpr std::int64_t kBusyRetryMs = 100;
inline constexpr std::size_t kMessagesInPage = 100;         // unless another number is asked for
inline constexpr std::size_t kMaxWaitingMessages = 4096;    // said, and not on disk yet
inline constexpr std::size_t kMaxMessagesInGroup = 512;     // written with one sync
inline constexpr int kCheckpointPages = 8000;               // of the write-ahead log, 4 KiB each
inline constexpr std::size_t kFeedBytes = 4 * 1024 * 1024;  // of the newest messages, in memory
inline constexpr std::size_t kWokenAtOnce = 64;             // followers, before others' turn
inline constexpr std::size_t kMaxGuests = 1000;             // by datagrams
inline constexpr std::int64_t kGuestRepliesPerSecond = 5;   // more come later
inline constexpr std::size_t kGuestInbox = 64;  // datagrams of one that wait for their turn
inline constexpr std::size_t kGuestInboxBytes = 32 * 1024;
inline constexpr std::size_t kGuestWaiting = 100;      // messages for one that does not ask
inline constexpr std::size_t kGuestReplyBytes = 1024;  // what the tutorial's client reads at most
// Who came or went is told when it has stayed so, together with others, and not of those who come
// back to a hub that has just begun.
inline constexpr std::int64_t kPresenceSettleMs = 3'000;
inline constexpr std::int64_t kPresenceEveryMs = 1'000;
inline constexpr std::int64_t kPresenceQuietMs = 5'000;
inline constexpr std::size_t kPresenceKept = 100;  // of what was told, for who reads slowly
inline constexpr std::size_t kMaxRooms = 1000;
inline constexpr std::size_t kMaxJoinedRooms = 100;

// HTTP
inline constexpr std::size_t kMaxHttpRequestLineBytes = 8 * 1024;
inline constexpr std::size_t kMaxHttpFields = 100;  // of the head, and of the trailers behind it
inline constexpr std::size_t kMaxHttpChunkLineBytes = 256;  // a chunk's size and its extensions
inline constexpr std::int64_t kHttpIdleMs = 60'000;         // from an answer to the next request
// A body that nobody wants is read up to here, so that the connection can be kept.
inline constexpr std::uint64_t kSkippedBodyBytes = 64 * 1024;
// A message as JSON, where each byte of its text may have been escaped (six for one).
inline constexpr std::size_t kMaxJsonBodyBytes = 8 * spec::kMaxMessageBytes;
inline constexpr std::int64_t kEventsRetryMs = 1'000;  // until a browser calls again

// the client
inline constexpr std::int64_t kRetryForMs = 30'000;  // without progress
inline constexpr std::int64_t kFirstRetryMs = 100;   // doubled each time, with jitter
inline constexpr std::int64_t kLastRetryMs = 2'000;
inline constexpr std::int64_t kDialTimeoutMs = 10'000;
inline constexpr std::size_t kBlocksInFlight = 8;
inline constexpr int kBlockAttempts = 5;  // of one block whose digest did not match
inline constexpr int kMaxFolderDepth = 512;

}  // namespace skein::limits
