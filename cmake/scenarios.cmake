# src/lab/scenarios/NAME.toml -> scenario_texts.cc, which the target embeds (src/lab/built_in.h), in
# the order given.
function(giliran_scenarios target)
  set(made ${CMAKE_BINARY_DIR}/scenarios/scenario_texts.cc)
  set(from ${CMAKE_SOURCE_DIR}/src/lab/scenarios)
  set(files "")
  foreach(name IN LISTS ARGN)
    list(APPEND files ${from}/${name}.toml)
  endforeach()
  string(REPLACE ";" "," names "${ARGN}")
  add_custom_command(OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -DFROM=${from} -DNAMES=${names} -DTO=${made}
      -P ${CMAKE_SOURCE_DIR}/cmake/scenarios_embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/scenarios_embed.cmake
    COMMENT "Built-in scenarios" VERBATIM)
  target_sources(${target} PRIVATE ${made})
endfunction()
