#include "team/board.h"

#include <bit>
#include <utility>

#include "system/platform.h"
#include "system/thread_state.h"
#include "team/at_work.h"
#include "work/slots.h"

namespace ompsafe {
namespace {

constexpr unsigned kPosts = 64;
Post posts[kPosts];

// Which of them are in use.
alignas(64) std::atomic<std::uint64_t> used{0};

std::atomic<std::uint32_t> forks{0};

constexpr std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }

}  // namespace

bool Post::offers(std::uint32_t left, Claimant who) {
  if ((left & kLeft) == 0) return false;
  if (outermost(left) == kCallersAlone) return who.is_caller;
  if (!who.core_free && (left & kBeyondCores) == 0) return false;
  return who.inside == Claimant::kAll || who.inside == outermost(left);
}

Launch* Post::claim(std::size_t& slot, Claimant who) {
  std::uint32_t left = left_.load(std::memory_order_relaxed);
  while (offers(left, who)) {
    if (left_.compare_exchange_weak(left, left - 1, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      slot = slots_ - (left & kLeft);
      return launch_;
    }
  }
  return nullptr;
}

void Post::done(std::uint32_t slots) {
  if (undone_.fetch_sub(slots, std::memory_order_acq_rel) - slots == kCallerSleeps) {
    at_work::go_on();
    platform::wake(undone_, 1);
  }
}

// What else the word says, those may still read who have claimed a slot.
std::uint32_t Post::withdraw() {
  return left_.fetch_and(~kLeft, std::memory_order_relaxed) & kLeft;
}

// In the child of a fork, those that others ran will never be.
bool Post::all_done() const {
  return (undone_.load(std::memory_order_acquire) & ~kCallerSleeps) == 0 ||
         forks_ != forks.load(std::memory_order_relaxed);
}

bool Post::sleep_until_done() {
  std::uint32_t undone = undone_.fetch_or(kCallerSleeps, std::memory_order_acq_rel);
  if (undone == 0) return false;
  do {
    platform::wait_while(undone_, undone | kCallerSleeps);
    undone = undone_.load(std::memory_order_acquire);
  } while (undone != kCallerSleeps);
  return true;
}

void Post::take_down() {
  if (this_thread.launch == nullptr) this_thread.outermost = ThreadState::kNoPost;
  owner_ = nullptr;
  used.fetch_and(~bit(number()), std::memory_order_release);
}

std::uint32_t Post::number() const { return static_cast<std::uint32_t>(this - posts); }

Post* Board::put(Launch& launch, bool beyond_cores) {
  const std::size_t slots = launch.slots() - launch.slots_done();
  if (slots > Post::kLeft) return nullptr;
  // Begun where this thread's last one was: that line is in its cache.
  ThreadState& thread = this_thread;
  std::uint64_t now = used.load(std::memory_order_relaxed);
  unsigned number;
  do {
    if (~now == 0) return nullptr;
    const int first = static_cast<int>(thread.post);
    number = (thread.post + std::countr_one(std::rotr(now, first))) % kPosts;
  } while (!used.compare_exchange_weak(now, now | bit(number)));
  thread.post = number;
  Post& post = posts[number];
  post.launch_ = &launch;
  post.slots_ = launch.slots();
  post.owner_ = &thread;
  post.forks_ = forks.load(std::memory_order_relaxed);
  post.undone_.store(static_cast<std::uint32_t>(slots), std::memory_order_relaxed);
  if (thread.launch == nullptr) thread.outermost = number;
  std::uint32_t left = static_cast<std::uint32_t>(slots - 1) | thread.outermost << 24;
  if (beyond_cores) left |= Post::kBeyondCores;
  // In one order with the caller's look at who sleeps, and with the last look of who falls asleep.
  post.left_.store(left, std::memory_order_seq_cst);
  return &post;
}

Board::Claim Board::claim(unsigned& from, Claimant who) {
  const unsigned first = from;
  std::uint64_t in_use = std::rotr(used.load(std::memory_order_relaxed), static_cast<int>(first));
  for (; in_use != 0; in_use &= in_use - 1) {
    Post& post = posts[(first + std::countr_zero(in_use)) % kPosts];
    std::size_t slot = 0;
    if (Launch* launch = post.claim(slot, who)) {
      from = (post.number() + 1) % kPosts;
      return {&post, launch, slot};
    }
  }
  return {};
}

void Board::run(Claim claim, Claimant who) {
  Post& post = *claim.post;
  ThreadState& thread = this_thread;
  thread.helps = &post;
  do {
    // The word keeps this until the slot is done.
    thread.outermost = Post::outermost(post.left_.load(std::memory_order_relaxed));
    const std::uint32_t forks_before = forks.load(std::memory_order_relaxed);
    claim.launch->run_slot(claim.slot);
    // The child of a fork in there has forgotten the launch, and the post may be another one's.
    if (forks_before != forks.load(std::memory_order_relaxed)) return;
    post.done(1);
    claim.launch = post.claim(claim.slot, who);
  } while (claim.launch != nullptr);
  thread.helps = nullptr;
}

bool Board::helper_ends() {
  Post* const post = std::exchange(this_thread.helps, nullptr);
  if (post != nullptr) post->done(1);
  return post != nullptr;
}

bool Board::offers(Claimant who) {
  for (std::uint64_t in_use = used.load(std::memory_order_seq_cst); in_use != 0;
       in_use &= in_use - 1) {
    const Post& post = posts[std::countr_zero(in_use)];
    if (Post::offers(post.left_.load(std::memory_order_seq_cst), who)) return true;
  }
  return false;
}

void Board::forget_others() {
  forks.fetch_add(1, std::memory_order_relaxed);
  this_thread.helps = nullptr;
  for (unsigned number = 0; number < kPosts; ++number) {
    Post& post = posts[number];
    if (post.owner_ == &this_thread) {
      const std::uint32_t left = post.left_.load(std::memory_order_relaxed) & Post::kLeft;
      post.left_.store(left | Post::kCallersAlone << 24, std::memory_order_relaxed);
      continue;
    }
    post.left_.store(0, std::memory_order_relaxed);
    post.undone_.store(0, std::memory_order_relaxed);  // nobody sleeps for it
    used.fetch_and(~bit(number), std::memory_order_relaxed);
  }
}

}  // namespace ompsafe
