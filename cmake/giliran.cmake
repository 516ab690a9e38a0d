# What every target of ours is compiled with, and one function per kind of target.

add_library(giliran_flags INTERFACE)
target_include_directories(giliran_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(giliran_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wswitch -Werror -fno-omit-frame-pointer)
target_compile_definitions(giliran_flags INTERFACE GILIRAN_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # libstdc++ 12 sorts stably with what it has marked deprecated itself; g++ still looks at ours.
  target_compile_options(giliran_flags INTERFACE -Wno-deprecated-declarations)
endif()
if(GILIRAN_SANITIZE)
  target_compile_options(giliran_flags INTERFACE -fsanitize=${GILIRAN_SANITIZE} -g1
    -fno-sanitize-recover=all)
  target_link_options(giliran_flags INTERFACE -fsanitize=${GILIRAN_SANITIZE})
endif()

if(GILIRAN_FUZZERS)
  target_compile_options(giliran_flags INTERFACE -fsanitize=fuzzer-no-link)  # coverage guides them
endif()

# With GILIRAN_PCH, what most files include is parsed once for all libraries and once for all tests.
# A file includes what it uses all the same, which builds without it prove.
function(giliran_precompile name)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.cc "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cc)
  target_precompile_headers(${name} PRIVATE <algorithm> <array> <atomic> <expected>
    <functional> <map> <memory> <optional> <set> <span> <string> <string_view> <vector>
    <fmt/format.h> ${ARGN})
  target_link_libraries(${name} PRIVATE giliran_flags fmt::fmt)
endfunction()

if(GILIRAN_PCH)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 forgets that a precompiled header was a system's, and tells its false alarms about it.
    target_compile_options(giliran_flags INTERFACE -Wno-array-bounds -Wno-maybe-uninitialized
      -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  giliran_precompile(giliran_headers)
  giliran_precompile(giliran_test_headers <gmock/gmock.h> <gtest/gtest.h>)
  target_link_libraries(giliran_test_headers PRIVATE GTest::gmock)
  target_compile_options(giliran_test_headers PRIVATE -O0)
endif()

function(giliran_use_headers target headers)
  if(GILIRAN_PCH)
    target_precompile_headers(${target} REUSE_FROM ${headers})
  endif()
endfunction()

function(giliran_split_uses out)
  set(libs "")
  foreach(use IN LISTS ARGN)
    if(use MATCHES "::")
      list(APPEND libs ${use})
    else()
      list(APPEND libs giliran_${use})
    endif()
  endforeach()
  set(${out} ${libs} PARENT_SCOPE)
endfunction()

# giliran_folder(NAME USES libs...): src/NAME/**.cc is a library, its *_test.cc one test program,
# each *_fuzz.cc a fuzzer and each *_bench.cc a benchmark; *_canary.cc is for a test of its own.
function(giliran_folder name)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  giliran_split_uses(libs ${ARG_USES})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz|_bench|_canary|/main)\\.cc$")
  if(sources)
    add_library(giliran_${name} STATIC ${sources})
    target_link_libraries(giliran_${name} PUBLIC giliran_flags ${libs})
    if(GILIRAN_SANITIZE AND name MATCHES "^(base|net)$")
      # Everything runs on these, in virtual time mostly: a little speed here is half of it there.
      target_compile_options(giliran_${name} PRIVATE -O1)
    else()
      giliran_use_headers(giliran_${name} giliran_headers)
    endif()
  else()
    add_library(giliran_${name} INTERFACE)
    target_link_libraries(giliran_${name} INTERFACE giliran_flags ${libs})
  endif()
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(tests)
    add_executable(${name}_test ${tests})
    # Compiling tests is most of a build, and optimising them half of that; what they test is
    # optimised.
    target_compile_options(${name}_test PRIVATE -O0)
    target_link_libraries(${name}_test PRIVATE giliran_${name} ${GILIRAN_TEST_LIBS_${name}}
      GTest::gmock GTest::gtest_main)
    giliran_use_headers(${name}_test giliran_test_headers)
    add_test(NAME ${name} COMMAND ${name}_test)
  endif()
  if(GILIRAN_FUZZERS)
    set(fuzzers ${all})
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
    foreach(file IN LISTS fuzzers)
      get_filename_component(fuzz ${file} NAME_WE)
      add_executable(${fuzz} ${file})
      target_compile_options(${fuzz} PRIVATE -fsanitize=fuzzer)
      target_link_options(${fuzz} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${fuzz} PRIVATE giliran_${name})
    endforeach()
  endif()
  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  foreach(file IN LISTS benches)
    find_package(benchmark REQUIRED)
    get_filename_component(bench ${file} NAME_WE)
    add_executable(${bench} EXCLUDE_FROM_ALL ${file})
    target_link_libraries(${bench} PRIVATE giliran_${name} benchmark::benchmark_main)
  endforeach()
endfunction()

# giliran_program(NAME MAIN.cc uses...): the program, where its main exists.
function(giliran_program name main)
  giliran_split_uses(libs ${ARGN})
  if(EXISTS ${CMAKE_SOURCE_DIR}/${main})
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE ${libs})
  endif()
endfunction()
