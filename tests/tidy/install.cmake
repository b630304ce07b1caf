# Installs into SCRATCH from BUILD and asks the installed program who it is: VERSION.
file(REMOVE_RECURSE ${SCRATCH})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)

# expect(CODE TEXT argument...): the exit code, and a pattern in what it prints.
function(expect code text)
  execute_process(COMMAND ${SCRATCH}/bin/turnstone ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT result STREQUAL code OR NOT "${out}${err}" MATCHES "${text}")
    message(FATAL_ERROR "turnstone ${ARGN} ended with ${result}, not ${code}, and printed:\n${out}${err}")
  endif()
endfunction()

expect(0 "^turnstone ${VERSION}\n$" --version)
expect(0 "Usage: turnstone serve" serve --help)
expect(0 "region = \"paris\"" serve --region paris --data here --check)
expect(64 "unknown option --regoin; did you mean --region" serve --regoin paris)
expect(78 "data is not set" serve --region paris)
file(REMOVE_RECURSE ${SCRATCH})
