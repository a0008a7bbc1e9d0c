#include "hub/operations.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "hub/chat_operations.h"
#include "hub/folder_operations.h"
#include "hub/pack_operations.h"
#include "hub/probes.h"
#include "hub/transfer_operations.h"
#include "wire/protocol.h"

namespace skein::hub {

namespace {

using auth::Right;
namespace op = wire::op;

constexpr std::array<Operation, wire::kOperations.size()> kTable = {{
    {op::kHello, Right::kConnect, nullptr},
    {op::kPing, Right::kConnect, nullptr},
    {op::kCancel, Right::kConnect, nullptr},
    {op::kList, Right::kRead, list},
    {op::kPut, Right::kAdd, open_put},
    {op::kBlock, Right::kAdd, nullptr},
    {op::kCommit, Right::kAdd, commit_put},
    {op::kGet, Right::kRead, open_get},
    {op::kRead, Right::kRead, read_block},
    {op::kClose, Right::kConnect, close_handle},
    {op::kMissing, Right::kAdd, find_missing, spec::kMaxHeadsBytes},
    {op::kPack, Right::kAdd, commit_pack, spec::kMaxPayloadBytes},
    {op::kFetch, Right::kRead, fetch_files, spec::kMaxHeadsBytes},
    {op::kMakeFolder, Right::kChange, make_folder},
    {op::kLink, Right::kChange, make_link},
    {op::kMove, Right::kChange, move},
    {op::kRemove, Right::kChange, remove},
    {op::kRestore, Right::kChange, restore},
    {op::kProbe, Right::kConnect, probe},
    {op::kSay, Right::kTalk, say, spec::kMaxMessageBytes},
    {op::kLog, Right::kListen, read_log},
    {op::kFollow, Right::kListen, follow, 0, true},
    {op::kSearch, Right::kListen, search},
    {op::kRooms, Right::kListen, list_rooms},
    {op::kJoin, Right::kTalk, join_room},
    {op::kLeave, Right::kTalk, leave_room},
    {op::kTopic, Right::kTalk, set_topic},
    {op::kSeen, Right::kListen, set_read},
    {op::kWho, Right::kListen, who},
    {op::kName, Right::kTalk, rename_member},
}};

}  // namespace

const Operation* find_operation(std::string_view name) {
  const auto* const found = std::ranges::find(kTable, name, &Operation::name);
  return found == kTable.end() ? nullptr : found;
}

}  // namespace skein::hub
