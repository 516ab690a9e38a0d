# cmake -DNPM= -DFROM=web -DIN=BUILD/web -P web_build.cmake packages|page: the steps of web.cmake.
math(EXPR last "${CMAKE_ARGC} - 1")
set(step ${CMAKE_ARGV${last}})

function(run_or_explain advice)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${IN} RESULT_VARIABLE status
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(NOTICE "${output}\n${command} (in ${IN}) failed: ${status}")
    message(FATAL_ERROR "${advice}")
  endif()
endfunction()

if(step STREQUAL "packages")
  file(MAKE_DIRECTORY ${IN})
  file(COPY ${FROM}/package.json ${FROM}/package-lock.json ${FROM}/.npmrc DESTINATION ${IN})
  # No package's own install script is run: the ones used here need none.
  run_or_explain("npm fetches the packages of web/package-lock.json once per build directory: is \
the network up, and is npm's registry set as it should be (npm config get registry, npm ping)? \
Node.js must be 18 or newer. To build without npm: cmake -DGILIRAN_WEB_ASSETS=PATH, with the \
web/dist/page_assets.cc of a build directory that has it."
    ${NPM} ci --ignore-scripts --prefer-offline --no-progress)
  file(TOUCH ${IN}/packages.stamp)
elseif(step STREQUAL "page")
  file(REMOVE_RECURSE ${IN}/src)
  file(COPY ${FROM}/src ${FROM}/tsconfig.json ${FROM}/vite.config.mjs ${FROM}/embed.mjs
    DESTINATION ${IN})
  run_or_explain("The sources of the pages are in web/src." ${NPM} run --silent build)
else()
  message(FATAL_ERROR "unknown step ${step}")
endif()
