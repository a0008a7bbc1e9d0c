// The name of a type as the programmer wrote it. Any thread.
#pragma once

#include <string>
#include <typeinfo>

namespace socketserver {

// "socketserver::TimeoutError" for typeid(*error).
std::string type_name(const std::type_info& type);

}  // namespace socketserver
