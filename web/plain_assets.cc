// The script and style of pages where npm and Vite could not make those of web/src: no plots, all
// numbers. Checked in, hash and all, because it must come without any tool.
#include "web/assets.h"

namespace giliran::web {

const std::string_view kPageScript = R"giliran("use strict";
// What a page shows that was built without npm: its numbers as text, and how to have them drawn.
const main = document.getElementById("page");
const add = (tag, text) => {
  const element = document.createElement(tag);
  element.textContent = text;
  main.append(element);
};
add("h1", document.title);
add("p", "This giliran was built where npm's registry could not be reached: its pages show their " +
    "numbers as text. Build it again with the registry in reach (./run build) to have them drawn; " +
    "this file's numbers stay the same.");
add("pre", JSON.stringify(JSON.parse(document.getElementById("data").textContent), null, 2));)giliran";
const std::string_view kPageScriptSha256 = "orGAXuZC5+Mv3ocLgDv2t2stw4Dgj3lgoq33GW5BSLE=";
const std::string_view kPageStyle =
    R"giliran(body { font: 16px/1.5 system-ui, sans-serif; margin: 2em; } pre { overflow-x: auto; })giliran";

}  // namespace giliran::web
