# Installs ulpscope where the consumer wants an installed one, then configures, builds and runs it.
# Called by ctest: see CMakeLists.txt.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${work})
set(prefix ${work}/prefix)
set(common -G ${generator}
  -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_CXX_COMPILER_LAUNCHER=${launcher})

if(consumer STREQUAL find_package)
  run(${CMAKE_COMMAND} ${common} -S ${checkout} -B ${work}/ulpscope -D ULPSCOPE_CORE_ONLY=ON)
  run(${CMAKE_COMMAND} --install ${work}/ulpscope --prefix ${prefix})
elseif(consumer STREQUAL library)
  foreach(component IN ITEMS core library)
    run(${CMAKE_COMMAND} --install ${this_build} --prefix ${prefix} --component ${component})
  endforeach()
  # A library built for a sanitizer asks the same of whoever links it.
  if(sanitize)
    list(APPEND common -D CMAKE_CXX_FLAGS=-fsanitize=${sanitize})
  endif()
endif()

# Away from ulpscope's own folders, as a project of its own.
file(COPY ${CMAKE_CURRENT_LIST_DIR}/${consumer}/ ${CMAKE_CURRENT_LIST_DIR}/rounding_test.cpp
  DESTINATION ${work}/source)
run(${CMAKE_COMMAND} ${common} -S ${work}/source -B ${work}/build
  -D CMAKE_PREFIX_PATH=${prefix} -D ulpscope_checkout=${checkout})
if(NOT consumer STREQUAL subproject)
  run(${CMAKE_COMMAND} --build ${work}/build)
  run(${CMAKE_CTEST_COMMAND} --test-dir ${work}/build --no-tests=error --output-on-failure)
endif()
