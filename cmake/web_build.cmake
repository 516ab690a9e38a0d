# cmake -DNPM= -DFROM=web -DIN=BUILD/web -P web_build.cmake packages|page: the steps of web.cmake.
# NPM is empty where there is no npm or no Node.js.
math(EXPR last "${CMAKE_ARGC} - 1")
set(step ${CMAKE_ARGV${last}})

# Sets `failed` to what it said where it did, or took longer than so many seconds.
function(try_run seconds)
  set(failed "" PARENT_SCOPE)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${IN} RESULT_VARIABLE status
    OUTPUT_VARIABLE output ERROR_VARIABLE output TIMEOUT ${seconds})
  if(NOT status EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    set(failed "${output}\n${command} (in ${IN}) failed: ${status}" PARENT_SCOPE)
  endif()
endfunction()

# Sets `missing` to why there are no packages where they cannot be had here. A registry that does not
# answer is given up after seconds: npm itself would wait for minutes.
function(fetch_packages)
  set(missing "" PARENT_SCOPE)
  if(NOT NPM)
    set(missing "there is no npm here (Debian: apt-get install nodejs npm)" PARENT_SCOPE)
    return()
  endif()
  file(COPY ${FROM}/package.json ${FROM}/package-lock.json ${FROM}/.npmrc DESTINATION ${IN})
  # No package's own install script is run: the ones used here need none.
  set(fetch ${NPM} ci --ignore-scripts --no-progress)
  try_run(20 ${NPM} ping --fetch-retries=0)
  if(failed AND NOT failed MATCHES "code E[0-9]")  # a registry that knows no ping answers E404
    try_run(120 ${fetch} --offline)  # what npm has kept of an earlier time
    if(failed)
      set(missing "npm's registry cannot be reached (npm ping)" PARENT_SCOPE)
    endif()
    return()
  endif()
  try_run(600 ${fetch} --prefer-offline)
  if(failed)
    message(NOTICE "${failed}")
    message(FATAL_ERROR "npm's registry answers, but the packages of web/package-lock.json did not \
come. Node.js must be 18 or newer. To build without npm: cmake -DGILIRAN_WEB_ASSETS=PATH, with the \
web/dist/page_assets.cc of a build directory that has it.")
  endif()
endfunction()

if(step STREQUAL "packages")
  file(MAKE_DIRECTORY ${IN})
  file(REMOVE ${IN}/packages.stamp)
  fetch_packages()
  if(missing)
    message(NOTICE "pages: without plots, their numbers as text: ${missing}; the next build tries \
again")
  else()
    file(TOUCH ${IN}/packages.stamp)
  endif()
elseif(step STREQUAL "page")
  if(NOT EXISTS ${IN}/packages.stamp)
    file(COPY ${FROM}/plain_assets.cc DESTINATION ${IN})
    file(MAKE_DIRECTORY ${IN}/dist)
    file(RENAME ${IN}/plain_assets.cc ${IN}/dist/page_assets.cc)
    return()
  endif()
  file(REMOVE_RECURSE ${IN}/src)
  file(COPY ${FROM}/src ${FROM}/tsconfig.json ${FROM}/vite.config.mjs ${FROM}/embed.mjs
    DESTINATION ${IN})
  try_run(300 ${NPM} run --silent build)
  if(failed)
    message(NOTICE "${failed}")
    message(FATAL_ERROR "The sources of the pages are in web/src.")
  endif()
else()
  message(FATAL_ERROR "unknown step ${step}")
endif()
