// The words of the protocol: version, operations, fields, error codes. docs/protocol.md lists the
// same, and protocol_test.cc compares the two.
#pragma once

#include <array>
#include <string_view>

#include "base/error.h"

namespace skein::wire {

inline constexpr int kVersion = 1;

namespace op {
inline constexpr std::string_view kHello = "hello";
inline constexpr std::string_view kPing = "ping";
inline constexpr std::string_view kCancel = "cancel";
inline constexpr std::string_view kList = "ls";
inline constexpr std::string_view kPut = "put";
inline constexpr std::string_view kBlock = "block";
inline constexpr std::string_view kCommit = "commit";
inline constexpr std::string_view kGet = "get";
inline constexpr std::string_view kRead = "read";
inline constexpr std::string_view kClose = "close";
inline constexpr std::string_view kMissing = "missing";
inline constexpr std::string_view kPack = "pack";
inline constexpr std::string_view kFetch = "fetch";
inline constexpr std::string_view kMakeFolder = "mkdir";
inline constexpr std::string_view kLink = "link";
inline constexpr std::string_view kMove = "mv";
inline constexpr std::string_view kRemove = "rm";
inline constexpr std::string_view kRestore = "restore";
inline constexpr std::string_view kProbe = "probe";
inline constexpr std::string_view kSay = "say";
inline constexpr std::string_view kLog = "log";
inline constexpr std::string_view kFollow = "follow";
inline constexpr std::string_view kSearch = "search";
inline constexpr std::string_view kRooms = "rooms";
inline constexpr std::string_view kJoin = "join";
inline constexpr std::string_view kLeave = "leave";
inline constexpr std::string_view kTopic = "topic";
inline constexpr std::string_view kSeen = "seen";
inline constexpr std::string_view kWho = "who";
inline constexpr std::string_view kName = "name";
}  // namespace op

inline constexpr std::array kOperations = {
    op::kHello,  op::kPing,       op::kCancel, op::kList,   op::kPut,     op::kBlock,
    op::kCommit, op::kGet,        op::kRead,   op::kClose,  op::kMissing, op::kPack,
    op::kFetch,  op::kMakeFolder, op::kLink,   op::kMove,   op::kRemove,  op::kRestore,
    op::kProbe,  op::kSay,        op::kLog,    op::kFollow, op::kSearch,  op::kRooms,
    op::kJoin,   op::kLeave,      op::kTopic,  op::kSeen,   op::kWho,     op::kName};

namespace field {
// every frame
inline constexpr std::string_view kOp = "op";
inline constexpr std::string_view kId =
    "id";  // 1 to 2^53, chosen by the client, repeated in answers
inline constexpr std::string_view kSize = "size";  // payload bytes that follow
// every answer
inline constexpr std::string_view kOk = "ok";
inline constexpr std::string_view kError = "error";      // one of kErrorCodes
inline constexpr std::string_view kMessage = "message";  // for a person
inline constexpr std::string_view kHint = "hint";        // what the person may do
inline constexpr std::string_view kRetry = "retry_ms";   // when the same may be tried again
inline constexpr std::string_view kMore = "more";        // another part of this answer follows
// the tutorial's upload
inline constexpr std::string_view kFileName = "file_name";
inline constexpr std::string_view kFileSize = "file_size";
// hello
inline constexpr std::string_view kMin = "min";
inline constexpr std::string_view kMax = "max";
inline constexpr std::string_view kName = "name";
inline constexpr std::string_view kDevice = "device";
inline constexpr std::string_view kVersion = "version";
inline constexpr std::string_view kHub = "hub";
inline constexpr std::string_view kMember = "member";
inline constexpr std::string_view kFeatures = "features";
// files
inline constexpr std::string_view kPath = "path";
inline constexpr std::string_view kTo = "to";
inline constexpr std::string_view kKind = "kind";          // file, folder, link, other
inline constexpr std::string_view kTotal = "total";        // bytes of the whole file
inline constexpr std::string_view kModified = "mtime_ns";  // as text: nanoseconds exceed 2^53
inline constexpr std::string_view kMode = "mode";          // permission bits, 0 to 511
inline constexpr std::string_view kTarget = "target";      // of a link; of a cancel
inline constexpr std::string_view kSource = "source";  // who is being sent, as the sender knows it
inline constexpr std::string_view kUnlessSame = "unless_same";
inline constexpr std::string_view kSame = "same";
inline constexpr std::string_view kUnnamed = "unnamed";  // shown escaped: no operation can reach it
inline constexpr std::string_view kHandle = "handle";    // of an open put or get
inline constexpr std::string_view kBlockSize = "block_size";
inline constexpr std::string_view kSeed = "seed";    // 16 hexadecimal digits
inline constexpr std::string_view kBlock = "block";  // index, from 0
inline constexpr std::string_view kDigest =
    "digest";  // XXH3-128 with the seed, 32 hexadecimal digits
inline constexpr std::string_view kGeneration = "generation";
inline constexpr std::string_view kDurable = "durable";
inline constexpr std::string_view kVerified = "verified";  // digest, length
inline constexpr std::string_view kReplaced = "replaced";
inline constexpr std::string_view kIndex = "index";  // of a file in a list, from 0
inline constexpr std::string_view kLines = "lines";  // bytes of a payload that are lines
// probe
inline constexpr std::string_view kBack = "back";  // payload bytes that the answer shall have
// messages
inline constexpr std::string_view kRoom = "room";      // its name, or "@NAME": direct messages
inline constexpr std::string_view kCid = "cid";        // 32 hexadecimal digits, the sender's
inline constexpr std::string_view kFile = "file";      // a path that a message offers
inline constexpr std::string_view kSeq = "seq";        // of a message in its room
inline constexpr std::string_view kNumber = "number";  // of a message over all rooms
inline constexpr std::string_view kRepeated = "repeated";
inline constexpr std::string_view kAfter = "after";
inline constexpr std::string_view kBefore = "before";
inline constexpr std::string_view kLimit = "limit";
inline constexpr std::string_view kWords = "words";
inline constexpr std::string_view kFrom = "from";
inline constexpr std::string_view kTs = "ts";  // milliseconds since 1970, the hub's clock
inline constexpr std::string_view kText = "text";
inline constexpr std::string_view kTopic = "topic";
inline constexpr std::string_view kLastSeq = "last_seq";
inline constexpr std::string_view kReadSeq = "read_seq";
inline constexpr std::string_view kJoined = "joined";
inline constexpr std::string_view kPresence = "presence";
inline constexpr std::string_view kOnline = "online";
inline constexpr std::string_view kMissed = "missed";
}  // namespace field

inline constexpr std::array kErrorCodes = {
    kBadFrame,    kBadRequest, kBadName,        kUnknownOperation, skein::kVersion,
    kRefused,     kNotFound,   kExists,         kNotAFolder,       kIsAFolder,
    kNotAFile,    kChanged,    kDigestMismatch, kSuperseded,       kIncomplete,
    kNoSpace,     kReadOnly,   kTooLarge,       kTooMany,          kBusy,
    kUnsupported, kIo,         kTimeout,        kCancelled,        kInternal};

// The kind that stands behind a code from a peer; kIo for one that this version does not know.
[[nodiscard]] ErrorKind kind_of_code(std::string_view code);

}  // namespace skein::wire
