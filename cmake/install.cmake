# What `cmake --install` puts where, the package users find with find_package(errand), and the .deb.

option(ERRAND_INSTALL "Install the library and the errand command" ${PROJECT_IS_TOP_LEVEL})
if(NOT ERRAND_INSTALL)
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS errand EXPORT errandTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/errand TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
if(TARGET errand_json)
  install(TARGETS errand_json EXPORT errand_json_targets)
endif()
if(TARGET errand_with_sqlite)
  install(TARGETS errand_with_sqlite EXPORT errand_sqlite_targets)
endif()
if(TARGET errand_cli)
  install(TARGETS errand_cli)
endif()

# CMake: find_package(errand 0.1 [COMPONENTS json sqlite contract])
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/errand)
set(ERRAND_CONTRACT_DIR ${CMAKE_INSTALL_DATADIR}/errand/store_contract)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/errandConfig.cmake.in ${PROJECT_BINARY_DIR}/errandConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS ERRAND_CONTRACT_DIR NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/errandConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/errandConfig.cmake ${PROJECT_BINARY_DIR}/errandConfigVersion.cmake
  DESTINATION ${package_dir})
install(EXPORT errandTargets NAMESPACE errand:: DESTINATION ${package_dir})
if(TARGET errand_json)
  # On its own, since the libraries it needs are looked for only where somebody asks for it.
  install(EXPORT errand_json_targets NAMESPACE errand:: DESTINATION ${package_dir})
endif()
if(TARGET errand_with_sqlite)
  install(EXPORT errand_sqlite_targets NAMESPACE errand:: DESTINATION ${package_dir})
endif()

# pkg-config --cflags --libs errand [errand-json errand-sqlite]
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH ERRAND_PREFIX_FROM_PC /${pkgconfig_dir} /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/errand.pc.in ${PROJECT_BINARY_DIR}/errand.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/errand.pc DESTINATION ${pkgconfig_dir})
if(TARGET errand_json)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/errand-json.pc.in ${PROJECT_BINARY_DIR}/errand-json.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/errand-json.pc DESTINATION ${pkgconfig_dir})
endif()
if(TARGET errand_with_sqlite)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/errand-sqlite.pc.in ${PROJECT_BINARY_DIR}/errand-sqlite.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/errand-sqlite.pc DESTINATION ${pkgconfig_dir})
endif()

# The tests for stores of users' own: all but those that are of one store.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tests/store_contract/ DESTINATION ${ERRAND_CONTRACT_DIR}
  FILES_MATCHING PATTERN "*.cc" PATTERN "*.h" PATTERN "contract.cmake" PATTERN "*_test.cc" EXCLUDE)

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

# ./dev package
set(CPACK_PACKAGE_NAME errand)
set(CPACK_PACKAGE_VENDOR "errand")
set(CPACK_PACKAGE_CONTACT "The errand maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(TARGET errand_json)
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libboost-json1.81-dev)  # for those who link errand::json
endif()
include(CPack)

# Tests of what users receive. The sanitizer builds have nothing to add to them.
if(ERRAND_TESTS AND NOT ERRAND_SANITIZE)
  add_subdirectory(tests/headers)
  add_subdirectory(tests/package)
  add_subdirectory(tests/readme)
endif()
