# What `cmake --install` copies: the program, an example configuration, units for systemd.
include(GNUInstallDirs)

install(TARGETS giliran RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/coordinator.toml DESTINATION ${CMAKE_INSTALL_DATADIR}/giliran)
install(FILES packaging/giliran.socket DESTINATION ${CMAKE_INSTALL_DATADIR}/giliran)
install(FILES LICENSE docs/configuration.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The unit names the program by its path, which only the prefix of the installation tells.
install(CODE "
  file(READ \"${CMAKE_SOURCE_DIR}/packaging/giliran.service\" unit)
  string(REPLACE \"/usr/local/bin/\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\"
         unit \"\${unit}\")
  set(to \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/giliran.service\")
  message(STATUS \"Installing: \${to}\")
  file(WRITE \"\${to}\" \"\${unit}\")
")
