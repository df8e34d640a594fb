// The settings of one thread, outside of all launches: sets them, and knows what the count of its
// launches has to be.
#pragma once

#include <cstdint>

#include "random.h"

namespace native {

class Settings {
 public:
  // As they are.
  Settings();

  // Changes one of them.
  void change(Random& random);

  // That a launch, whose kernels set what they like, has left them alone, and what the count is.
  void check() const;

 private:
  int count() const;

  int mask_;
  int limit_;
  int nthreads_var_;
  int dynamic_;
  std::uintptr_t chunksize_;
};

// What all threads share: set while there is only one.
void set_for_process(Random& random);

}  // namespace native
