// The process's standard streams and signals: the only file that writes to stdout and stderr.
//
// A reader that goes away (`lbctl get rules | head -1`) ends the process quietly. Threading: main
// thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "cli/terminal_size.h"

namespace lb::cli {

bool StdinIsTty();
bool StdoutIsTty();
bool StderrIsTty();

// Size of the terminal on stdout, 0 when it is none or says nothing. COLUMNS does not matter: it
// is not exported by shells and stale when it is.
TerminalSize StdoutSize();

// Writes all of `text` to stdout. Ends the process: quietly with 0 when the reader is gone, with
// a message and 70 when the data cannot be written (a full disk).
void WriteOut(std::string_view text);

// Writes to stderr as far as possible.
void WriteErr(std::string_view text);

// Waits; returns early, never to the caller, when stdout's reader has gone away.
void Pause(std::chrono::milliseconds time);

// Reads one line of stdin, at most 256 bytes, without its end; "" at the end of input.
std::string ReadLine();

// SIGINT ends with 130, SIGTERM with 143, SIGPIPE is ignored: see WriteOut.
void SetUpSignals();

// What SIGINT and SIGTERM print to stderr before they end the process; cut at 255 bytes.
void SetInterruptNote(const std::string& note);

}  // namespace lb::cli
