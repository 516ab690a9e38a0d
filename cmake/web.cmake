# web/ -> page_assets.cc, which giliran_web embeds (src/web/assets.h). Everything npm and Vite write
# is in the build directory: web/ stays as it is, and builds side by side do not meet. npm runs when
# web/package*.json change, Vite when a source does; neither in a build of C++ alone.
# Without npm, or where its registry cannot be reached, the program is built all the same: its pages
# show their numbers as text (web/plain_assets.cc), the build says so, and the next one tries again.
# -DGILIRAN_WEB_ASSETS=PATH takes the page_assets.cc of another build.
set(GILIRAN_WEB_ASSETS "" CACHE FILEPATH "A page_assets.cc made elsewhere, instead of npm and Vite")

function(giliran_web_assets target)
  set(assets ${GILIRAN_WEB_ASSETS})
  if(NOT assets)
    find_program(NPM npm)
    find_program(NODE NAMES node nodejs)
    set(from ${CMAKE_SOURCE_DIR}/web)
    set(in ${CMAKE_BINARY_DIR}/web)
    set(assets ${in}/dist/page_assets.cc)
    set(packages ${from}/package.json ${from}/package-lock.json ${from}/.npmrc)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${from}/src/*)
    list(APPEND sources ${from}/tsconfig.json ${from}/vite.config.mjs ${from}/embed.mjs
      ${from}/plain_assets.cc)
    set(npm ${NPM})
    if(NOT NPM OR NOT NODE)
      set(npm "")
    endif()
    set(step ${CMAKE_COMMAND} -DNPM=${npm} -DFROM=${from} -DIN=${in}
      -P ${CMAKE_SOURCE_DIR}/cmake/web_build.cmake)
    # The stamp is not written where the packages could not be had: so the next build tries again.
    add_custom_command(OUTPUT ${in}/packages.stamp
      COMMAND ${step} packages
      DEPENDS ${packages} ${CMAKE_SOURCE_DIR}/cmake/web_build.cmake
      COMMENT "npm ci: what web/ is built with" VERBATIM)
    add_custom_command(OUTPUT ${assets}
      COMMAND ${step} page
      DEPENDS ${in}/packages.stamp ${sources}
      COMMENT "Vite: the script and style of the pages" VERBATIM)
  endif()
  target_sources(${target} PRIVATE ${assets})
endfunction()
