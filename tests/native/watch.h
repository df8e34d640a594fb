// What each thread is at: one that is at it for too long hangs.
#pragma once

namespace native {

// Of the calling thread's steps that have not ended, the last one begun counts.
class Step {
 public:
  explicit Step(const char* name);
  ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  const char* const outer_;
};

// Begins to watch the process: a step that takes longer than `seconds` ends it, with all steps.
void watch(unsigned seconds);

// The same in a child that was just forked, which has no thread to watch it: a signal ends it.
void watch_child();

// To stderr.
void tell_steps();

}  // namespace native
