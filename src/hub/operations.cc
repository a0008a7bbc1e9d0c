#include "hub/operations.h"

#include <algorithm>
#include <array>

#include "hub/folder_operations.h"
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
    {op::kMakeFolder, Right::kChange, make_folder},
    {op::kLink, Right::kChange, make_link},
    {op::kMove, Right::kChange, move},
    {op::kRemove, Right::kChange, remove},
    {op::kRestore, Right::kChange, restore},
    {op::kProbe, Right::kConnect, probe},
}};

}  // namespace

const Operation* find_operation(std::string_view name) {
  const auto* const found = std::ranges::find(kTable, name, &Operation::name);
  return found == kTable.end() ? nullptr : found;
}

}  // namespace skein::hub
