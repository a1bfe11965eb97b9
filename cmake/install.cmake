# What `cmake --install` puts where, and what find_package(ulpscope) then finds.
#
# Two export sets, so that a consumer of Soft<F> needs none of the library's packages: `core`, the
# headers (target ulpscope::core), and `library`, which adds ulpscope::ulpscope. The file
# ulpscopeConfig.cmake looks up the packages of the second only where it is installed and wanted.
# Held by tests/install.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ulpscope_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ulpscope)
# The rooms whose headers need no compiled part.
set(ulpscope_core_rooms base format round arith scaling hardware interop)

function(ulpscope_install_core)
  foreach(room IN LISTS ulpscope_core_rooms)
    if(EXISTS ${PROJECT_SOURCE_DIR}/include/ulpscope/${room})
      install(DIRECTORY include/ulpscope/${room} COMPONENT core
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ulpscope FILES_MATCHING PATTERN *.hpp)
    endif()
  endforeach()
  install(TARGETS ulpscope_core EXPORT ulpscopeCoreTargets
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT ulpscopeCoreTargets NAMESPACE ulpscope:: COMPONENT core
    DESTINATION ${ulpscope_package_dir})

  configure_package_config_file(cmake/ulpscopeConfig.cmake.in
    ${PROJECT_BINARY_DIR}/ulpscopeConfig.cmake INSTALL_DESTINATION ${ulpscope_package_dir})
  # Before 1.0 a minor version may break what a consumer relies on.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/ulpscopeConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/ulpscopeConfig.cmake
      ${PROJECT_BINARY_DIR}/ulpscopeConfigVersion.cmake
    COMPONENT core DESTINATION ${ulpscope_package_dir})
endfunction()

function(ulpscope_install_library)
  install(DIRECTORY include/ulpscope COMPONENT library
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)
  install(TARGETS ulpscope_lib ulpscope_reference EXPORT ulpscopeTargets
    ARCHIVE COMPONENT library DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ulpscopeTargets NAMESPACE ulpscope:: COMPONENT library
    DESTINATION ${ulpscope_package_dir})
endfunction()
