# Which instruction sets this compiler can be asked for, and the flags of each.
#
# mitame_take_sources(avx2 sources) gives every native/*_avx2.cpp its flags and defines
# MITAME_HAS_AVX2 for all; where the set is not to be had, those files leave the list.
include(CheckCXXCompilerFlag)

set(mitame_definitions "")

string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" mitame_processor)
if(CMAKE_OSX_ARCHITECTURES)
  string(TOLOWER "${CMAKE_OSX_ARCHITECTURES}" mitame_processor)
elseif(CMAKE_GENERATOR_PLATFORM)
  string(TOLOWER "${CMAKE_GENERATOR_PLATFORM}" mitame_processor)
endif()

set(mitame_flags_neon "")
if(MSVC AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # This compiler knows every intrinsic whatever the flag; AVX-VNNI has no flag of its own.
  set(mitame_flags_avx2 /arch:AVX2)
  set(mitame_flags_avxvnni /arch:AVX2)
  set(mitame_flags_avx512 /arch:AVX512)
else()
  set(mitame_flags_avx2 -mavx2 -mfma -mf16c -mpopcnt)
  set(mitame_flags_avxvnni ${mitame_flags_avx2} -mavxvnni)
  set(mitame_flags_avx512
    -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni ${mitame_flags_avx2})
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC's own AVX-512 header sets it off (GCC bug 105593).
  list(APPEND mitame_flags_avx512 -Wno-maybe-uninitialized)
endif()

# Sets `result` to whether files of the instruction set can be compiled here.
function(mitame_can_compile set result)
  if(set STREQUAL "neon")
    set(architecture "^(aarch64|arm64)$")
  else()
    set(architecture "^(x86_64|amd64|x64)$")
  endif()
  if(NOT mitame_processor MATCHES "${architecture}")
    set(${result} FALSE PARENT_SCOPE)
    return()
  endif()
  set(known TRUE)
  foreach(flag IN LISTS mitame_flags_${set})
    string(MAKE_C_IDENTIFIER "MITAME_KNOWS_${flag}" variable)
    check_cxx_compiler_flag("${flag}" ${variable})
    if(NOT ${variable})
      set(known FALSE)
    endif()
  endforeach()
  set(${result} ${known} PARENT_SCOPE)
endfunction()

function(mitame_take_sources set list)
  set(mine ${${list}})
  list(FILTER mine INCLUDE REGEX "_${set}\\.cpp$")
  mitame_can_compile(${set} possible)
  if(possible)
    if(mine)
      set_source_files_properties(${mine} PROPERTIES COMPILE_OPTIONS "${mitame_flags_${set}}")
    endif()
    string(TOUPPER "MITAME_HAS_${set}" definition)
    set(mitame_definitions ${mitame_definitions} ${definition} PARENT_SCOPE)
  elseif(mine)
    set(rest ${${list}})
    list(REMOVE_ITEM rest ${mine})
    set(${list} ${rest} PARENT_SCOPE)
  endif()
endfunction()
