// From errors as values, inside, to the exceptions of the public face. Any thread.
#pragma once

#include "base/error.h"

namespace socketserver {

// Throws the public class that fits the kind and the system's code, with the message, the hint
// after a semicolon, and the place of the error.
[[noreturn]] void raise(const skein::Error& error);

}  // namespace socketserver
