#pragma once
// What the process tells its caller, after <sysexits.h>.

namespace turnstone::regions::exit_code {

inline constexpr int ok = 0;
inline constexpr int usage = 64;        // the command line cannot be understood
inline constexpr int data = 65;         // a file that was given is damaged, or of another release
inline constexpr int unavailable = 69;  // a port is taken
inline constexpr int io = 74;           // the data directory cannot be used, or a write failed
inline constexpr int in_use = 75;       // another leader holds the data directory
inline constexpr int config = 78;       // a setting is missing, unknown or out of range

}  // namespace turnstone::regions::exit_code
