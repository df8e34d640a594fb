// Memory that may not be there. There are no exceptions here, and new gets no memory, not even
// std::nothrow's: libstdc++ throws inside of it, and ends the process without memory for that.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

namespace ompsafe {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// For plain data; its end calls no destructor.
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// As its members' initializers say; empty where there is no memory for it.
template <typename T>
Owned<T> one() {
  void* memory = std::malloc(sizeof(T));
  return Owned<T>(memory == nullptr ? nullptr : new (memory) T{});
}

// Zeros; empty where there is no memory for them.
template <typename T>
Owned<T[]> array_of(std::size_t length) {
  return Owned<T[]>(static_cast<T*>(std::calloc(length, sizeof(T))));
}

}  // namespace ompsafe
