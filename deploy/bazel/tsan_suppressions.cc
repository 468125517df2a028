// What the thread sanitizer shall not report, built into every program that uses gRPC.
//
// Debian's gRPC and abseil are not instrumented: the sanitizer does not see the atomics by which
// they hand data from thread to thread, and takes each such hand-over for a race. Our own threads
// are joined by posting to Asio loops and by our own atomics, which it sees. Reports are left out
// only when a frame of one of the two libraries is in one of the two stacks.
// https://github.com/google/sanitizers/wiki/ThreadSanitizerSuppressions

#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc\n"
         "race:libabsl_\n"
         "race:absl::debian3\n";
}
#endif
