#include "hub/front_page.h"

#include <string>
#include <utility>

#include "base/text.h"

namespace skein::hub {

socketserver::Task<Result<void>> get_front_page(Context& context, Exchange& exchange) {
  const std::string here = exchange.here().text();
  http::Response head;
  head.fields = {{"Content-Type", "text/plain; charset=utf-8"}};
  std::string text = concat("This is the Skein hub \"", escaped(context.name), "\".\n\n",         //
                            "rooms   curl 'http://", here, "/rooms'\n",                           //
                            "read    curl 'http://", here, "/rooms/lobby'\n",                     //
                            "talk    curl -d 'hello' 'http://", here, "/rooms/lobby?name=me'\n",  //
                            "listen  curl -N 'http://", here, "/events'\n\n",                     //
                            "Files: the program skein. docs/protocol.md tells the rest.\n");
  auto answered = co_await exchange.answer(std::move(head), std::move(text));
  co_return answered;
}

}  // namespace skein::hub
