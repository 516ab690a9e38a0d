// Turns dist/page.js and dist/page.css into dist/page_assets.cc (src/web/assets.h).
import {createHash} from "node:crypto";
import {readFileSync, writeFileSync} from "node:fs";

const PART = 12000;  // bytes of one literal, well below what compilers promise to take

function literal(text) {
  const parts = [];
  for (let at = 0; at < text.length; at += PART) parts.push(text.slice(at, at + PART));
  return parts.map((part) => `R"giliran(${part})giliran"`).join("\n    ");
}

function check(name, text, banned) {
  for (const what of [...banned, ")giliran\"", "\r"]) {
    if (text.includes(what)) throw new Error(`${name} contains ${JSON.stringify(what)}`);
  }
  const address = text.match(/https?:\/\/(?!www\.w3\.org\/)\S{0,40}/);
  if (address) throw new Error(`${name} names an address: ${address[0]}`);
}

const uplot = readFileSync("node_modules/uplot/LICENSE", "utf8").trim();
const notice = `/* uPlot:\n${uplot.replaceAll("*/", "* /")}\n*/\n`;
const script = notice + readFileSync("dist/page.js", "utf8").trim();
const style = readFileSync("dist/page.css", "utf8").trim();
check("the script", script, ["</script", "<!--"]);
check("the style", style, ["</style", "@import", "url("]);
const sha256 = createHash("sha256").update(script, "utf8").digest("base64");

writeFileSync(
    "dist/page_assets.cc",
    `// Generated from web/ by web/embed.mjs.
#include "web/assets.h"

namespace giliran::web {

const std::string_view kPageScript =
    ${literal(script)};
const std::string_view kPageScriptSha256 = "${sha256}";
const std::string_view kPageStyle =
    ${literal(style)};

}  // namespace giliran::web
`,
);
console.log(`page: ${script.length} bytes of script, ${style.length} of style`);
