"""Every rule of tools/tidy fires on what it forbids, and is silent on what it allows."""
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAW = "base:\nnet: base\nwire: base\ncluster: base\ncli: *\n"
HEADER = "#pragma once\n"
# In two parts, so that the rule does not find them here.
HOME, SLASH = "/ho" + "me/someone", "/"


def tidy(root, files):
    for name, text in {"tools/layers.txt": LAW, "tools/shared_ptr.txt": "src/cluster/\n",
                       ".clang-format": "BasedOnStyle: Google\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    done = subprocess.run([sys.executable, ROOT / "tools/tidy", root], capture_output=True,
                          text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


# A file, what is in it, and what tidy must say about it.
BAD = [
    ("src/wire/a.cc", '#include "net/io.h"\n', "src/wire/a.cc:1: wire may not include net"),
    ("src/wire/deep/a.cc", '#include "net/io.h"\n', "wire may not include net"),
    ("src/nowhere/a.cc", "", "folder src/nowhere is not in it"),
    ("tools/layers.txt", "base: wire\nwire: base\n", "base includes itself in the end"),
    ("tools/layers.txt", "base: net\nnet: wire\nwire: base\n", "net includes itself in the end"),
    ("src/wire/a.cc", "auto t = std::chrono::steady_clock::now();\n", "read time through"),
    ("src/wire/a.cc", "auto t = clock_gettime(0, &s);\n", "read time through"),
    ("src/wire/a.cc", "int a = time(nullptr);\n", "read time through"),
    ("src/wire/a.cc", "void f() { usleep(3); }\n", "wait with a timer"),
    ("src/wire/a.cc", "void f() { sleep(3); }\n", "wait with a timer"),
    ("src/wire/a.cc", "void f() { std::this_thread::sleep_for(t); }\n", "wait with a timer"),
    ("src/wire/a.cc", "int s = ::socket(1, 2, 3);\n", "go through net::Io"),
    ("src/wire/a.cc", "int s = ::epoll_wait(1, 2, 3);\n", "go through net::Io"),
    ("src/wire/a.cc", "int s = ::getaddrinfo(1, 2, 3);\n", "go through net::Io"),
    ("src/wire/a.cc", "std::mt19937 engine;\n", "use base::Rng"),
    ("src/wire/a.cc", "std::random_device device;\n", "use base::Rng"),
    ("src/wire/a.cc", "int a = atoi(text);\n", "parse numbers with"),
    ("src/wire/a.cc", "int a = std::stoi(text);\n", "parse numbers with"),
    ("src/net/a.cc", "auto r = std::from_chars(a, b, c);\n", "parse numbers with"),
    ("src/wire/a.cc", "void f() { co_await g(); }\n", "no coroutines"),
    ("src/wire/a.cc", "using namespace std;\n", "name what you use"),
    ("src/wire/a.cc", "std::shared_ptr<int> a;\n", "own with unique_ptr"),
    ("src/wire/a.cc", "auto a = std::make_shared<int>(3);\n", "own with unique_ptr"),
    ("src/wire/a.h", "int a;\n", "a header without #pragma once"),
    ("src/wire/a.cc", "\n" * 601, "601 lines, at most 600"),
    ("src/wire/a.cc", "int a;  // " + "a" * 100 + "\n", "columns, at most 100"),
    ("src/wire/a_test.cc", "int a;  // " + "a" * 100 + "\n", "columns, at most 100"),
    ("src/wire/a.cc", "int a; \n", "a.cc:1: space at the end of the line"),
    ("src/wire/a.cc", f"// see {HOME}/x\n", "a path of one machine"),
    ("web/src/a.ts", "// " + "a" * 100 + "\n", "web/src/a.ts:1: 103 columns"),
    ("web/src/a.css", "a {\n}\n" * 301, "602 lines, at most 600"),
    ("web/src/a.ts", "a.innerHTML = b;\n", "make elements with h()"),
    ("web/src/a.ts", "fetch(a);\n", "works from its own data"),
    ("web/src/a.ts", "const a = new Image();\n", "works from its own data"),
    ("web/src/a.css", "/* https://example.org/ */\n", "a page names no address"),
    ("web/package.json", '{"dependencies": {"a": "^1.2.3"}}\n', "pin the exact version"),
    ("web/package-lock.json", '{\n"resolved": "a"\n}\n', "package-lock.json:2"),
    ("web/.npmrc", "registry=a\n", "a setting of the machine"),
    ("tests/a.py", "a = 1  # " + "a" * 100 + "\n", "tests/a.py:1: 109 columns"),
    ("tests/e2e/a.py", "a = 1 \n", "space at the end of the line"),
    ("bench/a.py", "a = 1 \n", "bench/a.py:1: space at the end of the line"),
    ("tests/a.py", "def f(:\n", "tests/a.py:1: no Python"),
    ("tools/more", "#!/usr/bin/python3\na = 1 \n", "tools/more:2: space at the end"),
    ("README.md", f"cd {HOME}/giliran\n", "README.md:1: a path of one machine"),
    ("docs/formats/a.md", "\nin " + SLASH + "work/main/x\n", "docs/formats/a.md:2: a path of one"),
    ("tests/a.py", f"a = '{HOME}/x'\n", "a path of one machine"),
    ("run", f"#!/usr/bin/env bash\ncd {HOME}/x\n", "run:2: a path of one machine"),
    ("run", "#!/usr/bin/env bash\nif true; then\n", "run:1: bash -n"),
    ("tools/thing", "#!/bin/sh\nfi\n", "tools/thing:1: bash -n"),
    (".ci/run", "#!/usr/bin/env bash\n(\n", ".ci/run:1: bash -n"),
]


@pytest.mark.parametrize("name,text,expected", BAD)
def test_a_rule_fires(tmp_path, name, text, expected):
    status, said = tidy(tmp_path, {name: text})
    assert expected in said
    assert status == 1


@pytest.mark.skipif(not shutil.which("clang-format-19"), reason="clang-format-19 is not installed")
def test_the_format_rule_fires(tmp_path):
    status, said = tidy(tmp_path, {"src/wire/a.cc": "int  a   ;\nint  b;\n"})
    assert (status, said) == (1, "src/wire/a.cc:1: not as clang-format-19 writes it: ./run fmt\n")


GOOD = [
    ("src/base/clock.cc", "auto t = std::chrono::steady_clock::now();\n"),
    ("src/net/a.cc", "int s = ::socket(1, 2, 3);\n"),
    ("src/base/rng.cc", "std::random_device device;\n"),
    ("src/base/parse.cc", "auto r = std::from_chars(a, b, c);\n"),
    ("src/cluster/a.cc", "std::shared_ptr<int> a;\n"),
    ("src/wire/a.cc", '#include "base/a.h"\n\n#include "wire/b.h"\n'),
    ("src/wire/a.cc", "int a = Loop::listen(3);\n"),
    ("src/wire/a_test.cc", '#include "net/io.h"\nint a = std::stoi(text);\n'),
    ("src/cli/a.cc", '#include "net/io.h"\n'),
    ("src/wire/a.cc", "// never call usleep(3) here\nconst char* a = \"usleep(3)\";\n"),
    ("src/wire/a.h", HEADER + "int a;\n"),
    ("web/src/a.ts", "const a = h(b, {}, text);\n"),
    ("web/package.json", '{"engines": {"node": ">=18"}, "dependencies": {"a": "1.2.3"}}\n'),
    ("web/package-lock.json", '{"engines": {"node": "^18"}}\n'),
    ("tests/a.py", "a = 1\n"),
    ("README.md", "see https://example.org/home/page and /usr/local/bin\n"),
    ("run", "#!/usr/bin/env bash\ntrue\n"),
]


@pytest.mark.parametrize("name,text", GOOD)
def test_no_rule_fires_on_what_is_allowed(tmp_path, name, text):
    assert tidy(tmp_path, {name: text}) == (0, "tidy: clean\n")


ENGLISH = ("# A\n\ntext\n\n## B\n\n- one\n- two\n\n```\n# no heading\n```\n\n| a |\n|---|\n"
           "![p](a.svg)\n")


def test_the_translated_readme_has_the_parts_of_the_english_one(tmp_path):
    same = ENGLISH.replace("text", "teks\nlagi").replace("B", "C").replace("![p]", "![q]")
    files = {"README.md": ENGLISH, "README.id.md": same}
    assert tidy(tmp_path, files) == (0, "tidy: clean\n")
    for less, said in ((same.replace("- two\n", ""), ":10: '```' where README.md has '-'"),
                       (same + "## D\n", ": '##' where README.md has the end"),
                       (same.replace("![q](a.svg)\n", ""), "has the image a.svg"),
                       (same.replace("## C", "C"), "README.md has '##'")):
        status, out = tidy(tmp_path, {**files, "README.id.md": less})
        assert status == 1 and said in out, out
