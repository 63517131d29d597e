# The target errand::contract: the tests that every store has to pass, as sources of whatever program links it.
#
#     find_package(errand REQUIRED COMPONENTS contract)     # or: include() this file, where errand is a subdirectory
#     target_link_libraries(my_store_tests PRIVATE errand::contract GTest::gtest_main)
#
# Sources and not a library: nothing refers to a test, so a linker would leave it out; and they are built with the
# GoogleTest, and the options, of the program.
find_package(rapidcheck REQUIRED)  # Debian: librapidcheck-dev
add_library(errand::contract INTERFACE IMPORTED)
foreach(file adopt changes claims contract finish model model_schedules schedules slots unique)
  target_sources(errand::contract INTERFACE ${CMAKE_CURRENT_LIST_DIR}/${file}.cc)
endforeach()
target_include_directories(errand::contract INTERFACE ${CMAKE_CURRENT_LIST_DIR}/..)
target_link_libraries(errand::contract INTERFACE errand::errand GTest::gtest rapidcheck)
