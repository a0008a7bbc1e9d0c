// Who may ask at all, before anything is done: a browser carries any website's requests to any
// address, so a hub that trusts its own machine must tell its own page from a stranger's. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "http/request.h"

namespace skein::http {

// For a hub that is open to its own machine alone. kRefused, with what was wrong:
// - Host is not a loopback name or address ("localhost", 127.0.0.0/8, [::1]; any port): a name that
//   an attacker's DNS points here (rebinding). An HTTP/1.0 request without Host is one from no
//   browser.
// - a header that a proxy adds (Forwarded, X-Forwarded-*, X-Real-IP, Via): then the peer's address
//   says nothing about who asks.
// - Origin is there and is not http://HOST, or Sec-Fetch-Site says that another site asks. For
//   every method: a GET tells secrets too. Who types the address in may (Sec-Fetch-Site: none), and
//   who follows a link in a tab of their own: a navigation's answer is not for the site it is from.
//   Origin "null" may not. As our answers allow no referrer, a form of our own page would say that
//   too: a page asks by fetch().
[[nodiscard]] Result<void> check_local(const Request& request);

}  // namespace skein::http
