// The board: launches that threads without work may help with (crew.h), and the slots of them that
// nobody has begun.
//
// A launch is posted by its caller, who then claims slots of it like everybody, until none is left,
// waits for the slots that others have claimed, and takes the post down. A slot is claimed by one
// compare-and-swap on the post, which lies in static memory: whoever has claimed one may touch the
// launch until he has said that it is done, since its caller waits for that; nobody else may.
//
// Nobody can wait for ever: a caller waits only for slots that a thread runs, and who runs a slot
// waits only, in launches that the slot makes, for slots one level deeper. While it waits, no
// thread runs slots of another launch, which might want a lock that its own slot holds; but for the
// caller of an outermost launch, who is in no slot, and helps with launches made inside of his.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ompsafe {

class Launch;

// Who wants to run a slot.
struct Claimant {
  // Of launches inside of this outermost one alone (a post's number), or of all.
  static constexpr std::uint32_t kAll = -1;
  std::uint32_t inside = kAll;
  // Whether a core is free for him. If not, he is of use only where kernels wait for something.
  bool core_free = true;
  // Whether the launch is his own.
  bool is_caller = false;
};

class Post {
 public:
  // Claims the next slot that `who` may run; nullptr if there is none.
  Launch* claim(std::size_t& slot, Claimant who);

  // So many claimed slots are: with this, who has run them has touched the launch for the last
  // time.
  void done(std::uint32_t slots);

  // For the caller, when nothing is left to claim: whether all slots are done.
  bool all_done() const;

  // Sleeps until they are, and is counted as at work again by who wakes him; false if they are
  // already.
  bool sleep_until_done();

  // For a caller whose thread ends: nobody is to claim what is left. Returns how many slots that
  // is.
  std::uint32_t withdraw();

  // Then: the post may be used for another launch.
  void take_down();

  std::uint32_t number() const;

 private:
  friend class Board;

  // How many slots are left to claim, the number of the outermost launch's post, and whether more
  // threads than cores are of use: the only word that threads without a claim look at.
  static constexpr std::uint32_t kBeyondCores = 1u << 31;
  static constexpr std::uint32_t kLeft = (1u << 24) - 1;
  // In place of that number, in the child of a fork: what is left is the caller's alone.
  static constexpr std::uint32_t kCallersAlone = 126;
  static std::uint32_t outermost(std::uint32_t left) { return (left & ~kBeyondCores) >> 24; }
  static bool offers(std::uint32_t left, Claimant who);

  alignas(64) std::atomic<std::uint32_t> left_{0};
  Launch* launch_ = nullptr;
  std::size_t slots_ = 0;
  const void* owner_ = nullptr;
  std::uint32_t forks_ = 0;

  // Slots that are not done. Whoever ends the last one wakes the caller where the bit says so.
  static constexpr std::uint32_t kCallerSleeps = 1u << 31;
  alignas(64) std::atomic<std::uint32_t> undone_{0};
};

class Board {
 public:
  // All slots but the first one, which is its caller's. nullptr if the board is full, or the slots
  // are too many: then the whole launch is.
  // `beyond_cores`: its kernel waits for something, so that more threads than cores are of use.
  static Post* put(Launch& launch, bool beyond_cores);

  // A slot of the first launch from post number `from` on that has one, and moves `from` on. No
  // post if there is none.
  struct Claim {
    Post* post = nullptr;
    Launch* launch = nullptr;
    std::size_t slot = 0;
  };
  static Claim claim(unsigned& from, Claimant who);

  // Runs it, and other slots of the launch as long as it has some.
  static void run(Claim claim, Claimant who);

  // To be called where the calling thread ends: a slot that it runs so counts as done, since the
  // launch's caller waits for it. False if there is none.
  static bool helper_ends();

  // Whether there is one to be had.
  static bool offers(Claimant who);

  // In the child of a fork: only the calling thread's own launches go on, by itself, and what
  // others had claimed of them is lost, as the rest of their threads. Nobody else may run what is
  // left: it is the parent's work, and a child that leaves the launch does not wait for it.
  static void forget_others();
};

}  // namespace ompsafe
